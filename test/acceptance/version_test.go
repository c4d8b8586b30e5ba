//go:build acceptance

package acceptance

import (
	"slices"
	"testing"
	"time"
)

// havip is called in loops and prompts: it must start at once. It takes some
// 10 ms; the limit of 50 ms is for the best of ten runs, so that a busy
// machine does not fail the test.
func TestVersionIsPrintedAtOnce(t *testing.T) {
	var took []time.Duration
	for range 10 {
		took = append(took, mustHavip(t, 0, "version").took)
	}
	slices.Sort(took)
	t.Logf("havip version: min %v, median %v, max %v", took[0], took[5], took[9])
	if took[0] > 50*time.Millisecond {
		t.Errorf("havip version takes %v at best", took[0])
	}
}
