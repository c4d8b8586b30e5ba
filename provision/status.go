package provision

import (
	"context"
	"errors"

	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/spec"
)

// GroupStatus is what is known of a group: how it is, and in what it differs
// from how it should be.
type GroupStatus struct {
	Spec       spec.Group
	Desired    plan.Desired
	VIPs       []plan.VIPResource
	Members    []MemberStatus
	Deviations []plan.Deviation
}

// Healthy tells that nothing differs.
func (g GroupStatus) Healthy() bool { return len(g.Deviations) == 0 }

// Watcher looks at a group again and again over the same connections.
type Watcher struct {
	service *Service
	sel     Selection
	fleet   *Fleet
}

// Watch is a watcher of the selected group; Close it in the end.
func (s *Service) Watch(sel Selection) *Watcher {
	return &Watcher{service: s, sel: sel, fleet: s.NewFleet()}
}

// Close ends the connections.
func (w *Watcher) Close() error { return w.fleet.Close() }

// Status observes the group once.
func (w *Watcher) Status(ctx context.Context) (GroupStatus, error) {
	g, err := w.service.look(ctx, w.sel, w.fleet)
	if err != nil {
		return GroupStatus{}, err
	}
	d, o := g.Desired, g.Observed
	st := GroupStatus{Spec: g.Spec, Desired: d, Deviations: g.deviations()}
	for _, v := range d.VIPs {
		st.VIPs = append(st.VIPs, resourceOf(v, d.Group, o))
	}
	for _, ms := range roster(d, o) {
		h := o.Hosts[ms.ServerID]
		ms.Status = h.Agent.Status
		if h.Err != "" {
			ms.Err = &Problem{Message: h.Err, Cure: h.Hint}
		}
		st.Members = append(st.Members, ms)
	}
	return st, nil
}

// Status observes the selected group once.
func (s *Service) Status(ctx context.Context, sel Selection) (GroupStatus, error) {
	w := s.Watch(sel)
	st, err := w.Status(ctx)
	return st, errors.Join(err, w.Close())
}

// resourceOf is what Neutron holds of one VIP now.
func resourceOf(v plan.VIP, group string, o plan.Observed) plan.VIPResource {
	r := plan.VIPResource{Address: v.Address}
	for _, p := range o.Ports {
		if plan.GroupOf(p.Tags, p.Description) != group || len(p.FixedIPs) == 0 || p.NetworkID != v.Network.ID {
			continue
		}
		r.PortID, r.Address = p.ID, p.FixedIPs[0].IP
		for _, f := range o.FloatingIPs {
			if f.PortID == p.ID {
				r.FloatingIP = f.Address
			}
		}
	}
	return r
}
