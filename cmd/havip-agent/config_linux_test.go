package main

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A read that waited for somebody to write would keep the agent from ending.
func TestAPipeInPlaceOfTheConfigurationIsAnEmptyFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "agent.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := loadConfig(pipe); err == nil {
		t.Error("a pipe that nobody writes to is a configuration")
	}
}
