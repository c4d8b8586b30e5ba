// Package apply runs a plan: in the order of its needs, in parallel where
// they allow it, under the group's lock, and with a record of what it changed
// so that it can be undone.
package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/havip/havip/provision/plan"
)

// Runner runs plans against a cloud and its servers.
type Runner struct {
	Cloud    Cloud
	Servers  Servers
	Progress Progress
	Now      func() time.Time
	// Holder names this run in the group's lock, e.g. "ann@desk-4711".
	Holder string
	// Abandoned tells whether the holder of a lock is known to run no more: it
	// was killed on this machine. Nil knows of none.
	Abandoned func(holder string) bool

	held held
}

// Result is what a run did.
type Result struct {
	Done      []plan.Action
	Left      []plan.Left // what was found to be somebody else's by now
	Resources plan.Resources

	undo []undo
}

// Then adds what a later run of the same plan's next stage did.
func (r *Result) Then(next *Result) *Result {
	return &Result{
		Done:      slices.Concat(r.Done, next.Done),
		Left:      slices.Concat(r.Left, next.Left),
		Resources: next.Resources,
		undo:      slices.Concat(r.undo, next.undo),
	}
}

// Changes is how many actions changed something, be it half and failing.
func (r *Result) Changes() int { return len(r.undo) }

// undo takes one action back.
type undo struct {
	action plan.Action
	do     func(context.Context) error
}

// SkippedError says that an action was not tried, because one that it needs
// failed.
type SkippedError struct{ Need string }

func (e *SkippedError) Error() string { return fmt.Sprintf("not tried: %s failed", e.Need) }

// leftError says that an action was not done, since what it is about is
// somebody else's by now. It stays, and no other action fails for it.
type leftError struct{ plan.Left }

func (e *leftError) Error() string { return e.What + " is left: " + e.Why }

// ActionError is the failure of one action.
type ActionError struct {
	Action plan.Action
	Err    error
}

func (e *ActionError) Error() string {
	return fmt.Sprintf("%s %s %q: %v", e.Action.Verb, e.Action.Kind, e.Action.Name, e.Err)
}

func (e *ActionError) Unwrap() error { return e.Err }

// Run executes p. Actions that do not depend on a failed one still run, so
// that a repeat finds as little as possible left to do; the error joins every
// failure. The result is valid also with an error.
func (r *Runner) Run(ctx context.Context, p plan.Plan) (*Result, error) {
	x := &execution{runner: r, plan: p, known: newKnown(p.Known), wave: newWave(p.Actions)}
	done := make(map[string]chan struct{}, len(p.Actions))
	failed := make(map[string]error, len(p.Actions))
	var mu sync.Mutex
	for _, a := range p.Actions {
		done[a.ID] = make(chan struct{})
	}
	var wg sync.WaitGroup
	for _, a := range p.Actions {
		wg.Go(func() {
			defer close(done[a.ID])
			defer x.wave.end(a.ID)
			err := waitFor(ctx, a, done, failed, &mu)
			if err == nil && startsAgent(a) && !x.wave.passed() {
				err = &SkippedError{Need: "tagging"}
			}
			err = cmp.Or(err, ctx.Err())
			if err == nil {
				r.Progress.Begin(a)
				err = x.do(ctx, a)
				r.Progress.End(a, err)
			}
			if left := (*leftError)(nil); errors.As(err, &left) {
				x.leave(left.Left)
				err = nil // what needs a goes on
			}
			if err != nil {
				mu.Lock()
				failed[a.ID] = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	errs := x.wave.wait()
	for _, a := range p.Actions {
		err := failed[a.ID]
		if skipped := (*SkippedError)(nil); err != nil && !errors.As(err, &skipped) {
			errs = append(errs, &ActionError{Action: a, Err: err})
		}
	}
	return x.result(), errors.Join(errs...)
}

// waitFor returns when every need of a is done, with the reason not to go on.
func waitFor(ctx context.Context, a plan.Action, done map[string]chan struct{}, failed map[string]error, mu *sync.Mutex) error {
	for _, need := range a.Needs {
		ch, ok := done[need]
		if !ok {
			return fmt.Errorf("plan is inconsistent: %s needs unknown %s", a.ID, need)
		}
		<-ch
		mu.Lock()
		err := failed[need]
		mu.Unlock()
		if err != nil {
			return &SkippedError{Need: need}
		}
	}
	return nil
}

// startsAgent tells whether an action brings an agent to a server that had
// none. It waits until the member's port is tagged: an agent without that mark
// would be found neither by delete nor from another workstation.
func startsAgent(a plan.Action) bool {
	op, ok := a.Op.(plan.ConvergeAgent)
	return ok && op.New
}

// FinalError says why an action cannot be taken back.
type FinalError struct{ Why string }

func (e *FinalError) Error() string { return e.Why }

// Undo takes back what the run behind res changed, newest first, and returns
// the actions that it could not take back with their errors. Give it a fresh
// context: the run's own is likely to be over.
func (r *Runner) Undo(ctx context.Context, res *Result) (left []ActionError) {
	for i := len(res.undo) - 1; i >= 0; i-- {
		u := res.undo[i]
		if u.do == nil {
			left = append(left, ActionError{Action: u.action, Err: &FinalError{u.action.Inverse}})
			continue
		}
		if err := u.do(ctx); err != nil {
			left = append(left, ActionError{Action: u.action, Err: err})
		}
	}
	return left
}
