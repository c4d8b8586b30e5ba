package apply

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// How long a lock holds when its holder does not come back: long enough for a
// slow run, short enough to wait for. A run that lives renews it at half time.
const (
	LockTime  = 10 * time.Minute
	renewTime = LockTime / 2
	// lookPause is between two looks whether it is time to renew: a timer alone
	// stands still while the machine sleeps, and the lock runs out meanwhile.
	// It is also before another try, when the cloud did not answer.
	lookPause = 20 * time.Second
	// lockTries bounds how often the lock is read and written again because
	// somebody else, who tags the group for instance, was faster.
	lockTries = 5
)

// held is the lock that a run has taken.
type held struct {
	mu    sync.Mutex
	group string // ID of the security group; "" when there is none yet
}

// took notes that the run has the lock from now on.
func (r *Runner) took(id string) {
	r.held.mu.Lock()
	defer r.held.mu.Unlock()
	r.held.group = id
}

// holding is the security group whose lock the run took.
func (r *Runner) holding() string {
	r.held.mu.Lock()
	defer r.held.mu.Unlock()
	return r.held.group
}

// Acquire takes the lock of an existing group, given as it was observed.
func (r *Runner) Acquire(ctx context.Context, group string, g openstack.SecurityGroup) error {
	held, mark := ParseLock(g.Description)
	if held.Holder != "" && held.Holder != r.Holder && r.Now().Before(held.Until) && !r.abandoned(held) {
		return &LockedError{Group: group, Lock: held}
	}
	mine := Lock{Holder: r.Holder, Until: r.Now().Add(LockTime)}
	_, err := r.Cloud.DescribeSecurityGroup(ctx, g.ID, g.Revision, mine.In(mark))
	if errors.Is(err, openstack.ErrConflict) {
		return &LockedError{Group: group}
	}
	if err == nil {
		r.took(g.ID)
	}
	return err
}

func (r *Runner) abandoned(l Lock) bool { return r.Abandoned != nil && r.Abandoned(l.Holder) }

// Release gives the lock back when it is still ours: it may have run out, be it
// while this machine slept, which no clock of ours need tell. A group that is
// gone has no lock.
func (r *Runner) Release(ctx context.Context, group string, vrid int, id string) error {
	mark := plan.Description(group, vrid)
	err := r.rewrite(ctx, group, id, func(string) string { return mark })
	if lost := (*LockedError)(nil); errors.As(err, &lost) {
		return nil // another run took it over: it is theirs to give back
	}
	return err
}

// Hold renews the lock for as long as the run goes on. The context that it
// returns ends, with a *LockedError as its cause, when another run has taken
// the lock over; end stops the renewal.
func (r *Runner) Hold(ctx context.Context, group string) (holding context.Context, end func()) {
	holding, lose := context.WithCancelCause(ctx)
	renewed := r.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-holding.Done():
				return
			case <-time.After(lookPause):
			}
			now := r.Now()
			if passed(renewed, now) < renewTime {
				continue
			}
			err := r.renew(holding, group)
			if lost := (*LockedError)(nil); errors.As(err, &lost) {
				lose(err)
				return
			}
			if err == nil {
				renewed = now
			}
		}
	})
	return holding, func() { lose(context.Canceled); wg.Wait() }
}

// passed is the time between two moments, by the wall clock too: the monotonic
// one, which Sub goes by, stands still while a machine sleeps (package time,
// "Monotonic Clocks"), and the wall clock may be set back.
func passed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// renew sets the end of the lock anew.
func (r *Runner) renew(ctx context.Context, group string) error {
	id := r.holding()
	if id == "" {
		return nil
	}
	return r.rewrite(ctx, group, id, func(mark string) string {
		return Lock{Holder: r.Holder, Until: r.Now().Add(LockTime)}.In(mark)
	})
}

// rewrite changes the description of a group that we hold, given its mark. It
// returns a *LockedError when we hold it no more: another run does, or did and
// is over.
func (r *Runner) rewrite(ctx context.Context, group, id string, to func(mark string) string) error {
	var err error
	for range lockTries {
		var g openstack.SecurityGroup
		if g, err = r.Cloud.SecurityGroup(ctx, id); err != nil {
			return unlessGone(err)
		}
		lock, mark := ParseLock(g.Description)
		if lock.Holder != r.Holder {
			return &LockedError{Group: group, Lock: lock}
		}
		if _, err = r.Cloud.DescribeSecurityGroup(ctx, id, g.Revision, to(mark)); !errors.Is(err, openstack.ErrConflict) {
			return unlessGone(err)
		}
	}
	return err
}

// unlessGone forgets that an object is gone.
func unlessGone(err error) error {
	if errors.Is(err, openstack.ErrNotFound) {
		return nil
	}
	return err
}
