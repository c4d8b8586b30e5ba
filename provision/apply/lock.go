package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// Lock says who works on a group and until when. It stands in the description
// of the group's security group, which is written under If-Match: tags cannot
// lock, for adding one twice succeeds, and the VIP port's revision moves with
// each claim on OVN.
type Lock struct {
	Holder string
	Until  time.Time
}

const lockMark = " havip:lock="

// In is mark with the lock added.
func (l Lock) In(mark string) string {
	return mark + lockMark + l.Holder + "@" + l.Until.UTC().Format(time.RFC3339)
}

// ParseLock finds the lock in a description; rest is the description without.
func ParseLock(description string) (l Lock, rest string) {
	rest, text, ok := strings.Cut(description, lockMark)
	if !ok {
		return Lock{}, rest
	}
	i := strings.LastIndexByte(text, '@')
	if i < 0 {
		return Lock{}, rest
	}
	until, err := time.Parse(time.RFC3339, text[i+1:])
	if err != nil {
		return Lock{}, rest
	}
	return Lock{Holder: text[:i], Until: until}, rest
}

// LockedError says that another run works on the group.
type LockedError struct {
	Group string
	Lock  Lock
}

func (e *LockedError) Error() string {
	if e.Lock.Holder == "" {
		return fmt.Sprintf("group %q is being made by another run", e.Group)
	}
	return fmt.Sprintf("group %q is being changed by %s", e.Group, e.Lock.Holder)
}

// Hint tells what to do about it.
func (e *LockedError) Hint() string {
	if e.Lock.Until.IsZero() {
		return "run it again when the other run is over"
	}
	return "wait for it to end; should it have died, its lock runs out at " + e.Lock.Until.Local().Format(time.TimeOnly)
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
	return err
}

func (r *Runner) abandoned(l Lock) bool { return r.Abandoned != nil && r.Abandoned(l.Holder) }

// Release gives the lock back. The holder alone writes it, so no revision is
// needed; a group that is gone has no lock.
func (r *Runner) Release(ctx context.Context, group string, vrid int, id string) error {
	_, err := r.Cloud.DescribeSecurityGroup(ctx, id, 0, plan.Description(group, vrid))
	if errors.Is(err, openstack.ErrNotFound) {
		return nil
	}
	return err
}
