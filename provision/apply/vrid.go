package apply

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// VRIDError says that another group took the VRID while this run made its
// port, and that the group must have this one.
type VRIDError struct {
	VRID         int
	Group, Other string
	Taken        map[int]string
}

func (e *VRIDError) Error() string {
	return fmt.Sprintf("vrid %d: group %q took it on that network at the same moment", e.VRID, e.Other)
}

// Hint tells what to do about it.
func (e *VRIDError) Hint() string { return plan.VRIDHint(e.Group, e.Other, e.Taken) }

// claimVRID tags a new VIP port and sees to it that no other group has its
// VRID: of two groups that are made at once, each finds the same one free. A
// port's description names the VRID from its first moment, so that the later
// of two sees the other. The younger by (created_at, id) takes another VRID
// before its agents start. The older waits for that, and takes another itself
// when nothing comes of it: the younger may have looked before the older was
// there, for created_at counts seconds, by the clocks of several API servers.
func (x *execution) claimVRID(ctx context.Context, mine openstack.Port) error {
	c := x.runner.Cloud
	var all []openstack.Port
	look := func() (err error) {
		all, err = c.Ports(ctx, openstack.PortFilter{NetworkID: mine.NetworkID})
		return err
	}
	mark := func() error {
		return c.SetTags(ctx, openstack.Ports, mine.ID, plan.VIPPortTags(x.plan.Group, x.vrid()))
	}
	if err := parallel(mark, look); err != nil {
		return err
	}
	for waited, moves := 0, 0; ; {
		held := plan.VRIDHolders(all, mine)
		rival, ok := held[x.vrid()]
		switch {
		case !ok:
			return nil
		case plan.Older(mine, rival) && waited < rivalTries:
			waited++
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(rivalPause):
			}
		default:
			if moves++; moves > vridMoves {
				return x.vridTaken(rival, held)
			}
			if err := x.moveVRID(ctx, rival, held); err != nil {
				return err
			}
			waited = 0
		}
		if err := look(); err != nil {
			return err
		}
	}
}

// vridMoves bounds how often a run takes another VRID.
const vridMoves = 10

// moveVRID takes a free VRID in the place of the one that the rival has.
func (x *execution) moveVRID(ctx context.Context, rival openstack.Port, held map[int]openstack.Port) error {
	taken := maps.Clone(x.plan.Desired.Taken)
	for id, p := range held {
		if taken != nil {
			taken[id] = plan.GroupOf(p.Tags, p.Description)
		}
	}
	vrid := plan.FreeVRID(taken)
	if taken == nil || vrid == 0 {
		return x.vridTaken(rival, held)
	}
	before := x.vrid()
	x.known.setVRID(vrid)
	for _, id := range x.vipPorts() {
		op := plan.TagVIPPort{
			PortID: id, Tags: []string{plan.TagVRID(vrid)}, Remove: []string{plan.TagVRID(before)},
			Description: plan.Description(x.plan.Group, vrid),
		}
		if err := x.tagVIPPort(ctx, op); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) vridTaken(rival openstack.Port, held map[int]openstack.Port) error {
	taken := map[int]string{x.vrid(): x.plan.Group}
	for id, p := range held {
		taken[id] = plan.GroupOf(p.Tags, p.Description)
	}
	return &VRIDError{VRID: x.vrid(), Group: x.plan.Group, Other: plan.GroupOf(rival.Tags, rival.Description), Taken: taken}
}

// vipPorts are the IDs of the group's VIP ports.
func (x *execution) vipPorts() []string {
	var ids []string
	for _, v := range x.known.resources().VIPs {
		if v.PortID != "" {
			ids = append(ids, v.PortID)
		}
	}
	return ids
}
