package bench

import (
	"fmt"
	"strings"
	"time"
)

// goal is what havip wants of itself, held against a result.
type goal struct {
	says   string
	missed []string // where, and by what
}

// goals writes which were met.
func (r *Result) goals(b *strings.Builder) {
	b.WriteString("\n### Goals\n\n| goal | |\n|---|---|\n")
	for _, g := range r.judged() {
		verdict := "met"
		if len(g.missed) > 0 {
			verdict = "missed: " + strings.Join(g.missed, "; ")
		}
		fmt.Fprintf(b, "| %s | %s |\n", g.says, verdict)
	}
}

// judged are the goals of what was measured.
func (r *Result) judged() (goals []goal) {
	if len(r.Rounds) > 0 {
		goals = append(goals, r.noProbeLost(), r.cutAsShort(), r.ownersBounded())
	}
	if len(r.Costs) > 0 {
		goals = append(goals,
			r.everyCost("processor no more than keepalived's", func(ours, theirs Usage) bool { return ours.CPU <= theirs.CPU }),
			r.everyCost("PSS at most twice keepalived's", func(ours, theirs Usage) bool { return ours.PSS <= 2*theirs.PSS }))
	}
	return goals
}

func (r *Result) noProbeLost() goal {
	g := goal{says: "graceful stop and switchover lose no probe in the median"}
	for _, interval := range r.intervals() {
		for _, fault := range []string{gracefulStop, switchover} {
			if s := r.silent(havip, fault, interval); s.median > 0 {
				g.missed = append(g.missed, fmt.Sprintf("%s at %v: %s ms", fault, interval, ms(s.median)))
			}
		}
	}
	return g
}

// cutAsShort compares from the last advertisement on: what came before the cut is
// chance. It allows for the two probes that an end of a silence is uncertain by.
func (r *Result) cutAsShort() goal {
	const slack = 2 * time.Millisecond
	g := goal{says: "link cut no longer than tuned keepalived's, from the last advertisement (± 2 ms, the probes' resolution)"}
	since := func(x Round) time.Duration { return x.SinceAdvert }
	for _, interval := range r.intervals() {
		ours, theirs := spreadOf(r.of(havip, linkCut, interval), since), spreadOf(r.of(tuned, linkCut, interval), since)
		if ours.median > theirs.median+slack {
			g.missed = append(g.missed, fmt.Sprintf("at %v: %s ms against %s", interval, ms(ours.median), ms(theirs.median)))
		}
	}
	return g
}

func (r *Result) ownersBounded() goal {
	g := goal{says: "after kill -9 and SIGSTOP the time with two owners ends"}
	for _, interval := range r.intervals() {
		for _, fault := range []string{killed, frozen} {
			if n := stillTwo(r.of(havip, fault, interval)); n > 0 {
				g.missed = append(g.missed, fmt.Sprintf("%s at %v: %d rounds", fault, interval, n))
			}
		}
	}
	return g
}

func (r *Result) everyCost(says string, holds func(ours, theirs Usage) bool) goal {
	g := goal{says: says}
	for _, c := range r.measuredCosts() {
		for _, active := range []bool{true, false} {
			if !holds(r.cost(havip, c, active), r.cost(tuned, c, active)) {
				g.missed = append(g.missed, fmt.Sprintf("%v (%s)", c, role(active)))
			}
		}
	}
	return g
}
