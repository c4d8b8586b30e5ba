package failover

import (
	"fmt"
	"slices"
	"time"

	"github.com/havip/havip/agent/pulse"
)

// silentAfter is the time without an answer from which on a way is silent, and not
// one that loses a few packets.
func silentAfter(every time.Duration) time.Duration { return max(500*time.Millisecond, 4*every) }

// resultOf is what a way showed in a round.
func resultOf(p Path, rec Record) PathResult {
	s := pulse.Sum(p.Beats, p.Every, rec.Began, rec.Ended)
	r := PathResult{
		Name: p.Name, From: p.From, To: p.To, Control: p.Control,
		Asked: s.Asked, Lost: s.Lost, Skipped: s.Skipped, Silence: s.Silence, Since: s.From, Until: s.To,
	}
	for _, s := range pulse.Silences(p.Beats, p.Every, rec.Began, rec.Ended) {
		if began(s, rec.Undoing, p) {
			r.Failback = max(r.Failback, s.Length)
		} else {
			r.Failover = max(r.Failover, s.Length)
		}
		// A round ends when all ways have answered again: this one was given up.
		if s.Open && s.Length > 2*silentAfter(p.Every) {
			r.Open = s.Length
		}
	}
	return r
}

// failover is the longest silence of a way that the fault can have made.
func failover(p Path, rec Record) pulse.Silence {
	var longest pulse.Silence
	for _, s := range pulse.Silences(p.Beats, p.Every, rec.Began, rec.Ended) {
		if began(s, rec.Injected, p) && !began(s, rec.Undoing, p) && s.Length > longest.Length {
			longest = s
		}
	}
	return longest
}

// began tells whether a silence began at a time or later: it was not asked within it
// before. That the last answer came a pace earlier is the pace.
func began(s pulse.Silence, at time.Duration, p Path) bool { return s.Asked >= at-p.Every }

// asksNot tells whether nothing was asked on a way at some time between two: when it
// answered is not known then.
func (p Path) asksNot(rec Record, from, to time.Duration) bool {
	return slices.ContainsFunc(pulse.Gaps(p.Beats, p.Every, rec.Began, rec.Ended), func(g pulse.Gap) bool {
		return g.From <= to && g.To > from
	})
}

// unasked says that a silence may have been beyond the limit, as nothing was asked for some
// of it; "" where none may.
func unasked(rec Record, p Path, l Limits) string {
	var worst pulse.Silence
	for _, s := range pulse.Silences(p.Beats, p.Every, rec.Began, rec.Ended) {
		if s.Length <= l.Downtime && s.Length+s.Unasked > l.Downtime && s.Unasked > worst.Unasked {
			worst = s
		}
	}
	if worst.Unasked == 0 {
		return ""
	}
	return fmt.Sprintf("%s: nothing was asked for %s, and whether it kept the limit, %s, is not known", p.Name, round(worst.Unasked), round(l.Downtime))
}
