package openstacktest

import (
	"net/netip"
	"slices"
)

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
