package preflight

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// members finds the port through which each server holds each VIP.
func (c *checker) members(all []candidate) {
	priorities := plan.Priorities(len(all), max(c.group.VRRP.Interval, 1))
	for i, s := range all {
		m := plan.Member{Server: s.server, Priority: priorities[i]}
		for _, v := range c.d.VIPs {
			p, ok := c.port(s, v)
			if !ok {
				continue
			}
			m.Ports = append(m.Ports, plan.MemberPort{Port: p, Address: portIn(p, v.Subnet)})
			if len(m.Ports) == 1 || m.Ports[0].Port.ID != p.ID {
				c.usable(s, p)
			}
		}
		if len(m.Ports) == len(c.d.VIPs) && len(m.Ports) > 0 {
			c.d.Members = append(c.d.Members, m)
		}
	}
}

// port is the server's only port in the VIP's subnet, or the one of several
// that the group file chooses.
func (c *checker) port(s candidate, v plan.VIP) (openstack.Port, bool) {
	var list []openstack.Port
	for _, p := range c.o.Ports {
		if p.DeviceID == s.server.ID && portIn(p, v.Subnet).IsValid() {
			list = append(list, p)
		}
	}
	subject, all := "server "+s.server.Name, portLines(list, v.Subnet)
	if s.spec.Port != "" && !(len(list) == 1 && len(c.d.VIPs) > 1) {
		// With two families the choice is for the one where there is a choice.
		list = slices.DeleteFunc(list, func(p openstack.Port) bool { return !isPort(p, s.spec.Port) })
		if len(list) == 0 {
			c.fail(Finding{
				Subject: subject, Message: fmt.Sprintf("port %s is not one of its ports in subnet %s", s.spec.Port, subnetName(v.Subnet)),
				Details: all, Hint: "name one of those, or leave the port out",
			})
			return openstack.Port{}, false
		}
	}
	switch len(list) {
	case 0:
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("has no port in subnet %s", subnetName(v.Subnet)),
			Hint: fmt.Sprintf("openstack server add network %s %s, or choose the subnet of its port", s.server.ID, v.Network.ID),
		})
		return openstack.Port{}, false
	case 1:
		return list[0], true
	}
	c.fail(Finding{
		Subject: subject, Message: fmt.Sprintf("has %d ports in subnet %s", len(list), subnetName(v.Subnet)),
		Details: all, Hint: fmt.Sprintf("choose one: --server %s=%s", s.spec.Ref, list[0].ID),
	})
	return openstack.Port{}, false
}

// isPort tells whether ref names the port: by ID, name or address.
func isPort(p openstack.Port, ref string) bool {
	a, err := netip.ParseAddr(ref)
	return p.ID == ref || p.Name == ref || err == nil && slices.ContainsFunc(p.FixedIPs, func(f openstack.FixedIP) bool { return f.IP == a })
}

func subnetName(s openstack.Subnet) string { return fmt.Sprintf("%s (%s)", s.Name, s.CIDR) }

func portLines(list []openstack.Port, s openstack.Subnet) []string {
	var lines []string
	for _, p := range list {
		lines = append(lines, fmt.Sprintf("%s  %s  %s", p.ID, portIn(p, s), p.MAC))
	}
	return lines
}

// pairLimit is Neutron's default of max_allowed_address_pair. What a cloud has
// set is not to be seen, but by a port that has more.
const pairLimit = 10

