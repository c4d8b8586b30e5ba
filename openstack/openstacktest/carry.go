package openstacktest

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// claim is who announced a virtual port's address last.
type claim struct {
	Carrier string // port ID
	At      time.Time
	Backoff time.Duration
}

// settle makes true what follows from the rest of a state.
func (s *state) settle() {
	for id, p := range s.ports {
		status := p.Status
		if v, bound := s.servers[p.DeviceID]; bound {
			status = map[bool]string{true: "ACTIVE", false: "DOWN"}[v.powered() && p.AdminUp]
		} else if p.DeviceOwner == "" || p.DeviceOwner == "compute:nova" {
			status = "DOWN"
		}
		if status != p.Status {
			p.Status = status
			s.ports[id] = p
		}
	}
	for id, last := range s.claims {
		carrier := s.ports[last.Carrier]
		if !s.servers[carrier.DeviceID].powered() || !slices.Contains(s.parents(s.ports[id]), last.Carrier) {
			delete(s.claims, id) // the binding goes with the parent's, and with the type "virtual"
		}
	}
	s.refreshDetails()
}

// parents are the ports that stand for an unbound port's address on OVN: the
// same text in their pairs, and an address in its subnet
// (get_virtual_port_parents).
func (s *state) parents(p port) []string {
	var out []string
	if _, bound := s.servers[p.DeviceID]; bound || strings.HasPrefix(p.DeviceOwner, "network:") {
		return nil
	}
	for _, f := range p.FixedIPs {
		for _, o := range s.ports.all() {
			if o.ID == p.ID || o.NetworkID != p.NetworkID {
				continue
			}
			near := slices.ContainsFunc(o.FixedIPs, func(x fixedIP) bool { return x.SubnetID == f.SubnetID })
			if near && slices.ContainsFunc(o.Pairs, func(x pair) bool { return x.IP == f.Address.String() }) {
				out = append(out, o.ID)
			}
		}
		if out != nil {
			return out // OVN looks at the first address only
		}
	}
	return out
}

// The back-off of OVN's claims (controller/pinctrl.c): each claim inside the
// window makes it a step longer.
const (
	backoffStep = time.Second
	backoffMost = 10 * time.Second
)

// Claim says that a port announces an address. On OVN the virtual port with
// that address moves to it, unless it moved a moment ago: the result tells
// whether it did. On other back ends nothing happens.
func (c *Cloud) Claim(portID string, address netip.Addr) bool {
	if c.config.Backend != OVN {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.config.Now()
	next := c.state.clone()
	moved, changed := next.claim(portID, address, now)
	switch {
	case moved:
		c.commit(next)
	case changed:
		c.state = next
	}
	return moved
}

func (s *state) claim(portID string, address netip.Addr, now time.Time) (moved, changed bool) {
	for _, p := range s.ports.all() {
		if !slices.ContainsFunc(p.FixedIPs, func(f fixedIP) bool { return f.Address == address }) || !slices.Contains(s.parents(p), portID) ||
			!s.servers[s.ports[portID].DeviceID].powered() {
			continue
		}
		last, claimed := s.claims[p.ID]
		if claimed && last.Carrier == portID {
			return false, false
		}
		if claimed && now.Before(last.At.Add(last.Backoff)) {
			last.Backoff = min(last.Backoff+backoffStep, backoffMost)
			s.claims[p.ID] = last
			return false, true
		}
		s.claims[p.ID] = claim{portID, now, backoffStep}
		p.Host = s.ports[portID].Host
		p.bump(now)
		p.bump(now) // once for the binding, once for the host
		s.ports[p.ID] = p
		return true, true
	}
	return false, false
}

// carrier is the port that gets a floating IP's packets on OVN.
func (s *state) carrier(f floatingIP) string {
	p, found := s.ports[deref(f.PortID)]
	if !found {
		return ""
	}
	if _, bound := s.servers[p.DeviceID]; bound {
		return p.ID
	}
	return s.claims[p.ID].Carrier
}

// View is what the cloud holds now.
func (c *Cloud) View() View {
	c.mu.Lock()
	s := c.state // a committed state does not change any more
	c.mu.Unlock()
	return s.view(c.config.Backend)
}

func (s *state) view(backend Backend) View {
	var v View
	for _, n := range s.networks.all() {
		v.Networks = append(v.Networks, Network{n.ID, n.Name, n.External})
	}
	for _, o := range s.subnets.all() {
		v.Subnets = append(v.Subnets, Subnet{o.ID, o.Name, o.NetworkID, o.CIDR, deref(o.Gateway)})
	}
	for _, p := range s.ports.all() {
		v.Ports = append(v.Ports, p.view())
	}
	for _, g := range s.groups.all() {
		v.SecurityGroups = append(v.SecurityGroups, g.view())
	}
	for _, o := range s.routers.all() {
		v.Routers = append(v.Routers, s.routerView(o))
	}
	for _, f := range s.floatingIPs.all() {
		w := FloatingIP{ID: f.ID, Address: f.Address, PortID: deref(f.PortID), Fixed: deref(f.Fixed), Router: deref(f.RouterID)}
		if backend == OVN {
			w.Carrier = s.carrier(f)
		}
		v.FloatingIPs = append(v.FloatingIPs, w)
	}
	for _, o := range s.servers.all() {
		v.Servers = append(v.Servers, o.view())
	}
	return v
}

func (p port) view() Port {
	w := Port{
		ID: p.ID, Name: p.Name, NetworkID: p.NetworkID, MAC: p.MAC, AdminUp: p.AdminUp, PortSecurity: p.PortSecurity,
		SecurityGroups: slices.Clone(p.Groups), DeviceID: p.DeviceID, DeviceOwner: p.DeviceOwner,
	}
	for _, f := range p.FixedIPs {
		w.FixedIPs = append(w.FixedIPs, FixedIP(f))
	}
	for _, a := range p.Pairs {
		prefix, err := netip.ParsePrefix(a.IP)
		if ip, bare := netip.ParseAddr(a.IP); bare == nil {
			prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err == nil {
			w.Pairs = append(w.Pairs, Pair{a.MAC, prefix.Masked()})
		}
	}
	return w
}

func (g securityGroup) view() SecurityGroup {
	w := SecurityGroup{ID: g.ID, Name: g.Name}
	for _, n := range g.Rules {
		w.Rules = append(w.Rules, n.view())
	}
	return w
}

func (n rule) view() Rule {
	w := Rule{
		ID: n.ID, Ingress: n.Direction == "ingress", IPv6: n.EtherType == "IPv6", Protocol: -1, PortMin: -1, PortMax: -1,
		RemoteGroupID: deref(n.RemoteGroupID),
	}
	if n.Protocol != nil {
		w.Protocol = protocolNumber(*n.Protocol, w.IPv6)
	}
	if n.PortMin != nil {
		w.PortMin = *n.PortMin
	}
	if n.PortMax != nil {
		w.PortMax = *n.PortMax
	}
	if n.Normalized != nil {
		w.RemoteIPPrefix = netip.MustParsePrefix(*n.Normalized)
	}
	return w
}

func (s *state) routerView(o router) Router {
	w := Router{ID: o.ID, Name: o.Name, Gateway: o.GatewayPort}
	for _, p := range s.ports.all() {
		if p.DeviceID == o.ID && p.DeviceOwner == "network:router_interface" {
			w.Interfaces = append(w.Interfaces, p.ID)
		}
	}
	return w
}
