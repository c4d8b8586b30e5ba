package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
)

// The names of the ways.
const (
	Outside = "outside" // the floating IP, from where the test runs
	Inside  = "inside"  // the VIP, from a server in its subnet
)

// Judge makes a round of what was seen.
func Judge(rec Record, l Limits) Round {
	r := Round{
		Number: rec.Number, Fault: rec.Fault, Before: rec.Before, After: rec.After,
		Moved: rec.After != "" && rec.After != rec.Before, Trouble: rec.Trouble, Record: rec,
		Answers: rec.Answers, Session: rec.Session,
	}
	for _, p := range rec.Paths {
		r.Paths = append(r.Paths, resultOf(p, rec))
	}
	for _, m := range rec.Members {
		r.ClockError = max(r.ClockError, m.ClockError)
	}
	whole := Span{rec.Began, rec.Ended}
	r.TwoOwners, r.NoOwner = owners(rec.Members, whole)
	if r.Moved {
		r.Layers = layers(rec)
		r.Slowest = slowest(r.Layers)
	}
	r.Verdict, r.Why = verdict(r, rec, l)
	return r
}

// owners is how long at least two servers held the VIP, and the longest time in
// which none did, within a span. A server that told nothing is taken to hold what
// it last held only until its silence began.
func owners(members []Witnessed, within Span) (two, none time.Duration) {
	type edge struct {
		at    time.Duration
		delta int
	}
	var edges []edge
	known := false
	for _, m := range members {
		for _, s := range m.Held {
			if s = s.cut(within); s.Length() > 0 {
				edges = append(edges, edge{s.From, 1}, edge{s.To, -1})
			}
			known = true
		}
	}
	if !known {
		return 0, 0
	}
	slices.SortStableFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return b.delta - a.delta // one that hands over at this instant leaves no gap
	})
	holding, last := 0, within.From
	for _, e := range append(edges, edge{within.To, 0}) {
		switch length := e.at - last; {
		case holding >= 2:
			two += length
		case holding == 0:
			none = max(none, length)
		}
		holding, last = holding+e.delta, e.at
	}
	return two, none
}

// verdict holds a round to what was expected and to the limits.
func verdict(r Round, rec Record, l Limits) (Verdict, []string) {
	var why []string
	switch {
	case rec.After == "":
		why = append(why, "no member was active again")
	case rec.Fault.Expect == Moves && !r.Moved:
		why = append(why, fmt.Sprintf("the VIP stayed on %s; it was to move", r.Before))
	case rec.Fault.Expect == Stays && r.Moved:
		why = append(why, fmt.Sprintf("the VIP moved to %s; it was to stay", r.After))
	case rec.Fault.Expect == Stays:
		if other := meanwhile(rec); other != "" {
			why = append(why, fmt.Sprintf("the VIP moved to %s and back; it was to stay", other))
		}
	}
	if rec.Answers != "" && rec.Answers != rec.After && rec.After != "" && !rec.heldWhenAsked(rec.Answers) {
		why = append(why, fmt.Sprintf("outside %s answers, while %s is active", rec.Answers, rec.After))
	}
	if rec.Silent != "" && rec.After != "" {
		why = append(why, "outside nobody says who answers: "+rec.Silent)
	}
	if l.TwoOwners >= 0 && r.TwoOwners > l.TwoOwners {
		why = append(why, fmt.Sprintf("two servers held the VIP for %s, the limit is %s", round(r.TwoOwners), l.TwoOwners))
	}
	early, moved := movedBefore(rec)
	var untold []string // where it matters
	for _, m := range rec.Members {
		if l.TwoOwners >= 0 && !m.Told {
			untold = append(untold, m.Name)
		}
	}
	line := len(why) == 0 // all that is wrong may be the line's fault
	for _, p := range r.Paths {
		if p.Control {
			continue
		}
		var over []string
		switch {
		case p.Asked == 0 || p.Asked == p.Lost:
			over = append(over, p.Name+": nothing answered")
		case p.Open > 0:
			over = append(over, fmt.Sprintf("%s: silent for at least %s, and still silent at the end", p.Name, round(p.Open)))
		case p.Failover > l.Downtime:
			over = append(over, fmt.Sprintf("%s: silent for %s, the limit is %s", p.Name, round(p.Failover), round(l.Downtime)))
		}
		if p.Failback > l.Downtime && p.Open == 0 {
			over = append(over, fmt.Sprintf("%s: silent for %s %s, the limit is %s", p.Name, round(p.Failback), rec.Fault.later(), round(l.Downtime)))
		}
		if l.Lost >= 0 && p.Lost > l.Lost {
			over = append(over, fmt.Sprintf("%s: %d questions were not answered, the limit is %d", p.Name, p.Lost, l.Lost))
		}
		if len(over) > 0 && !r.sameOnControl(p) {
			line = false
		}
		why = append(why, over...)
	}
	switch {
	case moved:
		return Inconclusive, append([]string{fmt.Sprintf("%s gave the VIP up by itself %s before the fault", rec.Before, round(early))}, why...)
	case len(why) == 0 && len(untold) > 0:
		return Inconclusive, []string{fmt.Sprintf("two owners could not be seen: %s told nothing", strings.Join(untold, " and "))}
	case len(why) == 0:
		return Passed, nil
	case line:
		return Inconclusive, append(why, "what is not failed over was silent as well: the line loses packets")
	default:
		return Failed, why
	}
}

