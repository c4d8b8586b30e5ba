package provision

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/spec"
)

// observe reads everything that a plan for g is made from: the cloud in two
// rounds of parallel requests, then every server at once.
func (s *Service) observe(ctx context.Context, g spec.Group, fleet *Fleet) (plan.Observed, error) {
	o := plan.Observed{
		At:       s.Now(),
		Identity: s.Cloud.Identity(),
		Servers:  map[string][]openstack.Server{},
		Networks: map[string][]openstack.Network{},
		Hosts:    map[string]plan.Host{},
	}
	marked, err := s.observeNames(ctx, g, &o)
	if err != nil {
		return o, err
	}
	if err := s.observeNetworks(ctx, g, &o, marked); err != nil {
		return o, err
	}
	if err := s.observeFormer(ctx, g, &o); err != nil {
		return o, err
	}
	s.observeHosts(ctx, g, &o, fleet)
	return o, ctx.Err()
}

// observeNames is the first round: what needs nothing but the group file. It
// returns the ports that carry the group's mark, on whatever network.
func (s *Service) observeNames(ctx context.Context, g spec.Group, o *plan.Observed) ([]openstack.Port, error) {
	var mu sync.Mutex
	var marked []openstack.Port
	eg, ctx := errgroup.WithContext(ctx)
	for _, sv := range g.Servers {
		read(eg, &mu, func() ([]openstack.Server, error) { return s.Cloud.Servers(ctx, sv.Ref) },
			func(v []openstack.Server) { o.Servers[sv.Ref] = v })
	}
	for _, v := range g.VIPs {
		read(eg, &mu, func() ([]openstack.Network, error) { return s.Cloud.Networks(ctx, v.Network) },
			func(n []openstack.Network) { o.Networks[v.Network] = n })
	}
	read(eg, &mu, func() ([]openstack.Port, error) { return s.Cloud.Ports(ctx, vipPorts(g.Name)) },
		func(v []openstack.Port) { marked = v })
	read(eg, &mu, func() ([]openstack.SecurityGroup, error) {
		return s.Cloud.SecurityGroups(ctx, plan.SecurityGroupName(g.Name))
	}, func(v []openstack.SecurityGroup) { o.SecurityGroups = v })
	read(eg, &mu, func() ([]openstack.FloatingIP, error) { return s.Cloud.FloatingIPs(ctx) },
		func(v []openstack.FloatingIP) { o.FloatingIPs = v })
	// External networks matter where a floating IP is to be allocated from one.
	if slices.ContainsFunc(g.VIPs, func(v spec.VIP) bool { return v.FloatingIP.Network != "" }) {
		read(eg, &mu, func() ([]openstack.Network, error) { return s.Cloud.ExternalNetworks(ctx) },
			func(v []openstack.Network) { o.External = v })
	}
	read(eg, &mu, func() ([]openstack.Router, error) { return s.Cloud.Routers(ctx) },
		func(v []openstack.Router) { o.Routers = v })
	read(eg, &mu, func() (map[string]bool, error) { return s.Cloud.Extensions(ctx) },
		func(v map[string]bool) { o.Extensions = v })
	read(eg, &mu, func() (openstack.Quotas, error) { return s.Cloud.Quotas(ctx) },
		func(v openstack.Quotas) { o.Quotas = v })
	return marked, eg.Wait()
}

// read runs get in eg and hands what it got to put, under mu.
func read[T any](eg *errgroup.Group, mu *sync.Mutex, get func() (T, error), put func(T)) {
	eg.Go(func() error {
		v, err := get()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		put(v)
		return nil
	})
}

// observeNetworks is the second round: subnets and ports of the VIPs' networks.
func (s *Service) observeNetworks(ctx context.Context, g spec.Group, o *plan.Observed, marked []openstack.Port) error {
	ids := map[string]bool{}
	for _, v := range g.VIPs {
		for _, n := range o.Networks[v.Network] {
			ids[n.ID] = true
		}
	}
	ports := map[string]openstack.Port{}
	add := func(v []openstack.Port) {
		for _, p := range v {
			ports[p.ID] = p
		}
	}
	add(marked)
	inGroup := users(g, *o)
	var mu sync.Mutex
	eg, ctx := errgroup.WithContext(ctx)
	if len(ids) > 0 {
		read(eg, &mu, func() ([]openstack.Subnet, error) {
			return s.Cloud.Subnets(ctx, slices.Sorted(maps.Keys(ids))...)
		}, func(v []openstack.Subnet) { o.Subnets = v })
	}
	for id := range ids {
		read(eg, &mu, func() ([]openstack.Port, error) {
			return s.Cloud.Ports(ctx, openstack.PortFilter{NetworkID: id})
		}, add)
	}
	for _, filter := range inGroup {
		read(eg, &mu, func() ([]openstack.Port, error) { return s.Cloud.Ports(ctx, filter) }, add)
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(ports)) {
		o.Ports = append(o.Ports, ports[id])
	}
	return nil
}

// users selects the ports in the group's security group on whatever network:
// one that somebody else put there keeps the group from being deleted. Only a
// group without VRRP settings is deleted, one that was made from its marks;
// others are spared the request. Neutron may refuse a filter that it does not
// know (Neutron API, "Filter validation").
func users(g spec.Group, o plan.Observed) []openstack.PortFilter {
	known := o.Extensions == nil || o.Extensions["port-security-groups-filtering"]
	if g.VRRP != (spec.VRRP{}) || !known {
		return nil
	}
	var filters []openstack.PortFilter
	for _, sg := range plan.Find(g.Name, o).SecurityGroups {
		filters = append(filters, openstack.PortFilter{SecurityGroup: sg.ID})
	}
	return filters
}

// observeFormer looks up the servers behind the group's member ports that are
// not among the wanted servers. An admin sees the ports of other projects too:
// a group of the same name there is not this one, and its servers are not looked
// at.
func (s *Service) observeFormer(ctx context.Context, g spec.Group, o *plan.Observed) error {
	have := map[string]bool{}
	for _, servers := range o.Servers {
		for _, sv := range servers {
			have[sv.ID] = true
		}
	}
	var mu sync.Mutex
	eg, ctx := errgroup.WithContext(ctx)
	for _, p := range plan.Find(g.Name, *o).MemberPorts {
		if p.DeviceID == "" || have[p.DeviceID] {
			continue
		}
		have[p.DeviceID] = true
		read(eg, &mu, func() ([]openstack.Server, error) { return s.Cloud.Servers(ctx, p.DeviceID) },
			func(v []openstack.Server) { o.Servers[p.DeviceID] = v })
	}
	return eg.Wait()
}

// observeHosts looks at every server that a reference names beyond doubt.
func (s *Service) observeHosts(ctx context.Context, g spec.Group, o *plan.Observed, fleet *Fleet) {
	fleet.Know(g, *o)
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[string]bool{}
	for _, servers := range o.Servers {
		if len(servers) != 1 || seen[servers[0].ID] {
			continue
		}
		sv := servers[0]
		seen[sv.ID] = true
		wg.Go(func() {
			h := fleet.Inspect(ctx, sv, g.Name)
			mu.Lock()
			defer mu.Unlock()
			o.Hosts[sv.ID] = h
		})
	}
	wg.Wait()
}
