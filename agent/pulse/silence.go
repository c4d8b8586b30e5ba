package pulse

import (
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
)

// Summary is what a run of beats comes to.
type Summary struct {
	Asked    int
	Answered int
	Lost     int
	Skipped  int // not asked: this machine was busy
	// Silence is the longest time without an answer beyond the pace at which
	// they come, and From and To are when it began and ended. An answer that came
	// late ends it when it came, not when it was asked for: a packet that waits in
	// a neighbour cache until the address is found does not shorten it.
	Silence  time.Duration
	From, To time.Duration
}

// Sum sums beats up that were asked between from and to, since the start of
// their run. Of them the first ought to be answered: silence counts from the first
// answer on, and an end without any counts until to.
func Sum(beats []api.Beat, every time.Duration, from, to time.Duration) Summary {
	var s Summary
	var heard []time.Duration
	for _, b := range beats {
		if sent := time.Duration(b.Sent); sent < from || sent >= to {
			continue
		}
		s.Asked++
		s.Skipped += b.Skipped
		if b.Answered() {
			s.Answered++
			heard = append(heard, time.Duration(b.Heard))
		} else {
			s.Lost++
		}
	}
	if s.Asked == 0 {
		return s
	}
	slices.Sort(heard)
	last := from
	for _, at := range append(heard, max(to, last)) {
		if gap := at - last - every; gap > s.Silence {
			s.Silence, s.From, s.To = gap, last, at
		}
		last = max(last, at)
	}
	return s
}
