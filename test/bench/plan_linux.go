package bench

import (
	"regexp"
	"slices"
	"testing"
	"time"
)

// Plan is what a run measures.
type Plan struct {
	Rounds    int // of each fault, interval and contender
	Intervals []time.Duration
	Costs     []Cost
	Over      time.Duration // for how long the cost is measured
}

// Cost is one row of what the daemons cost.
type Cost struct {
	Interval time.Duration
	Routers  int
}

// Full is the run for docs/performance.md: with 10 rounds about 12 minutes.
func Full(rounds int) Plan {
	const tenth, hundredth = time.Second / 10, time.Second / 100
	return Plan{
		Rounds:    rounds,
		Intervals: []time.Duration{time.Second, tenth, hundredth},
		Costs: []Cost{
			{time.Second, 1},
			{time.Second, 100},
			{time.Second, 255},
			{tenth, 1},
			{tenth, 100},
			{tenth, 255},
			{hundredth, 1},
		},
		Over: 10 * time.Second,
	}
}

// CostsAlone is the part of it that compares processor and memory, of the rows whose
// names match ("255 routers at 100ms"): 20 seconds each.
func CostsAlone(rows *regexp.Regexp) Plan {
	full := Full(0)
	return Plan{
		Costs: slices.DeleteFunc(full.Costs, func(c Cost) bool { return !rows.MatchString(c.String()) }),
		Over:  full.Over,
	}
}

// Tiny shows that the bench works.
func Tiny() Plan {
	const tenth = time.Second / 10
	return Plan{
		Rounds:    1,
		Intervals: []time.Duration{tenth},
		Costs:     []Cost{{tenth, 2}},
		Over:      200 * time.Millisecond,
	}
}

// Run measures. The contenders take turns, so that all see the same machine.
func Run(t *testing.T, plan Plan) *Result {
	t.Helper()
	result := newResult(plan)
	for _, interval := range plan.Intervals {
		// With a second between advertisements the daemons sleep: the rounds
		// of the contenders may go on at once.
		turn := make(chan struct{}, 1)
		if interval >= time.Second {
			turn = make(chan struct{}, len(contenders()))
		}
		t.Run(interval.String(), func(t *testing.T) {
			for _, c := range contenders() {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					lane(t, c, interval, plan.Rounds, turn, result)
				})
			}
		})
	}
	for _, cost := range plan.Costs {
		t.Run(cost.String(), func(t *testing.T) {
			for _, c := range contenders() {
				if c.Name == usual {
					continue // costs what the tuned one costs
				}
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					result.addUsage(t, usage(t, c, settings{interval: cost.Interval, routers: cost.Routers}, plan.Over))
				})
			}
		})
	}
	result.finish()
	return result
}

// lane is all rounds of one contender at one interval.
func lane(t *testing.T, c contender, interval time.Duration, rounds int, turn chan struct{}, result *Result) {
	t.Helper()
	// A switchover of keepalived needs preemption, which would move the address
	// twice in the other rounds.
	stays := newPair(t, c, settings{interval: interval, routers: 1})
	moves := stays
	if c.Name != havip {
		moves = newPair(t, c, settings{interval: interval, routers: 1, preempt: true})
	}
	for k := range rounds {
		for _, f := range faults() {
			p := stays
			if f.asked {
				p = moves
			}
			result.addRound(t, p.round(f, (float64(k)+0.5)/float64(rounds), turn))
		}
	}
}
