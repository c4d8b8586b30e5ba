package apply

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// attachFloatingIP points an existing floating IP at the VIP's port, or
// allocates one there.
func (x *execution) attachFloatingIP(ctx context.Context, op plan.AttachFloatingIP) (effect, error) {
	v, err := x.known.vip(op.VIP)
	if err != nil {
		return effect{}, err
	}
	if op.ID == "" {
		return x.allocateFloatingIP(ctx, op, v.PortID)
	}
	err = x.asPlanned(ctx, op.ID, op.Revision, []string{op.From, v.PortID}, func(ctx context.Context, revision int) error {
		f, err := x.runner.Cloud.AttachFloatingIP(ctx, op.ID, revision, v.PortID)
		if err == nil {
			x.known.setFloatingIP(op.VIP, f)
		}
		return err
	})
	if err != nil {
		return effect{}, err
	}
	x.later(op.ID, func() error { return x.addTags(ctx, openstack.FloatingIPs, op.ID, op.Tags) })
	return reversible(func(ctx context.Context) error { return x.giveBack(ctx, op, v.PortID) }), nil
}

// allocateFloatingIP makes one on the port. Its mark goes into the description
// at creation.
func (x *execution) allocateFloatingIP(ctx context.Context, op plan.AttachFloatingIP, port string) (effect, error) {
	c := x.runner.Cloud
	whole, cancel := uncut(ctx)
	defer cancel()
	f, err := c.CreateFloatingIP(whole, op.Network, port, plan.Description(x.plan.Group, x.plan.Desired.VRID))
	if err != nil {
		return perhaps(err, func(ctx context.Context) error { return x.unmakeFloatingIP(ctx, port) }), err
	}
	x.known.setFloatingIP(op.VIP, f)
	x.later(f.ID, func() error { return c.SetTags(ctx, openstack.FloatingIPs, f.ID, op.Tags) })
	return reversible(func(ctx context.Context) error { return x.unmake(ctx, f.ID, port) }), nil
}

// unmakeFloatingIP releases the floating IP that a request without an answer
// may have allocated for the port, of this run's VIP: there was none before.
func (x *execution) unmakeFloatingIP(ctx context.Context, port string) error {
	all, err := x.runner.Cloud.FloatingIPs(ctx)
	for _, f := range all {
		if f.PortID == port && plan.GroupOf(f.Tags, f.Description) == x.plan.Group {
			err = errors.Join(err, x.unmake(ctx, f.ID, port))
		}
	}
	return err
}

// unmake releases a floating IP that this run allocated for the port.
func (x *execution) unmake(ctx context.Context, id, port string) error {
	return unlessGone(x.asPlanned(ctx, id, 0, []string{port, ""}, func(ctx context.Context, revision int) error {
		return x.runner.Cloud.DeleteFloatingIP(ctx, id, revision)
	}))
}

// giveBack puts an existing floating IP where it was before, without our tags.
func (x *execution) giveBack(ctx context.Context, op plan.AttachFloatingIP, port string) error {
	c := x.runner.Cloud
	err := x.asPlanned(ctx, op.ID, 0, []string{port, op.From}, func(ctx context.Context, revision int) error {
		if op.From == "" {
			return c.DetachFloatingIP(ctx, op.ID, revision)
		}
		_, err := c.AttachFloatingIP(ctx, op.ID, revision, op.From)
		return err
	})
	if err != nil {
		return err
	}
	return x.removeTags(ctx, openstack.FloatingIPs, op.ID, op.Tags)
}

// releaseFloatingIP gives one back. One that is not where the plan found it is
// somebody else's by now, and left.
func (x *execution) releaseFloatingIP(ctx context.Context, op plan.ReleaseFloatingIP) (effect, error) {
	c := x.runner.Cloud
	err := x.asPlanned(ctx, op.ID, op.Revision, []string{op.From}, func(ctx context.Context, revision int) error {
		if op.Allocated {
			return c.DeleteFloatingIP(ctx, op.ID, revision)
		}
		return c.DetachFloatingIP(ctx, op.ID, revision)
	})
	switch {
	case errors.Is(err, openstack.ErrNotFound):
		return effect{}, nil // somebody released it
	case err != nil, op.Allocated:
		return single(leftWhereItIs(err))
	}
	return several(x.removeTags(ctx, openstack.FloatingIPs, op.ID, op.Tags))
}

// disownFloatingIP takes our marks off one that somebody attached elsewhere.
// The one by which it is found comes last.
func (x *execution) disownFloatingIP(ctx context.Context, op plan.DisownFloatingIP) (effect, error) {
	there := []string{op.From}
	err := x.asPlanned(ctx, op.ID, 0, there, func(ctx context.Context, _ int) error {
		return x.removeTags(ctx, openstack.FloatingIPs, op.ID, op.Tags)
	})
	if err == nil && op.Described {
		err = x.asPlanned(ctx, op.ID, 0, there, func(ctx context.Context, revision int) error {
			return x.runner.Cloud.DescribeFloatingIP(ctx, op.ID, revision, op.Description)
		})
	}
	return several(leftWhereItIs(unlessGone(err)))
}

// leftWhereItIs lists a floating IP that was moved rather than fail for it.
func leftWhereItIs(err error) error {
	if moved := (*MovedError)(nil); errors.As(err, &moved) {
		return &leftError{plan.Left{What: "floating ip " + moved.Address.String(), Why: moved.Error(), Hint: moved.Hint()}}
	}
	return err
}

// MovedError says that a floating IP is not where the plan found it: somebody
// attached or detached it since.
type MovedError struct {
	Address netip.Addr
	Fixed   netip.Addr // where it leads to now; not valid: nowhere
}

func (e *MovedError) Error() string {
	if !e.Fixed.IsValid() {
		return "somebody detached it meanwhile"
	}
	return fmt.Sprintf("somebody attached it to %s meanwhile", e.Fixed)
}

// Hint tells what to do about it.
func (e *MovedError) Hint() string {
	return "run the same command once more: it goes by where the floating ip is then"
}

// asPlanned changes a floating IP if it is on one of the ports (the ID "" is
// none), else the error is a *MovedError: people are asked between plan and
// run, and somebody may attach it elsewhere meanwhile. It is changed under
// If-Match, at first at the revision that the plan saw, and on 412 once more
// from a fresh read; without a revision it is read before.
func (x *execution) asPlanned(ctx context.Context, id string, revision int, ports []string, change func(ctx context.Context, revision int) error) error {
	for try := range mergeTries {
		if try > 0 || revision == 0 {
			f, err := x.runner.Cloud.FloatingIP(ctx, id)
			if err != nil {
				return err
			}
			if !slices.Contains(ports, f.PortID) {
				return &MovedError{Address: f.Address, Fixed: f.Fixed}
			}
			revision = f.Revision
		}
		whole, cancel := uncut(ctx)
		err := change(whole, revision)
		cancel()
		if !errors.Is(err, openstack.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("floating ip %s was changed by others %d times in a row: which tool keeps rewriting it?", id, mergeTries)
}

func (x *execution) removeTags(ctx context.Context, k openstack.Kind, id string, tags []string) error {
	for _, t := range tags {
		if err := x.runner.Cloud.RemoveTag(ctx, k, id, t); err != nil {
			return err
		}
	}
	return nil
}