// full refuses a port that has as many pairs as Neutron allows: it would say
// so only when half of the group is made.
func (c *checker) full(subject string, p openstack.Port) {
	vip, need := "", 0
	for _, v := range c.d.VIPs {
		if portIn(p, v.Subnet).IsValid() && (!v.Address.IsValid() || !plan.Allows(p, v.Address)) {
			need++
			if v.Address.IsValid() {
				vip = v.Address.String()
			}
		}
	}
	beyond := slices.ContainsFunc(c.o.Ports, func(o openstack.Port) bool { return len(o.Pairs) > pairLimit })
	if need == 0 || len(p.Pairs)+need <= pairLimit || beyond || c.opt.LookOnly {
		return
	}
	more := "where this cloud allows more, choose the VIP (--address), add it yourself and repeat"
	if vip != "" {
		more = "where this cloud allows more, add the VIP's yourself and repeat: openstack port set --allowed-address ip-address=" + vip + " " + p.ID
	}
	c.fail(Finding{
		Subject: subject, Message: fmt.Sprintf("port %s has %d address pairs, and Neutron's default limit is %d", p.ID, len(p.Pairs), pairLimit),
		Hint: "take one off that is not needed: openstack port show " + p.ID + "\n" + more,
	})
}

// usable checks that a member's port lets the VIP through.
func (c *checker) usable(s candidate, p openstack.Port) {
	subject := "server " + s.server.Name
	if !p.PortSecurity && !c.opt.LookOnly {
		// Neutron refuses address pairs there (409 AddressPairAndPortSecurityRequired),
		// and on OVN the floating IP depends on them.
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("port security is off on port %s: Neutron refuses address pairs there", p.ID),
			Hint: "openstack port set --enable-port-security " + p.ID,
		})
	}
	switch p.VNICType {
	case "", "normal":
	case "direct", "direct-physical", "macvtap":
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("port %s is of type %s: it bypasses Neutron's data path, the VIP would not reach it", p.ID, p.VNICType),
			Hint: "use a port of type normal",
		})
	default:
		c.warn(Finding{Subject: subject, Message: fmt.Sprintf("port %s is of type %s; havip is only tested with normal", p.ID, p.VNICType)})
	}
	if p.TrunkParent {
		c.warn(Finding{Subject: subject, Message: fmt.Sprintf("port %s is a trunk's parent: its VLANs share its MAC; the NIC is found by MAC and address", p.ID)})
	}
	c.full(subject, p)
}

// pairs warns of ports that may take the VIP although they are no members, and
// of members that may take any address.
func (c *checker) pairs() {
	for _, v := range c.d.VIPs {
		for _, p := range c.o.Ports {
			if p.NetworkID != v.Network.ID {
				continue
			}
			for _, a := range p.Pairs {
				c.pair(v, p, a)
			}
		}
	}
}

func (c *checker) pair(v plan.VIP, p openstack.Port, a openstack.AddressPair) {
	prefix, err := netip.ParsePrefix(a.IP)
	if addr, bare := netip.ParseAddr(a.IP); bare == nil {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil || !prefix.Contains(v.Address) {
		return
	}
	single, subject := prefix.IsSingleIP(), "port "+portName(p)
	switch {
	case !single:
		c.warn(Finding{
			Subject: subject, Message: fmt.Sprintf("of %s may use any address of %s, the VIP %s too", c.owner(p), prefix, v.Address),
			Hint: "narrow its allowed-address pairs",
		})
	case !c.isMemberPort(p):
		c.warn(Finding{
			Subject: subject, Message: fmt.Sprintf("of %s may use the VIP %s and is no member's", c.owner(p), v.Address),
			// The command finds a pair by both: Neutron fills in the MAC.
			Hint: fmt.Sprintf("openstack port unset --allowed-address ip-address=%s,mac-address=%s %s", a.IP, a.MAC, p.ID),
		})
	}
}

// isMemberPort tells whether a port is a wanted or a present member's.
func (c *checker) isMemberPort(p openstack.Port) bool {
	same := func(o openstack.Port) bool { return o.ID == p.ID }
	return slices.ContainsFunc(c.found.MemberPorts, same) ||
		slices.ContainsFunc(c.d.Members, func(m plan.Member) bool {
			return slices.ContainsFunc(m.Ports, func(mp plan.MemberPort) bool { return same(mp.Port) })
		})
}
