package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// NotActiveAgain opens what is left where the first active member is not active again;
// its name follows.
const NotActiveAgain = "active member "

// Run makes every fault in every round, and at the end has the member active
// again that was at the beginning: also when ctx ends it before. What cannot be put
// back is in the report's Left. A group that is not well for a round, or not again
// after one, is a *DisagreeError.
func (t *Test) Run(ctx context.Context) (Report, error) {
	start := time.Now()
	rep := Report{
		Group: t.Group, VIP: t.VIP, Outside: t.Outside, Target: t.Target,
		Every: t.Every, Limits: t.Limits, Began: start.Round(0),
	}
	taking := *t // whose members may be fewer
	err := taking.all(ctx, start, &rep)
	rep.Took = time.Since(start)
	switch left := (*LeftError)(nil); {
	case errors.As(err, &left):
		rep.Left = append(rep.Left, left.What)
		rep.Broken = left.What
	case ctx.Err() != nil:
		rep.Broken = "interrupted"
	case err != nil:
		rep.Broken = err.Error()
	}
	return rep, err
}

func (t *Test) all(ctx context.Context, start time.Time, rep *Report) error {
	t.tolerate(t.states(ctx, ""))
	t.insiders = map[string]bool{}
	if t.Degraded {
		if err := t.leaveOut(ctx); err != nil {
			return err
		}
	}
	members, err := t.agreed(ctx)
	if err != nil {
		return err
	}
	first, _ := t.roles(members)
	err = t.rounds(ctx, start, rep)
	left, apart := (*LeftError)(nil), (*DisagreeError)(nil)
	if errors.As(err, &left) || errors.As(err, &apart) {
		return err // nobody would take it, or keep it
	}
	if ctx.Err() != nil {
		t.Progress.Warn("interrupted: the members are to agree again first, with "+first.Name+" active", "a second Ctrl-C ends at once and leaves that")
	}
	if back := t.giveBack(context.WithoutCancel(ctx), first); back != nil {
		err = errors.Join(err, &LeftError{fmt.Sprintf("%s%s: %v", NotActiveAgain, first.Name, back)})
	}
	return err
}

func (t *Test) rounds(ctx context.Context, start time.Time, rep *Report) error {
	impossible := map[Name]bool{}
	for n, number := 0, 0; n < t.Rounds; n++ {
		for _, f := range t.Faults {
			if impossible[f.Name] {
				continue
			}
			if number > 0 {
				// OVN postpones claims that follow each other within 10 s.
				if err := sleep(ctx, t.Pause); err != nil {
					return err
				}
			}
			number++
			began := time.Now()
			r, err := t.round(ctx, start, f, number)
			if silent := (*SilentError)(nil); errors.As(err, &silent) && len(rep.Rounds) > 0 {
				r, err = unmade(f, number, silent), nil // this round alone
			}
			if r.Verdict == NotPossible {
				impossible[f.Name] = true
				number--
			}
			if r.Number > 0 { // it was judged
				rep.Rounds = append(rep.Rounds, r)
				t.Progress.Step(fmt.Sprintf("round %d", r.Number), r.String(), time.Since(began))
			}
			if err != nil {
				return fmt.Errorf("round %d, %s: %w", number, f.Name, err)
			}
		}
	}
	return nil
}

// giveBack has the first active member active again.
func (t *Test) giveBack(ctx context.Context, first Member) error {
	members, err := t.agreed(ctx)
	if err != nil {
		return err
	}
	if active, _ := t.roles(members); active.ServerID == first.ServerID {
		return nil
	}
	g, err := t.Guests.Guest(ctx, first.ServerID)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := g.Switchover(ctx, t.Group); err != nil {
		return fmt.Errorf("make %s active again: %w", first.Name, err)
	}
	if _, err = t.agreed(ctx); err == nil {
		t.Progress.Step("end", first.Name+" is active again", time.Since(began))
	}
	return err
}

// String is a round in one line.
func (r Round) String() string {
	if r.Verdict == NotPossible {
		return fmt.Sprintf("%s: not possible here: %s", r.Fault.Name, r.Why[0])
	}
	if r.Record.Ended == 0 {
		return fmt.Sprintf("%s: not made, %s: %s", r.Fault.Name, r.Verdict, strings.Join(r.Why, "; "))
	}
	what := r.Before + " -> " + r.Then()
	if r.Stayed() {
		what = "stayed on " + r.Before
	}
	silent := r.Silences(func(d time.Duration) string { return round(d).String() })
	return fmt.Sprintf("%s: %s, silent for %s, %s", r.Fault.Name, what, silent, r.Verdict)
}
