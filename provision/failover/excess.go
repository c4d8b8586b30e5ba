package failover

import (
	"fmt"
	"time"

	"github.com/havip/havip/agent/pulse"
)

// excess is something that was not as it had to be. Line is one that may be the line's
// fault: what is not failed over was as bad then.
type excess struct {
	why  string
	long time.Duration
	line bool
}

// excesses are what a way showed beyond the limits: of the silences of each kind the
// longest that is not the line's, else the longest.
func excesses(rec Record, p Path, r PathResult, l Limits) []excess {
	if r.Asked == r.Lost && r.Asked > 0 {
		return []excess{{why: p.Name + ": nothing answered"}}
	}
	var over, back, open excess
	for _, s := range pulse.Silences(p.Beats, p.Every, rec.Began, rec.Ended) {
		e := excess{long: s.Length, line: rec.lineSilent(p.Name, s, l.Downtime)}
		kind := &over
		switch {
		case s.Open && r.Open > 0:
			e.why = fmt.Sprintf("%s: silent for at least %s, and still silent at the end", p.Name, round(s.Length))
			kind = &open
		case s.Length <= l.Downtime:
			continue
		case began(s, rec.Undoing, p):
			e.why = fmt.Sprintf("%s: silent for %s %s, the limit is %s", p.Name, round(s.Length), rec.Fault.later(), round(l.Downtime))
			kind = &back
		default:
			e.why = fmt.Sprintf("%s: silent for %s, the limit is %s", p.Name, round(s.Length), round(l.Downtime))
		}
		if kind.why == "" || kind.line && !e.line || kind.line == e.line && e.long > kind.long {
			*kind = e
		}
	}
	lost := excess{}
	if l.Lost >= 0 && r.Lost > l.Lost {
		lost.why = fmt.Sprintf("%s: %d questions were not answered, the limit is %d", p.Name, r.Lost, l.Lost)
		lost.line = rec.lineLost(r)
	}
	var all []excess
	for _, e := range []excess{open, over, back, lost} {
		if e.why != "" {
			all = append(all, e)
		}
	}
	return all
}

// lineSilent tells whether a way's control was silent in at least half of a silence, and
// what is left of it is within the limit.
func (rec Record) lineSilent(way string, s pulse.Silence, limit time.Duration) bool {
	both := rec.controlSilent(way, Span{s.From, s.To})
	return 2*both >= s.Length && s.Length-both <= limit
}

// controlSilent is how long a way's control was silent at a time within a span, beyond the
// pace: that a packet is lost now and then is no silence.
// One that had not answered before, in this round, shows nothing of the line: the VIP had.
func (rec Record) controlSilent(way string, within Span) (long time.Duration) {
	for _, c := range rec.Paths {
		if !c.Control || c.Name != way {
			continue
		}
		for _, s := range pulse.Silences(c.Beats, c.Every, rec.Began, rec.Ended) {
			if s.From > rec.Began {
				long = max(long, min(Span{s.From, s.To}.cut(within).Length()-c.Every, s.Length))
			}
		}
	}
	return long
}

// lineLost tells whether a way's control lost at least half as much, of what it was asked.
func (rec Record) lineLost(r PathResult) bool {
	for _, c := range rec.Paths {
		if !c.Control || c.Name != r.Name {
			continue
		}
		if c := resultOf(c, rec); c.Lost < c.Asked && 2*c.Lost*r.Asked >= r.Lost*c.Asked {
			return true
		}
	}
	return false
}
