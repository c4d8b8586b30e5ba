package apply

import (
	"context"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// attachFloatingIP points an existing floating IP at the VIP's port, or
// allocates one there. Its mark goes into the description at creation.
func (x *execution) attachFloatingIP(ctx context.Context, op plan.AttachFloatingIP) (effect, error) {
	c := x.runner.Cloud
	v, err := x.known.vip(op.VIP)
	if err != nil {
		return effect{}, err
	}
	id, undo := op.ID, inverse(nil)
	whole, cancel := uncut(ctx)
	defer cancel()
	if id == "" {
		f, err := c.CreateFloatingIP(whole, op.Network, v.PortID, plan.Description(x.plan.Group, x.plan.Desired.VRID))
		if err != nil {
			return effect{}, err
		}
		id = f.ID
		x.known.setFloatingIP(op.VIP, f)
		undo = func(ctx context.Context) error { return c.DeleteFloatingIP(ctx, id) }
	} else {
		f, err := c.AttachFloatingIP(whole, id, v.PortID)
		if err != nil {
			return effect{}, err
		}
		x.known.setFloatingIP(op.VIP, f)
		undo = func(ctx context.Context) error { return x.giveBack(ctx, op, id) }
	}
	x.later(id, func() error {
		if op.ID == "" {
			return c.SetTags(ctx, openstack.FloatingIPs, id, op.Tags)
		}
		return x.addTags(ctx, openstack.FloatingIPs, id, op.Tags)
	})
	return reversible(undo), nil
}

// giveBack puts an existing floating IP where it was before, without our tags.
func (x *execution) giveBack(ctx context.Context, op plan.AttachFloatingIP, id string) error {
	c := x.runner.Cloud
	var err error
	if op.From != "" {
		_, err = c.AttachFloatingIP(ctx, id, op.From)
	} else {
		err = c.DetachFloatingIP(ctx, id)
	}
	if err != nil {
		return err
	}
	return x.removeTags(ctx, openstack.FloatingIPs, id, op.Tags)
}

func (x *execution) releaseFloatingIP(ctx context.Context, op plan.ReleaseFloatingIP) (effect, error) {
	c := x.runner.Cloud
	if op.Allocated {
		return single(c.DeleteFloatingIP(ctx, op.ID))
	}
	if err := c.DetachFloatingIP(ctx, op.ID); err != nil {
		return effect{}, err
	}
	return several(x.removeTags(ctx, openstack.FloatingIPs, op.ID, op.Tags))
}

func (x *execution) removeTags(ctx context.Context, k openstack.Kind, id string, tags []string) error {
	for _, t := range tags {
		if err := x.runner.Cloud.RemoveTag(ctx, k, id, t); err != nil {
			return err
		}
	}
	return nil
}
