package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/plan"
)

// PrepareDelete plans to take a group away, and touches nothing. A group that
// is not there is not an error: the plan is empty, so that delete can be
// repeated.
func (s *Service) PrepareDelete(ctx context.Context, sel Selection) (*Prepared, error) {
	fleet := s.NewFleet()
	p := &Prepared{fleet: fleet, Plan: plan.Plan{Group: sel.Name}}
	if sel.File != nil {
		fleet.hints = sel.File.Servers
	}
	g, err := s.recall(ctx, sel)
	if gone := (*NoGroupError)(nil); errors.As(err, &gone) {
		return p, nil
	}
	if err != nil {
		return nil, errors.Join(err, fleet.Close())
	}
	o, err := s.observe(ctx, g, fleet)
	if err != nil {
		return nil, errors.Join(err, fleet.Close())
	}
	p.Spec, p.Observed = g, o
	p.Plan = plan.Teardown(sel.Name, o)
	p.Desired = p.Plan.Desired
	return p, nil
}

// Delete executes a prepared delete. What stays behind is a *LeftError.
func (s *Service) Delete(ctx context.Context, p *Prepared) (Outcome, error) {
	began := s.Now()
	out := Outcome{Left: p.Plan.Left}
	if !p.Plan.Empty() {
		res, err := s.locked(ctx, p, func(ctx context.Context, r *apply.Runner) (*apply.Result, error) {
			return r.Run(ctx, p.Plan)
		}, false)
		if res != nil {
			out.Changed = len(res.Done) > 0
			out.Left = slices.Concat(out.Left, res.Left)
		}
		if err != nil && res != nil {
			err = withLeft(out.Left, err)
		}
		if err != nil {
			return out, err
		}
	}
	out.Took = s.Now().Sub(began)
	return out, withLeft(out.Left, nil)
}
