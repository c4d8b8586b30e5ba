package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
	"github.com/havip/havip/provision/spec"
)

// Prepared is a run that is ready to be shown, asked for and executed.
// Nothing has been touched yet. Close it when it is no longer needed.
type Prepared struct {
	Spec     spec.Group
	Desired  plan.Desired
	Observed plan.Observed
	Plan     plan.Plan
	Warnings preflight.Findings

	fleet *Fleet
}

// Close ends the connections to the servers.
func (p *Prepared) Close() error { return p.fleet.Close() }

// PreflightError is what stands in the way, all of it at once.
type PreflightError struct{ Findings preflight.Findings }

func (e *PreflightError) Error() string {
	n := len(e.Findings.Of(preflight.Error))
	if n == 1 {
		return "preflight: one thing stands in the way, nothing was touched"
	}
	return fmt.Sprintf("preflight: %d things stand in the way, nothing was touched", n)
}

// Options of a run.
type Options struct {
	MoveFloatingIP bool
	// Rollback undoes a failed run's own changes; otherwise they are kept, and
	// a repeat goes on from there.
	Rollback bool
}

// PrepareCreate observes, checks and plans, and touches nothing. The error is
// a *PreflightError when something stands in the way.
func (s *Service) PrepareCreate(ctx context.Context, g spec.Group, opt Options) (*Prepared, error) {
	release, err := s.release(g.Name)
	if err != nil {
		return nil, err
	}
	fleet := s.NewFleet()
	fleet.hints = g.Servers
	p := &Prepared{Spec: g, fleet: fleet}
	o, err := s.observe(ctx, g, fleet)
	if err != nil {
		return nil, errors.Join(err, fleet.Close())
	}
	p.Observed = o
	d, findings := preflight.Check(g, o, preflight.Options{MoveFloatingIP: opt.MoveFloatingIP, Release: release})
	if findings.Refused() {
		return nil, errors.Join(&PreflightError{Findings: findings}, fleet.Close())
	}
	p.Warnings = findings
	p.Desired = d
	p.Plan = plan.Diff(d, o)
	return p, nil
}

// Outcome is what a run led to.
type Outcome struct {
	Changed   bool
	Took      time.Duration
	Resources plan.Resources
	Active    string // name of the active member, "" where there is none
	Members   []MemberStatus
	Reachable []Reach
	Left      []plan.Left // what stayed behind
}

// LeftError says that something stayed behind, and what.
type LeftError struct {
	Left []plan.Left
	Err  error // the failure that led there, nil when there was none
}

func (e *LeftError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	if len(e.Left) == 1 {
		return "one thing was left behind"
	}
	return fmt.Sprintf("%d things were left behind", len(e.Left))
}

func (e *LeftError) Unwrap() error { return e.Err }

// Create executes a prepared create: under the group's lock, until the agents
// agree, and then looks whether the addresses answer from here.
func (s *Service) Create(ctx context.Context, p *Prepared, opt Options) (Outcome, error) {
	began := s.Now()
	out := Outcome{Resources: p.Plan.Known}
	if !p.Plan.Empty() || p.Plan.Settle {
		res, err := s.locked(ctx, p, func() (*apply.Result, error) {
			res, err := s.runner(p).Run(ctx, p.Plan)
			if err == nil {
				err = s.settle(ctx, p, &out)
			}
			return res, err
		})
		if res != nil {
			out.Changed = len(res.Done) > 0
			out.Resources = res.Resources
		}
		if err != nil {
			return out, s.failed(ctx, p, res, err, opt)
		}
	} else if err := s.settle(ctx, p, &out); err != nil {
		return out, err
	}
	out.Reachable = s.verify(ctx, p.Spec.Verify, out.Resources, p)
	out.Took = s.Now().Sub(began)
	return out, nil
}

func (s *Service) runner(p *Prepared) *apply.Runner {
	return &apply.Runner{Cloud: s.Cloud, Servers: p.fleet, Progress: s.Report, Now: s.Now, Holder: s.Holder, Abandoned: s.Abandoned}
}

// locked runs do under the group's lock. A group whose security group is made
// by the plan itself is locked by that action.
func (s *Service) locked(ctx context.Context, p *Prepared, do func() (*apply.Result, error)) (*apply.Result, error) {
	r := s.runner(p)
	if g, ok := p.group(); ok {
		if err := r.Acquire(ctx, p.Plan.Group, g); err != nil {
			return nil, err
		}
	}
	res, err := do()
	id := p.Plan.Known.SecurityGroup
	if res != nil {
		id = res.Resources.SecurityGroup
	}
	if id != "" && !p.deletesGroup(res) {
		// Also after a cancelled run: a lock that stays would stop the next one.
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		var eg errgroup.Group
		eg.Go(func() error { return r.Release(release, p.Plan.Group, p.Desired.VRID, id) })
		if err == nil {
			eg.Go(func() error { return s.reread(ctx, p) })
		}
		err = errors.Join(err, eg.Wait())
	}
	return res, err
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

// failed decides what becomes of a failed run's changes.
func (s *Service) failed(ctx context.Context, p *Prepared, res *apply.Result, err error, opt Options) error {
	if res == nil || !opt.Rollback {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	began := s.Now()
	left := s.runner(p).Undo(ctx, res)
	s.Report.Step("rollback", fmt.Sprintf("%d of %d taken back", len(res.Done)-len(left), len(res.Done)), s.Now().Sub(began))
	if len(left) == 0 {
		return err
	}
	stayed := &LeftError{Err: err}
	for _, l := range left {
		stayed.Left = append(stayed.Left, plan.Left{What: l.Action.Kind + " " + l.Action.Name, Why: l.Err.Error(), Hint: "havip delete " + p.Plan.Group})
	}
	return stayed
}

// reread looks at the ports that the plan joined once more: a tool that
// writes without If-Match may have rewritten one right after us.
func (s *Service) reread(ctx context.Context, p *Prepared) error {
	joined := map[string]plan.Action{}
	for _, a := range p.Plan.Actions {
		if op, ok := a.Op.(plan.JoinPort); ok {
			joined[op.PortID] = a
		}
	}
	if len(joined) == 0 {
		return nil
	}
	ports, err := s.Cloud.Ports(ctx, memberPorts(p.Plan.Group))
	if err != nil {
		return err
	}
	for _, port := range ports {
		a, ok := joined[port.ID]
		if ok && len(port.Pairs) >= len(a.Op.(plan.JoinPort).VIPs) {
			delete(joined, port.ID)
		}
	}
	for id, a := range joined {
		return &Problem{
			Message: fmt.Sprintf("port %s of %s was rewritten right after havip changed it", id, a.Name),
			Cure:    "find the tool that manages the port, then run havip create again",
		}
	}
	return nil
}
