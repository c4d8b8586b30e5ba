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

// createVIPPort makes the port that keeps the VIP's address: unbound, without
// security groups, marked in its description at once and tagged second, since
// Neutron takes no tags at creation.
func (x *execution) createVIPPort(ctx context.Context, op plan.CreateVIPPort) (effect, error) {
	c, v := x.runner.Cloud, x.plan.Desired.VIPs[op.VIP]
	whole, cancel := uncut(ctx)
	defer cancel()
	p, err := c.CreatePort(whole, openstack.PortCreate{
		Name:        op.Name,
		Description: plan.Description(x.plan.Group, x.plan.Desired.VRID),
		NetworkID:   v.Network.ID,
		SubnetID:    v.Subnet.ID,
		Address:     v.Address,
	})
	if err != nil {
		return perhaps(err, func(ctx context.Context) error { return x.unmakeVIPPort(ctx, op.Name, v.Network.ID) }), err
	}
	made := reversible(func(ctx context.Context) error { return c.DeletePort(ctx, p.ID) })
	if len(p.FixedIPs) != 1 {
		return made, fmt.Errorf("port %s has %d addresses instead of one", p.ID, len(p.FixedIPs))
	}
	x.known.setVIP(op.VIP, plan.VIPResource{PortID: p.ID, Address: p.FixedIPs[0].IP})
	x.later("vrid", func() error { return x.claimVRID(ctx, p) }) // one port after the other: they have one VRID
	return made, nil
}

// unmakeVIPPort deletes the port that a request without an answer may have
// made: its description tells whose it is. There was none before.
func (x *execution) unmakeVIPPort(ctx context.Context, name, network string) error {
	all, err := x.runner.Cloud.Ports(ctx, openstack.PortFilter{NetworkID: network, Name: name, Own: true})
	for _, p := range all {
		if plan.GroupOf(p.Tags, p.Description) == x.plan.Group {
			err = errors.Join(err, x.runner.Cloud.DeletePort(ctx, p.ID))
		}
	}
	return err
}

func (x *execution) tagVIPPort(ctx context.Context, op plan.TagVIPPort) error {
	c := x.runner.Cloud
	err := x.addTags(ctx, openstack.Ports, op.PortID, op.Tags)
	for _, t := range op.Remove {
		err = errors.Join(err, c.RemoveTag(ctx, openstack.Ports, op.PortID, t))
	}
	if op.Description != "" {
		err = errors.Join(err, c.DescribePort(ctx, op.PortID, op.Description))
	}
	return err
}

// joinPort merges the VIPs and the security group into a member's port, then
// tags it. The member's tag comes second: tagging bumps the revision that
// If-Match is held against, and a port without the tag is only mended, never
// detached. A tag that keeps a pair from being taken off later comes first.
func (x *execution) joinPort(ctx context.Context, op plan.JoinPort) (effect, error) {
	vips, err := x.known.addresses(op.VIPs)
	if err != nil {
		return effect{}, err
	}
	group := x.known.resources().SecurityGroup
	before := op.Observed
	back := reversible(func(ctx context.Context) error { return x.restorePort(ctx, op, before, vips, group) })
	keep, tags := plan.SplitKept(op.Tags)
	if len(keep) > 0 {
		if err := x.addTags(ctx, openstack.Ports, op.PortID, keep); err != nil {
			return back, err
		}
		if before, err = x.runner.Cloud.Port(ctx, op.PortID); err != nil {
			before = op.Observed
			return back, err
		}
	}
	var changed bool
	before, changed, err = x.mergePort(ctx, before, func(p openstack.Port) (openstack.PortUpdate, bool) {
		return plan.Join(p, vips, group)
	})
	if err == nil {
		x.later(op.PortID, func() error { return x.addTags(ctx, openstack.Ports, op.PortID, tags) })
	}
	if !changed && len(keep) == 0 && (err != nil || len(tags) == 0) {
		return effect{}, err
	}
	return back, err
}

