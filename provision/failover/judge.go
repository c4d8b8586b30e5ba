package failover

import (
	"fmt"
	"slices"
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
		was := resultOf(p, rec)
		r.Paths = append(r.Paths, was)
		if p.Control && was.Lost == was.Asked {
			r.Trouble = append(slices.Clip(r.Trouble), fmt.Sprintf("%s: the control, %s, did not answer, and excuses nothing", p.Name, p.To))
		}
	}
	for _, m := range rec.Members {
		r.ClockError = max(r.ClockError, m.ClockError)
	}
	whole := Span{rec.Began, rec.Ended}
	r.TwoOwners, _ = owners(rec.Members, whole)
	_, r.NoOwner = owners(rec.haveHad(), whole)
	if r.Moved {
		r.Layers = layers(rec)
		r.Slowest = slowest(r.Layers)
	}
	r.Verdict, r.Why = verdict(r, rec, l)
	if rec.Unwell != "" {
		r.Verdict, r.Why = Failed, append([]string{rec.Unwell}, r.Why...)
	}
	return r
}

// verdict holds a round to what was expected and to the limits.
func verdict(r Round, rec Record, l Limits) (Verdict, []string) {
	var wrong []excess
	note := func(format string, a ...any) { wrong = append(wrong, excess{why: fmt.Sprintf(format, a...)}) }
	switch {
	case rec.After == "":
		note("no member was active again")
	case rec.Fault.Expect == Moves && !r.Moved:
		note("the VIP stayed on %s; it was to move", r.Before)
	case rec.Fault.Expect == Stays && r.Moved:
		note("the VIP moved to %s; it was to stay", r.After)
	case rec.Fault.Expect == Stays:
		if other := meanwhile(rec); other != "" {
			note("the VIP moved to %s and back; it was to stay", other)
		}
	}
	if rec.Answers != "" && rec.Answers != rec.After && rec.After != "" && !rec.handedOver(rec.Answers) {
		note("outside %s answers, while %s is active", rec.Answers, rec.After)
	}
	if rec.Silent != "" && rec.After != "" {
		long := rec.controlSilent(Outside, rec.Asked)
		wrong = append(wrong, excess{why: "outside nobody says who answers: " + rec.Silent, line: long > 0 && 2*long >= rec.Asked.Length()})
	}
	over, unseen := rec.overTwoOwners(r, l)
	if over != "" {
		note("%s", over)
	}
	unsure := []string{unseen}
	early, moved := movedBefore(rec)
	for i, p := range rec.Paths {
		if !p.Control {
			wrong = append(wrong, excesses(rec, p, r.Paths[i], l)...)
			unsure = append(unsure, unasked(rec, p, l))
		}
	}
	var why []string
	line := true // all that is wrong may be the line's fault
	for _, e := range wrong {
		why, line = append(why, e.why), line && e.line
	}
	switch {
	case moved:
		return Inconclusive, append([]string{fmt.Sprintf("%s gave the VIP up by itself %s before the fault", rec.Before, round(early))}, why...)
	case !line:
		return Failed, why
	case len(why) > 0:
		why = append(why, "what is not failed over was silent as well: the line loses packets")
	}
	for _, u := range unsure {
		if u != "" {
			why = append(why, u)
		}
	}
	if len(why) > 0 {
		return Inconclusive, why
	}
	return Passed, nil
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
