package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/server"
)

const (
	// lead is how long the VIP is to answer before a fault, and tail after it, and
	// after it was undone: what is lost then is the line's.
	lead = time.Second
	tail = 2 * time.Second
	// effectTime is how long a fault may take to have its effect. A server that is
	// shut down has a minute for it.
	effectTime = 2 * time.Minute
	// bootTime is how long a server may take to boot.
	bootTime = 5 * time.Minute
	// askTime bounds one question to an agent.
	askTime = 5 * time.Second
	// readyTime bounds how long witnesses take to be there.
	readyTime = 30 * time.Second
)

// errMoved is a VIP that moved while a round was prepared.
var errMoved = errors.New("the VIP moved by itself before the fault was made")

// round makes one fault, and judges. A round whose VIP moves by itself before the
// fault begins once more.
func (t *Test) round(ctx context.Context, start time.Time, f Fault, number int) (Round, error) {
	r, err := t.try(ctx, start, f, number)
	if errors.Is(err, errMoved) {
		r, err = t.try(ctx, start, f, number)
	}
	if errors.Is(err, errMoved) {
		return unmade(f, number, fmt.Errorf("%w, twice", err)), nil
	}
	return r, err
}

// unmade is a round whose fault was not made.
func unmade(f Fault, number int, why error) Round {
	return Round{Number: number, Fault: f, Verdict: Inconclusive, Why: []string{why.Error()}}
}

// try is one beginning of a round. What it made is undone also when ctx ends or
// something fails; the error is then both. A group that is not well again after the
// fault was undone has failed the round, and is a *DisagreeError as well.
func (t *Test) try(ctx context.Context, start time.Time, f Fault, number int) (Round, error) {
	members, err := t.prepared(ctx, effectTime)
	if err != nil {
		return Round{}, err
	}
	active, next := t.roles(members)
	f = expect(f, active)
	since := func() time.Duration { return time.Since(start) }
	rec := Record{Fault: f, Number: number, Before: active.Name}

	o := t.observe(ctx, start, active)
	defer o.end()
	t.ready(ctx, o)
	if err := t.answerBefore(ctx, o); err != nil {
		return Round{}, err
	}
	rec.Began = since() - lead
	if !slices.ContainsFunc(t.states(ctx, ""), func(s state) bool { return s.ServerID == active.ServerID && s.is(api.Active) }) {
		return Round{}, errMoved
	}
	long := t.connect(ctx)

	announced := t.announce(ctx, f, active)
	defer announced()
	rec.Injected = since()
	err = t.inject(ctx, f, active, next)
	if err == nil {
		rec.After, err = t.effect(ctx, f, active, o.hears(active))
		rec.Settled = since()
	}
	impossible, not := notPossible(err)
	if err == nil {
		err = o.answerAgain(ctx)
	}
	if err == nil {
		rec.Asked.From = since()
		t.answers(ctx, &rec)
		rec.Asked.To = since()
	}
	rec.Session = long.end()
	// From here on it is undone, whatever happened; Ctrl-C does not stop that.
	rec.Undoing = since()
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), powerTime+effectTime)
	defer cancel()
	if undone := t.undo(back, f, active); undone != nil {
		return Round{}, errors.Join(err, &LeftError{What: leftBy(f, active, undone)})
	}
	announced()
	if not {
		return Round{Number: number, Fault: f, Verdict: NotPossible, Why: []string{impossible}, Before: active.Name}, nil
	}
	if err != nil {
		return Round{}, err
	}
	rec.Undone = since()
	// As before a round: a member that was started again preempts only then.
	_, err = t.prepared(ctx, returnTime(f))
	apart := (*DisagreeError)(nil)
	if err == nil {
		err = o.answerAgain(ctx)
	} else if errors.As(err, &apart) {
		rec.Unwell = err.Error() // what was seen until here is judged
	}
	if err != nil && apart == nil {
		return Round{}, err
	}
	rec.Ended = since()
	t.collect(o, &rec)
	for i := range rec.Members {
		rec.Members[i].Was = api.Backup // as they agreed
		if rec.Members[i].Name == active.Name {
			rec.Members[i].Was = api.Active
		}
	}
	return Judge(rec, t.Limits), err
}

// announce tells, once ctx ends, what is put back before the test does; the function
// that it returns ends that.
func (t *Test) announce(ctx context.Context, f Fault, active Member) (end func() bool) {
	return context.AfterFunc(ctx, func() {
		t.Progress.Warn(fmt.Sprintf("interrupted: %s of %s is put back first", f.Name, active.Name),
			"a second Ctrl-C ends at once and leaves it: havip failover-test --restore "+t.Group)
	})
}

// notPossible tells whether the place does not allow a fault, and why: the server
// lacks what it needs, or the cloud's policy forbids it.
func notPossible(err error) (string, bool) {
	if lacks := (*server.NotPossibleError)(nil); errors.As(err, &lacks) {
		return lacks.Why, true
	}
	if errors.Is(err, openstack.ErrForbidden) {
		return err.Error(), true
	}
	return "", false
}

// LeftError is something that could not be put back.
type LeftError struct{ What string }

func (e *LeftError) Error() string { return e.What }

func leftBy(f Fault, m Member, err error) string {
	return fmt.Sprintf("%s of %s is not undone: %v", f.Name, m.Name, err)
}

// returnTime is how long the group may take to be well again after a fault.
func returnTime(f Fault) time.Duration {
	if f.Place == InCloud {
		return bootTime
	}
	return effectTime
}

// expect is the fault with what is to be expected of it on this server: where
// nothing restarts an agent that was killed, a backup takes over.
func expect(f Fault, active Member) Fault {
	if f.Name == AgentKill && active.Init != "systemd" {
		f.Expect = Moves
	}
	return f
}

// sleep waits, or ends with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
