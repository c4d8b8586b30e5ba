package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
	// Wait is for how long servers that boot are waited for.
	Wait time.Duration
}

// bootPoll is the pause before servers that boot are looked at again. One that bars who
// comes too often (fail2ban, PerSourcePenalties) is not to be provoked.
const bootPoll = 5 * time.Second

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
	began := s.Now()
	var d plan.Desired
	var findings preflight.Findings
	for waited := false; ; waited = true {
		var err error
		if p.Observed, err = s.observe(ctx, g, fleet); err != nil {
			return nil, errors.Join(err, fleet.Close())
		}
		d, findings = preflight.Check(g, p.Observed, preflight.Options{MoveFloatingIP: opt.MoveFloatingIP, Release: release})
		if took := s.Now().Sub(began); !findings.Booting() || took >= opt.Wait {
			if waited && !findings.Booting() {
				s.Report.Step("servers", "have booted", took)
			}
			break
		}
		if !waited {
			s.Report.Step("servers", "wait for those that boot", 0)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), fleet.Close())
		case <-time.After(bootPoll):
		}
	}
	if findings.Refused() {
		return nil, errors.Join(&PreflightError{Findings: findings}, fleet.Close())
	}
	p.Warnings = findings
	p.Desired = d
	p.Plan = plan.Diff(d, p.Observed)
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
// agree, and then looks whether the addresses answer from here. What the plan
// could not do is a *LeftError.
func (s *Service) Create(ctx context.Context, p *Prepared, opt Options) (Outcome, error) {
	began := s.Now()
	out := Outcome{Resources: p.Plan.Known, Left: p.Plan.Left}
	if !p.Plan.Empty() || p.Plan.Settle {
		res, err := s.locked(ctx, p, func(ctx context.Context, r *apply.Runner) (*apply.Result, error) {
			first, last := p.Plan.Stages()
			res, err := r.Run(ctx, first)
			if err == nil {
				err = s.settle(ctx, p, &out)
			}
			if err == nil && !last.Empty() {
				last.Known = res.Resources
				var after *apply.Result
				after, err = r.Run(ctx, last)
				res = res.Then(after)
			}
			if err == nil && opt.Rollback {
				err = s.reread(ctx, p, res.Resources) // while it can still be undone under the lock
			}
			if err != nil && opt.Rollback && !lockLost(ctx) {
				out.Left = slices.Concat(out.Left, s.rollback(ctx, p, r, res))
			}
			return res, err
		}, !opt.Rollback)
		if res != nil {
			out.Changed = len(res.Done) > 0
			out.Left = slices.Concat(out.Left, res.Left)
			out.Resources = res.Resources
		}
		if err != nil && res != nil {
			err = withLeft(out.Left, err)
		}
		if err != nil {
			return out, err
		}
	} else if err := s.settle(ctx, p, &out); err != nil {
		return out, withLeft(out.Left, err)
	}
	out.Reachable = s.verify(ctx, p.Spec.Verify, out.Resources, p)
	out.Took = s.Now().Sub(began)
	return out, withLeft(out.Left, nil)
}

// withLeft is err with what stayed behind; err alone when nothing did.
func withLeft(left []plan.Left, err error) error {
	if len(left) == 0 {
		return err
	}
	return &LeftError{Left: left, Err: err}
}
