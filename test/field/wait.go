package field

import (
	"testing"
	"time"
)

const (
	// patience bounds every wait: only something broken needs it.
	patience = 30 * time.Second
	// glance is the pause between two looks. Looking costs the processors that
	// the daemons need.
	glance = 5 * time.Millisecond
)

// Eventually waits until the condition holds, with a limit that only something
// broken reaches.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	EventuallyOr(t, holds, func() string { return what })
}

// EventuallyOr is Eventually with a message that is made when it is needed.
func EventuallyOr(t testing.TB, holds func() bool, what func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what())
		}
		time.Sleep(glance)
	}
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