// restorePort takes off what joinPort put on, and nothing that was there.
func (x *execution) restorePort(ctx context.Context, op plan.JoinPort, before openstack.Port, vips []netip.Addr, group string) error {
	var added []netip.Addr
	for _, v := range vips {
		if !plan.Allows(before, v) {
			added = append(added, v)
		}
	}
	if slices.Contains(before.SecurityGroups, group) {
		group = ""
	}
	_, err := x.leavePort(ctx, plan.LeavePort{PortID: op.PortID, Addresses: added, SecurityGroup: group, Tags: op.Tags})
	return err
}

func (x *execution) leavePort(ctx context.Context, op plan.LeavePort) (effect, error) {
	err := x.addTags(ctx, openstack.Ports, op.PortID, op.Marks)
	var p openstack.Port
	if err == nil { // tagging bumps the revision
		p, err = x.runner.Cloud.Port(ctx, op.PortID)
	}
	if errors.Is(err, openstack.ErrNotFound) {
		return effect{}, nil // it went with its server
	}
	if err != nil {
		return effect{changed: len(op.Marks) > 0}, err
	}
	_, changed, err := x.mergePort(ctx, p, func(p openstack.Port) (openstack.PortUpdate, bool) {
		return plan.Leave(p, op.Addresses, op.SecurityGroup)
	})
	changed = changed || len(op.Marks) > 0
	if err != nil {
		return effect{changed: changed}, err
	}
	return effect{changed: changed || len(op.Tags) > 0}, x.removeTags(ctx, openstack.Ports, op.PortID, op.Tags)
}

// mergeTries bounds how often a port is read and written again because
// somebody else was faster.
const mergeTries = 10

// mergePort changes whole lists of a port (Neutron API: allowed_address_pairs
// and security_groups are replaced by a PUT) without losing what others write
// meanwhile: one PUT under If-Match, and on 412 once more from a fresh read.
// It returns the port as it was before the PUT that succeeded, and whether
// there was one, also when it failed: a PUT without an answer may have
// happened, and so may one that was repeated on the way and met its own work.
func (x *execution) mergePort(ctx context.Context, p openstack.Port, merge func(openstack.Port) (openstack.PortUpdate, bool)) (before openstack.Port, changed bool, err error) {
	first := p
	for try := range mergeTries {
		u, change := merge(p)
		if !change {
			return first, try > 0, nil
		}
		whole, cancel := uncut(ctx)
		after, err := x.runner.Cloud.UpdatePort(whole, p.ID, p.Revision, u)
		cancel()
		if err == nil {
			if _, again := merge(after); again {
				return p, true, fmt.Errorf("port %s does not hold what was written to it: does another tool manage it?", p.ID)
			}
			return p, true, nil
		}
		if !errors.Is(err, openstack.ErrConflict) {
			return p, !refused(err), err
		}
		fresh, err := x.runner.Cloud.Port(ctx, p.ID)
		if err != nil {
			return p, true, err
		}
		p = fresh
	}
	return p, false, fmt.Errorf("port %s was changed by others %d times in a row: which tool keeps rewriting it?", p.ID, mergeTries)
}

// perhaps is the effect of a request that made something, or failed with err:
// without an answer it may have made it, and undo looks for it then.
func perhaps(err error, undo inverse) effect {
	if refused(err) {
		return effect{}
	}
	return reversible(undo)
}

// refused tells that a request was answered, and with no: it changed nothing.
func refused(err error) bool {
	var e *openstack.Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500
}

// addTags adds tags one after the other: Neutron answers 500 for a deadlock
// in its database when an object is tagged twice at once.
func (x *execution) addTags(ctx context.Context, k openstack.Kind, id string, tags []string) error {
	for _, t := range tags {
		if err := x.runner.Cloud.AddTag(ctx, k, id, t); err != nil {
			return err
		}
	}
	return nil
}
