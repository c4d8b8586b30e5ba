package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPagesAreWrittenAndThoseOfGoneCommandsDeleted(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"gone.md", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(dir, map[string]string{"create.md": "# havip create\n"}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "create.md")); err != nil || string(text) != "# havip create\n" {
		t.Errorf("create.md: %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "gone.md")); !os.IsNotExist(err) {
		t.Errorf("gone.md: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Errorf("notes.txt: %v", err)
	}
}
