package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/spec"
)

// vips resolves network, subnet and address of each VIP. A VIP that cannot be
// resolved is left out of the result; the findings say why.
func (c *checker) vips() {
	for i, v := range c.group.VIPs {
		field := fmt.Sprintf("vips[%d]", i)
		n, ok := c.network(field, v)
		if !ok {
			continue
		}
		s, ok := c.subnet(field, v, n)
		if !ok {
			continue
		}
		vip := plan.VIP{Network: n, Subnet: s, Address: v.Address, Family: plan.FamilyOf(s.CIDR.Addr())}
		if slices.ContainsFunc(c.d.VIPs, func(o plan.VIP) bool { return o.Family == vip.Family }) {
			c.fail(Finding{
				Subject: field, Message: "is the second VIP of its family; a group has one for IPv4 and one for IPv6",
				Hint: "make a second group",
			})
			continue
		}
		c.unchanged(field, &vip)
		c.free(field, vip)
		c.shared(vip)
		c.d.VIPs = append(c.d.VIPs, vip)
		c.wants = append(c.wants, v.FloatingIP)
	}
	for _, p := range c.found.VIPPorts {
		for _, ip := range p.FixedIPs {
			c.dropped(p, plan.FamilyOf(ip.IP), ip.IP)
		}
	}
}

// dropped refuses a group file that leaves out a VIP which the group has.
func (c *checker) dropped(p openstack.Port, family plan.Family, address netip.Addr) {
	wanted := slices.ContainsFunc(c.d.VIPs, func(v plan.VIP) bool { return v.Family == family })
	if wanted || len(c.d.VIPs) < len(c.group.VIPs) {
		return // or it is one of those that could not be resolved
	}
	c.fail(Finding{
		Subject: "group " + c.group.Name,
		Message: fmt.Sprintf("has the VIP %s (port %s), which the group file leaves out; a VIP cannot be taken off a group", address, p.ID),
		Hint:    c.anew(),
	})
}

// anew is the way to what cannot be changed.
func (c *checker) anew() string {
	return fmt.Sprintf("havip delete %s, then create it anew; or make a second group beside it", c.group.Name)
}

func (c *checker) network(field string, v spec.VIP) (openstack.Network, bool) {
	list := c.o.Networks[v.Network]
	subject := "network " + v.Network
	switch len(list) {
	case 0:
		c.fail(Finding{Subject: subject, Message: "no such network, or it is not ours to see", Hint: "openstack network list shows what there is"})
		return openstack.Network{}, false
	case 1:
		return list[0], true
	}
	var lines []string
	for _, n := range list {
		lines = append(lines, fmt.Sprintf("%s  %s", n.Name, n.ID))
	}
	c.fail(Finding{
		Subject: subject, Message: fmt.Sprintf("matches %d networks", len(list)), Details: lines,
		Hint: fmt.Sprintf("use the ID in %s.network", field),
	})
	return openstack.Network{}, false
}

// subnet is the one that is named, else the one that holds the address, else
// the only one in which the members have ports.
func (c *checker) subnet(field string, v spec.VIP, n openstack.Network) (openstack.Subnet, bool) {
	var list []openstack.Subnet
	for _, s := range c.o.Subnets {
		if s.NetworkID == n.ID {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		c.fail(Finding{
			Subject: "network " + n.Name, Message: "has no subnet, or none that is ours to see",
			Hint: "openstack subnet create --network " + n.ID + " --subnet-range CIDR NAME, or choose another network",
		})
		return openstack.Subnet{}, false
	}
	all, subject := subnetLines(list), field+".subnet"
	match := func(keep func(openstack.Subnet) bool) {
		list = slices.DeleteFunc(list, func(s openstack.Subnet) bool { return !keep(s) })
	}
	switch {
	case v.Subnet != "":
		subject = "subnet " + v.Subnet
		match(func(s openstack.Subnet) bool { return s.ID == v.Subnet || s.Name == v.Subnet })
	case v.Address.IsValid():
		subject = field + ".address"
		match(func(s openstack.Subnet) bool { return s.CIDR.Contains(v.Address) })
	case len(list) > 1:
		match(c.populated)
		// IPv4 is meant where both families are possible and nothing is said.
		if i := slices.IndexFunc(list, isIPv4); i >= 0 && slices.ContainsFunc(list, func(s openstack.Subnet) bool { return !isIPv4(s) }) {
			match(isIPv4)
		}
	}
	switch {
	case len(list) == 1:
		return list[0], true
	case len(list) == 0 && v.Subnet == "" && v.Address.IsValid():
		c.fail(Finding{Subject: subject, Message: fmt.Sprintf("%s is in no subnet of network %s", v.Address, n.Name), Details: all, Hint: "choose an address of one of those, or leave it out and Neutron allocates one"})
	case len(list) == 0:
		c.fail(Finding{Subject: subject, Message: fmt.Sprintf("no such subnet with the members' ports in network %s", n.Name), Details: all, Hint: "name one of those, or leave the subnet out"})
	default:
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("%d subnets of network %s are possible", len(list), n.Name),
			Details: subnetLines(list), Hint: fmt.Sprintf("name one in %s.subnet", field),
		})
	}
	return openstack.Subnet{}, false
}

func isIPv4(s openstack.Subnet) bool { return s.CIDR.Addr().Is4() }

