package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/provision/plan"
)

func TestPriorities(t *testing.T) {
	tests := []struct {
		name     string
		n        int
		interval time.Duration
		want     []int
	}{
		{"none", 0, time.Second, []int{}},
		{"one backup has nothing to keep apart from", 2, 300 * time.Millisecond, []int{250, 249}},
		{"at 300 ms, 17 points are 20 ms", 3, 300 * time.Millisecond, []int{250, 233, 216}},
		{"at one second, 5 points are 20 ms", 4, time.Second, []int{250, 245, 240, 235}},
		{"at 40 s, one point is more than 20 ms", 3, 40 * time.Second, []int{250, 249, 248}},
		{"at 10 ms the band is the limit", 3, 10 * time.Millisecond, []int{250, 130, 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, plan.Priorities(tt.n, tt.interval)); d != "" {
				t.Errorf("priorities (-want +got):\n%s", d)
			}
		})
	}
}

func TestPrioritiesStayInTheirBandAndDiffer(t *testing.T) {
	for n := range 241 {
		for _, interval := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond, 40 * time.Second} {
			p := plan.Priorities(n, interval)
			falling := slices.IsSortedFunc(p, func(a, b int) int { return b - a })
			if len(slices.Compact(slices.Clone(p))) != n || !falling || n > 0 && (p[0] != 250 || p[n-1] < 10) {
				t.Fatalf("%d members at %s: %v", n, interval, p)
			}
		}
	}
}
