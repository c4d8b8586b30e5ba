package filter

import (
	"net/netip"
	"slices"

	"github.com/havip/havip/openstack/openstacktest"
)

// groups is the chain of a port's security groups, for one direction. Replies
// to what was let through pass.
func (c compiler) groups(p openstacktest.Port, ingress bool) Chain {
	chain := Chain{Name: Device(p.ID) + "-sgo"}
	if ingress {
		chain.Name = Device(p.ID) + "-sgi"
	}
	chain.Rules = append(chain.Rules, Rule{Match: []Match{marked()}, Do: Return})
	for _, g := range c.view.SecurityGroups {
		if !slices.Contains(p.SecurityGroups, g.ID) {
			continue
		}
		for _, r := range g.Rules {
			if r.Ingress == ingress {
				chain.Rules = append(chain.Rules, c.allow(r)...)
			}
		}
	}
	chain.Rules = append(chain.Rules, Rule{Do: Drop})
	return chain
}

// allow is what one rule of a security group lets through.
func (c compiler) allow(r openstacktest.Rule) []Rule {
	base := []Match{ip4()}
	if r.IPv6 {
		base = []Match{ip6()}
	}
	base = append(base, kind(r)...)
	far := source
	if !r.Ingress {
		far = destination
	}
	fits := func(a netip.Addr) bool { return a.Is4() != r.IPv6 }
	switch {
	case r.RemoteGroupID != "":
		var out []Rule
		for _, a := range c.members[r.RemoteGroupID] {
			if fits(a) {
				out = append(out, Rule{Match: append(slices.Clone(base), far(single(a))), Do: Return})
			}
		}
		return out
	case r.RemoteIPPrefix.IsValid() && !fits(r.RemoteIPPrefix.Addr()):
		return nil
	case r.RemoteIPPrefix.IsValid() && r.RemoteIPPrefix.Bits() > 0:
		base = append(base, far(r.RemoteIPPrefix))
	}
	return []Rule{{Match: base, Do: Return}}
}

// kind compares the protocol of a rule, and its ports or ICMP type.
func kind(r openstacktest.Rule) []Match {
	if r.Protocol < 0 {
		return nil
	}
	number := r.Protocol
	if number == icmp && r.IPv6 {
		number = icmpv6 // Neutron takes icmp with IPv6 for this
	}
	out := []Match{proto(number)}
	switch {
	case r.PortMin < 0:
	case number == tcp, number == udp:
		high := r.PortMax
		if high < 0 {
			high = r.PortMin
		}
		if r.PortMin > 0 || high < 65535 {
			out = append(out, destinationPort(uint16(r.PortMin), uint16(high)))
		}
	case number == icmp, number == icmpv6:
		out = append(out, icmpType(r.PortMin))
		if r.PortMax >= 0 {
			out = append(out, icmpCode(r.PortMax))
		}
	}
	return out
}
