package apply

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// createSecurityGroup makes the group, takes away the allow-all egress rules
// that Neutron gives each new one (they would open a port with locked egress),
// and allows protocol 112 from and to itself. The group carries the lock of
// the run from its first moment; of two that were made at once the older one
// stays (design.md, "Two runs at once").
func (x *execution) createSecurityGroup(ctx context.Context, op plan.CreateSecurityGroup) (effect, error) {
	c := x.runner.Cloud
	mark := plan.Description(x.plan.Group, x.plan.Desired.VRID)
	lock := Lock{Holder: x.runner.Holder, Until: x.runner.Now().Add(LockTime)}
	whole, cancel := uncut(ctx)
	defer cancel()
	g, err := c.CreateSecurityGroup(whole, openstack.SecurityGroupCreate{Name: op.Name, Description: lock.In(mark)})
	if err != nil {
		return perhaps(err, func(ctx context.Context) error { return x.unmakeSecurityGroup(ctx, op.Name) }), err
	}
	x.runner.took(g.ID)
	undo := func(ctx context.Context) error { return c.DeleteSecurityGroup(ctx, g.ID) }
	var first error
	err = parallel(
		func() error { first = x.alone(ctx, g); return nil },
		func() error { return c.CreateRules(ctx, g.ID, plan.Rules(op.Families, g.ID)) },
		func() error { return x.deleteRules(ctx, g.Rules) },
	)
	if first != nil {
		// Also after Ctrl-C: a group that stays holds our lock.
		after, cancel := afterwards(ctx)
		defer cancel()
		if err := undo(after); err != nil {
			x.known.setGroup(g.ID)
			return reversible(undo), errors.Join(first, err)
		}
		return effect{}, first
	}
	x.known.setGroup(g.ID)
	x.later(g.ID, func() error {
		return x.addTags(ctx, openstack.SecurityGroups, g.ID, []string{plan.TagGroup(x.plan.Group)})
	})
	return reversible(undo), err
}

// unmakeSecurityGroup deletes the group that a request without an answer may
// have made: it carries the lock of this run.
func (x *execution) unmakeSecurityGroup(ctx context.Context, name string) error {
	all, err := x.runner.Cloud.SecurityGroups(ctx, name)
	for _, g := range all {
		lock, mark := ParseLock(g.Description)
		if lock.Holder == x.runner.Holder && plan.GroupOf(nil, mark) == x.plan.Group {
			err = errors.Join(err, x.runner.Cloud.DeleteSecurityGroup(ctx, g.ID))
		}
	}
	return err
}

// alone returns nil when mine is the group's only security group. Of several
// the oldest by (created_at, id) stays, when the others have gone: one that is
// younger may have been looked for before mine was there (created_at counts
// seconds, by the clocks of several API servers), and then its run goes on.
func (x *execution) alone(ctx context.Context, mine openstack.SecurityGroup) error {
	var rival *openstack.SecurityGroup
	for range rivalTries {
		all, err := x.runner.Cloud.SecurityGroups(ctx, mine.Name)
		if err != nil {
			return err
		}
		rival = x.rival(mine, all)
		if rival == nil {
			return nil
		}
		if c := rival.CreatedAt.Compare(mine.CreatedAt); c < 0 || c == 0 && rival.ID < mine.ID {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rivalPause):
		}
	}
	lock, _ := ParseLock(rival.Description)
	return &LockedError{Group: x.plan.Group, Lock: lock}
}

// rival is the oldest of the group's security groups but mine.
func (x *execution) rival(mine openstack.SecurityGroup, all []openstack.SecurityGroup) *openstack.SecurityGroup {
	var found *openstack.SecurityGroup
	for i, g := range all {
		if plan.GroupOf(g.Tags, g.Description) != x.plan.Group || g.ID == mine.ID {
			continue
		}
		if found == nil || cmp.Or(g.CreatedAt.Compare(found.CreatedAt), cmp.Compare(g.ID, found.ID)) < 0 {
			found = &all[i]
		}
	}
	return found
}

// How long a younger rival has to see that it is late, and to go.
const (
	rivalTries = 20
	rivalPause = 500 * time.Millisecond
)

func (x *execution) mendSecurityGroup(ctx context.Context, op plan.MendSecurityGroup) error {
	c := x.runner.Cloud
	add := slices.Clone(op.Add)
	for i := range add {
		add[i].RemoteGroupID = op.ID
	}
	jobs := make([]func() error, 0, 2+len(op.Remove)+len(op.AddTags))
	if len(add) > 0 {
		jobs = append(jobs, func() error { return c.CreateRules(ctx, op.ID, add) })
	}
	for _, id := range op.Remove {
		jobs = append(jobs, func() error { return c.DeleteRule(ctx, id) })
	}
	for _, t := range op.AddTags {
		jobs = append(jobs, func() error { return c.AddTag(ctx, openstack.SecurityGroups, op.ID, t) })
	}
	return parallel(jobs...)
}

func (x *execution) deleteRules(ctx context.Context, rules []openstack.Rule) error {
	jobs := make([]func() error, 0, len(rules))
	for _, r := range rules {
		jobs = append(jobs, func() error { return x.runner.Cloud.DeleteRule(ctx, r.ID) })
	}
	return parallel(jobs...)
}
