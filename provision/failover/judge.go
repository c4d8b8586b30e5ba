package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"
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
	if rec.Answers != "" && rec.Answers != rec.After && rec.After != "" && !rec.handedOver(rec.Answers) {
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
