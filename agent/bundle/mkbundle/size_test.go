package main

import (
	"crypto/rand"
	"io"
	"strings"
	"testing"
)

func TestAnAgentThatHasGrownTooBigIsRefused(t *testing.T) {
	noise := make([]byte, maxPacked+1)
	_, _ = rand.Read(noise) // does not compress
	for _, tt := range []struct {
		name   string
		binary []byte
		want   string
	}{
		{"as a binary", make([]byte, maxBinary+1), "10000001 bytes"},
		{"compressed", noise, "bytes compressed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := write(t.TempDir(), "amd64", tt.binary, false, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got: %v", err)
			}
		})
	}
}
