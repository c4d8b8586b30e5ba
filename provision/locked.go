package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/plan"
)

func (s *Service) runner(p *Prepared) *apply.Runner {
	return &apply.Runner{Cloud: s.Cloud, Servers: p.fleet, Progress: s.Report, Now: s.Now, Holder: s.Holder, Abandoned: s.Abandoned}
}

// locked runs do under the group's lock. A group whose security group is made
// by the plan itself is locked by that action. With reread the ports that were
// joined are read once more, while the lock is given back.
func (s *Service) locked(ctx context.Context, p *Prepared, do func(context.Context, *apply.Runner) (*apply.Result, error), reread bool) (*apply.Result, error) {
	r := s.runner(p)
	if g, ok := p.group(); ok {
		if err := r.Acquire(ctx, p.Plan.Group, g); err != nil {
			return nil, err
		}
	}
	holding, end := r.Hold(ctx, p.Plan.Group)
	res, err := do(holding, r)
	if lost := (*apply.LockedError)(nil); errors.As(context.Cause(holding), &lost) {
		err = lost // that ended the run, and nothing that it says beside it counts
	}
	end()
	id, vrid := p.Plan.Known.SecurityGroup, p.Desired.VRID
	if res != nil {
		id, vrid = res.Resources.SecurityGroup, cmp.Or(res.Resources.VRID, vrid)
	}
	if id == "" || p.deletesGroup(res) {
		return res, err
	}
	// Also after a cancelled run: a lock that stays would stop the next one.
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	var eg errgroup.Group
	eg.Go(func() error { return r.Release(release, p.Plan.Group, vrid, id) })
	if err == nil && reread {
		eg.Go(func() error { return s.reread(ctx, p, res.Resources) })
	}
	return res, errors.Join(err, eg.Wait())
}

// lockLost tells that another run took the lock over: what there is now may be
// its work.
func lockLost(holding context.Context) bool {
	var lost *apply.LockedError
	return errors.As(context.Cause(holding), &lost)
}

// group is the security group as it was observed.
func (p *Prepared) group() (openstack.SecurityGroup, bool) {
	for _, g := range p.Observed.SecurityGroups {
		if g.ID == p.Plan.Known.SecurityGroup {
			return g, true
		}
	}
	return openstack.SecurityGroup{}, false
}

func (p *Prepared) deletesGroup(res *apply.Result) bool {
	return res != nil && slices.ContainsFunc(res.Done, func(a plan.Action) bool {
		_, ok := a.Op.(plan.DeleteSecurityGroup)
		return ok
	})
}

// undoTime bounds what is done after the run itself is over.
const undoTime = 2 * time.Minute

// rollback takes a failed run's changes back, and returns what it could not.
func (s *Service) rollback(ctx context.Context, p *Prepared, r *apply.Runner, res *apply.Result) []plan.Left {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	began := s.Now()
	left := r.Undo(ctx, res)
	s.Report.Step("rollback", fmt.Sprintf("%d of %d taken back", res.Changes()-len(left), res.Changes()), s.Now().Sub(began))
	var stayed []plan.Left
	for _, l := range left {
		hint := "havip delete " + p.Plan.Group
		if final := (*apply.FinalError)(nil); errors.As(l.Err, &final) {
			hint = "havip create " + p.Plan.Group // it goes on from there
		}
		stayed = append(stayed, plan.Left{What: l.Action.Kind + " " + l.Action.Name, Why: l.Err.Error(), Hint: hint})
	}
	return stayed
}

// reread looks at the ports that the plan joined once more: a tool that
// writes without If-Match may have rewritten one right after us.
func (s *Service) reread(ctx context.Context, p *Prepared, made plan.Resources) error {
	joins := func(a plan.Action) bool { _, ok := a.Op.(plan.JoinPort); return ok }
	if !slices.ContainsFunc(p.Plan.Actions, joins) {
		return nil
	}
	ports, err := s.Cloud.Ports(ctx, memberPorts(p.Plan.Group))
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range p.Plan.Actions {
		op, ok := a.Op.(plan.JoinPort)
		if ok && !slices.ContainsFunc(ports, func(port openstack.Port) bool { return joined(port, op, made) }) {
			errs = append(errs, &Problem{
				Message: fmt.Sprintf("port %s of %s was rewritten right after havip changed it", op.PortID, a.Name),
				Cure:    "find the tool that manages the port, then run havip create again",
			})
		}
	}
	return errors.Join(errs...)
}

// joined tells whether port is the one that op joined, and still holds all of it.
func joined(port openstack.Port, op plan.JoinPort, made plan.Resources) bool {
	if port.ID != op.PortID {
		return false
	}
	var vips []netip.Addr
	for _, i := range op.VIPs {
		vips = append(vips, made.VIPs[i].Address)
	}
	_, lacks := plan.Join(port, vips, made.SecurityGroup)
	return !lacks
}