// heldWhenAsked tells whether a member had the VIP when it was asked who answers: one
// that preempts has it back by then.
func (rec Record) heldWhenAsked(name string) bool {
	for _, m := range rec.Members {
		for _, s := range m.Held {
			if m.Name == name && s.From <= rec.Asked.To+m.ClockError && s.To >= rec.Asked.From-m.ClockError {
				return true
			}
		}
	}
	return false
}

// movedBefore tells whether the active member was none any more when the fault was
// made, and since how long: the fault then hit a backup, and nothing is learned.
func movedBefore(rec Record) (early time.Duration, moved bool) {
	i := slices.IndexFunc(rec.Members, func(m Witnessed) bool { return m.Name == rec.Before })
	if i < 0 {
		return 0, false
	}
	m := rec.Members[i]
	for _, e := range m.Events {
		if e.At < rec.Began || e.At >= rec.Injected-m.ClockError {
			continue
		}
		switch {
		case e.Event.From == api.Active && e.Event.To != api.Active:
			early, moved = rec.Injected-e.At, true
		case e.Event.To == api.Active:
			moved = false
		}
	}
	return early, moved
}

// meanwhile is another member that became active after the fault, before it was
// seen who is; "" when none did.
func meanwhile(rec Record) string {
	for _, m := range rec.Members {
		for _, e := range m.Events {
			if m.Name != rec.Before && e.Event.To == api.Active && e.At >= rec.Injected-m.ClockError && e.At <= rec.Undone {
				return m.Name
			}
		}
	}
	return ""
}

// sameOnControl tells whether a way's control was about as silent, or lost about
// as much: at least half.
func (r Round) sameOnControl(p PathResult) bool {
	for _, c := range r.Paths {
		if !c.Control || c.Name != p.Name || c.Asked == 0 {
			continue
		}
		overlaps := c.Since < p.Until && p.Since < c.Until
		if overlaps && 2*c.Silence >= p.Silence || 2*c.Lost*p.Asked >= p.Lost*c.Asked && p.Lost > 0 {
			return true
		}
	}
	return false
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// Worst is the worst verdict of some rounds. Of those that were not possible
// nothing is learned; when none was possible, nothing is shown.
func Worst(rounds []Round) Verdict {
	order := []Verdict{Passed, Inconclusive, Failed}
	worst := -1
	for _, r := range rounds {
		worst = max(worst, slices.Index(order, r.Verdict))
	}
	if worst < 0 {
		return NotPossible
	}
	return order[worst]
}