// populated tells whether one of the members' servers has a port in s.
func (c *checker) populated(s openstack.Subnet) bool {
	return slices.ContainsFunc(c.o.Ports, func(p openstack.Port) bool {
		return portIn(p, s).IsValid() && slices.ContainsFunc(c.group.Servers, func(ref spec.Server) bool {
			return slices.ContainsFunc(c.o.Servers[ref.Ref], func(v openstack.Server) bool { return v.ID == p.DeviceID })
		})
	})
}

func subnetLines(list []openstack.Subnet) []string {
	var lines []string
	for _, s := range list {
		lines = append(lines, fmt.Sprintf("%s  %s  %s", s.Name, s.ID, s.CIDR))
	}
	return lines
}

// portIn is the fixed address of a port in a subnet, zero when it has none.
func portIn(p openstack.Port, s openstack.Subnet) netip.Addr {
	for _, ip := range p.FixedIPs {
		if ip.SubnetID == s.ID {
			return ip.IP
		}
	}
	return netip.Addr{}
}

// unchanged holds a VIP against the one that the group has: its address and
// network stay as they are. Where its port is gone, the agents still know it.
func (c *checker) unchanged(field string, v *plan.VIP) {
	if c.several(v.Family) {
		return // which of them counts is to be settled first
	}
	was := plan.ConfiguredVIP(c.group.Name, v.Family, c.o)
	if p, ok := c.found.VIPPort(v.Family); ok {
		was = plan.PortAddress(p, v.Family)
		if p.NetworkID != v.Network.ID {
			c.fail(Finding{
				Subject: field + ".network",
				Message: fmt.Sprintf("group %s is on another network (%s, port %s); a group's network cannot change", c.group.Name, p.NetworkID, p.ID),
				Hint:    c.anew(),
			})
			return
		}
	}
	switch {
	case !was.IsValid():
	case v.Address.IsValid() && v.Address != was:
		c.fail(Finding{
			Subject: field + ".address",
			Message: fmt.Sprintf("is %s, the group has %s; a group's VIP cannot change", v.Address, was),
			Hint:    c.anew(),
		})
	case v.Subnet.CIDR.Contains(was):
		v.Address = was
	}
}

// free checks that the VIP can be an address of its subnet and is nobody's.
func (c *checker) free(field string, v plan.VIP) {
	a, cidr := v.Address, v.Subnet.CIDR.Masked()
	if !a.IsValid() {
		return
	}
	bad := func(format string, args ...any) {
		c.fail(Finding{
			Subject: field + ".address", Message: a.String() + " " + fmt.Sprintf(format, args...),
			Hint: "leave the address out and Neutron allocates a free one",
		})
	}
	switch {
	case !cidr.Contains(a):
		bad("is not in subnet %s (%s)", v.Subnet.Name, cidr)
	case a == v.Subnet.Gateway:
		bad("is the gateway of subnet %s", v.Subnet.Name)
	case a == cidr.Addr():
		bad("is the network address of %s", cidr)
	case a.Is4() && cidr.Bits() < 31 && a == broadcast(cidr):
		bad("is the broadcast address of %s", cidr)
	default: // a gateway's is a router's port as well, which would be said twice
		if p, ok := c.holder(v); ok {
			bad("is in use by port %s of %s", portName(p), c.owner(p))
		}
	}
}

// holder is the port that has the VIP and is not the group's own.
func (c *checker) holder(v plan.VIP) (openstack.Port, bool) {
	i := slices.IndexFunc(c.o.Ports, func(p openstack.Port) bool {
		own := slices.ContainsFunc(c.found.VIPPorts, func(f openstack.Port) bool { return f.ID == p.ID })
		return p.NetworkID == v.Network.ID && !own &&
			slices.ContainsFunc(p.FixedIPs, func(f openstack.FixedIP) bool { return f.IP == v.Address })
	})
	if i < 0 {
		return openstack.Port{}, false
	}
	return c.o.Ports[i], true
}

// shared warns of what Neutron's default policy leaves to a network's owner:
// create_port:fixed_ips and create_port:allowed_address_pairs.
func (c *checker) shared(v plan.VIP) {
	owner, us := v.Network.ProjectID, c.o.Identity.ProjectID
	if owner == "" || us == "" || owner == us {
		return
	}
	c.warn(Finding{
		Subject: "network " + v.Network.Name,
		Message: "is another project's: Neutron may refuse us a chosen address and address pairs on it",
		Hint:    "should it do so, leave the address out, or ask the network's owner",
	})
}

// broadcast is the last address of an IPv4 prefix.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

func portName(p openstack.Port) string {
	if p.Name == "" {
		return p.ID
	}
	return p.Name + " (" + p.ID + ")"
}

// owner is what a port belongs to, as people know it.
func (c *checker) owner(p openstack.Port) string {
	for _, list := range c.o.Servers {
		for _, s := range list {
			if s.ID == p.DeviceID {
				return "server " + s.Name
			}
		}
	}
	kind := strings.TrimPrefix(p.DeviceOwner, "network:")
	switch {
	case strings.HasPrefix(p.DeviceOwner, "compute:"):
		return "server " + p.DeviceID
	case p.DeviceID != "":
		return strings.TrimSpace(kind + " " + p.DeviceID)
	case plan.GroupOf(p.Tags, p.Description) != "":
		return "havip group " + plan.GroupOf(p.Tags, p.Description)
	default:
		return "nobody (no device)"
	}
}
