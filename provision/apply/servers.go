package apply

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/havip/havip/provision/plan"
)

// convergeAgent fills in the addresses that came to be while the plan ran and
// makes the server follow. Its inverse removes an agent that was not there;
// what another agent was told before is not known here.
func (x *execution) convergeAgent(ctx context.Context, op plan.ConvergeAgent) (effect, error) {
	op.Config.Routers = slices.Clone(op.Config.Routers)
	for i := range op.Config.Routers {
		if vrid := x.known.resources().VRID; vrid != 0 {
			op.Config.Routers[i].VRID = vrid
		}
		if len(op.Config.Routers[i].Addresses) > 0 {
			continue
		}
		v, err := x.known.vip(i)
		if err != nil {
			return effect{}, err
		}
		op.Config.Routers[i].Addresses = []netip.Prefix{netip.PrefixFrom(v.Address, v.Address.BitLen())}
	}
	s, err := x.server(ctx, op.ServerID)
	if err != nil {
		return effect{}, err
	}
	e := effect{changed: true}
	if op.New {
		e.undo = func(ctx context.Context) error { return s.Remove(ctx, x.plan.Group) }
	}
	return e, s.Converge(ctx, op)
}

func (x *execution) onServer(ctx context.Context, id string, do func(Server) error) (effect, error) {
	s, err := x.server(ctx, id)
	if err != nil {
		return effect{}, err
	}
	return several(do(s))
}

func (x *execution) server(ctx context.Context, id string) (Server, error) {
	s, err := x.runner.Servers.Server(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reach server %s: %w", id, err)
	}
	return s, nil
}
