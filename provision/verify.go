package provision

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/probe"
	"github.com/havip/havip/provision/spec"
)

// Reach is whether an address answered from here.
type Reach struct {
	Address  netip.Addr
	Floating bool
	How      string // "tcp 22"
	Took     time.Duration
	Err      error // nil: it answered
	Hint     string
}

// Times that a new address may take to answer: Neutron wires a floating IP
// within seconds; a VIP is often not routed from a workstation at all.
const (
	floatingTime = 20 * time.Second
	vipTime      = 3 * time.Second
)

// verify asks every VIP and floating IP from here, at once. That they answer
// is not needed for success: the way from here may be closed on purpose.
func (s *Service) verify(ctx context.Context, how spec.Verify, res plan.Resources, p *Prepared) []Reach {
	if how.Kind == spec.VerifyNone {
		return nil
	}
	var all []Reach
	for _, v := range res.VIPs {
		all = append(all, Reach{Address: v.Address, Hint: vipHint(how)})
		if v.FloatingIP.IsValid() {
			all = append(all, Reach{Address: v.FloatingIP, Floating: true, Hint: floatingHint(how, p)})
		}
	}
	var wg sync.WaitGroup
	for i := range all {
		r := &all[i]
		wg.Go(func() {
			limit := vipTime
			if r.Floating {
				limit = floatingTime
			}
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			began := s.Now()
			r.How = probe.Label(how)
			r.Err = probe.Until(ctx, how, r.Address)
			r.Took = s.Now().Sub(began)
			if r.Err == nil {
				r.Hint = ""
			}
		})
	}
	wg.Wait()
	return all
}

func vipHint(how spec.Verify) string {
	return "from outside the network that is usual; from inside, allow " + probe.Label(how) + " in the members' security groups"
}

func floatingHint(how spec.Verify, p *Prepared) string {
	hint := "allow " + probe.Label(how) + " from here in the members' security groups, and let something listen there; or say what answers: --verify"
	for _, r := range p.Observed.Routers {
		if r.Distributed {
			hint += "; the router is distributed, and some clouds do not let a floating IP follow a VIP there (Launchpad 1774459)"
			break
		}
	}
	return hint
}
