package labtest

import (
	"testing"
	"time"
)

// Patience is how long anything may take before it counts as never.
const Patience = 3 * time.Minute

// Eventually tries until f has no objection.
func Eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	for end := time.Now().Add(Patience); ; time.Sleep(50 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("wait for %s: %v", what, err)
		}
	}
}
