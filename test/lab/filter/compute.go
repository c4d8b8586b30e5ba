package filter

import (
	"hash/fnv"
	"net"
	"net/netip"
	"strings"

	"github.com/havip/havip/openstack/openstacktest"
)

// forward is the name of the first chain.
const forward = "forward"

// Device is the name of a port's device in the switch, Bridge that of a
// network's, both as Neutron makes them.
func Device(portID string) string { return "tap" + portID[:min(11, len(portID))] }

// Bridge is the name of a network's bridge.
func Bridge(networkID string) string { return "brq" + networkID[:min(11, len(networkID))] }

// Compute says what the switch lets through for the ports of servers. The
// ports of routers, and those without port security, are not filtered.
func Compute(v openstacktest.View) Ruleset {
	var s Ruleset
	for _, n := range v.Networks {
		s.Zones = append(s.Zones, Zone{Bridge(n.ID), zone(n.ID)})
	}
	c := compiler{view: v, members: members(v)}
	first := Chain{Name: forward}
	var sent, received []Rule
	var chains []Chain
	for _, p := range v.Ports {
		if !strings.HasPrefix(p.DeviceOwner, "compute:") {
			continue
		}
		device := Device(p.ID)
		switch {
		case !p.AdminUp:
			sent = append(sent, Rule{Match: []Match{from(device)}, Do: Drop})
			received = append(received, Rule{Match: []Match{towards(device)}, Do: Drop})
		case p.PortSecurity:
			sent = append(sent, Rule{Match: []Match{from(device)}, Do: Jump, To: device + "-out"})
			received = append(received, Rule{Match: []Match{towards(device)}, Do: Jump, To: device + "-in"})
			chains = append(chains, c.sent(p), c.groups(p, false), c.received(p), c.groups(p, true))
		}
	}
	first.Rules = append(sent, received...)
	s.Chains = append([]Chain{first}, chains...)
	return s
}

// zone is a network's, the same whatever other networks there are.
func zone(networkID string) uint16 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(networkID))
	return uint16(h.Sum32()%65534) + 1
}

type compiler struct {
	view    openstacktest.View
	members map[string][]netip.Addr
}

// members are the fixed addresses of the ports in each security group.
func members(v openstacktest.View) map[string][]netip.Addr {
	out := make(map[string][]netip.Addr)
	for _, p := range v.Ports {
		for _, g := range p.SecurityGroups {
			for _, ip := range p.FixedIPs {
				out[g] = append(out[g], ip.Address)
			}
		}
	}
	return out
}

// own is an address that a port may use, with the MAC that goes with it.
type own struct {
	mac    net.HardwareAddr
	prefix netip.Prefix
}

func owned(p openstacktest.Port) []own {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return nil // nothing is its own: everything is dropped
	}
	var out []own
	for _, ip := range p.FixedIPs {
		out = append(out, own{mac, single(ip.Address)})
	}
	for _, pair := range p.Pairs {
		m, err := net.ParseMAC(pair.MAC)
		if err != nil {
			m = mac
		}
		out = append(out, own{m, pair.Prefix})
	}
	return append(out, own{mac, linkLocal(mac)})
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// linkLocal is the address that a NIC makes of its MAC (RFC 4291, appendix A).
func linkLocal(mac net.HardwareAddr) netip.Prefix {
	a := [16]byte{0: 0xfe, 1: 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]}
	return single(netip.AddrFrom16(a))
}

// ICMPv6 types of neighbour discovery (RFC 4861, section 4) and of multicast
// listeners (RFC 2710, section 3).
const (
	listenerQuery   = 130
	listenerReport  = 131
	listenerDone    = 132
	routerSolicit   = 133
	routerAdvert    = 134
	neighborSolicit = 135
	neighborAdvert  = 136
	listenerReport2 = 143
)

// sent is the chain of what a server sends: no address but its own, no DHCP
// server, no router advertisement.
func (c compiler) sent(p openstacktest.Port) Chain {
	chain := Chain{Name: Device(p.ID) + "-out"}
	add := func(do Verdict, m ...Match) { chain.Rules = append(chain.Rules, Rule{Match: m, Do: do}) }
	toGroups := func(m ...Match) {
		chain.Rules = append(chain.Rules, Rule{Match: m, Do: Goto, To: Device(p.ID) + "-sgo"})
	}
	add(Drop, ip4(), proto(udp), sourcePort(67), destinationPort(68, 68))
	add(Drop, ip6(), proto(udp), sourcePort(547), destinationPort(546, 546))
	add(Drop, ip6(), proto(icmpv6), icmpType(routerAdvert))
	owns := owned(p)
	for _, o := range owns {
		if o.prefix.Addr().Is6() {
			add(Return, senderMAC(o.mac), ip6(), proto(icmpv6), icmpType(neighborAdvert), ndTarget(o.prefix))
		}
	}
	add(Drop, ip6(), proto(icmpv6), icmpType(neighborAdvert))
	for _, o := range owns {
		if o.prefix.Addr().Is4() {
			add(Return, senderMAC(o.mac), arp(), arpSenderMAC(o.mac), arpSender(o.prefix))
			toGroups(senderMAC(o.mac), ip4(), source(o.prefix))
			continue
		}
		for _, t := range []int{routerSolicit, neighborSolicit, listenerReport, listenerDone, listenerReport2} {
			add(Return, senderMAC(o.mac), ip6(), source(o.prefix), proto(icmpv6), icmpType(t))
		}
		toGroups(senderMAC(o.mac), ip6(), source(o.prefix))
	}
	if mac, err := net.ParseMAC(p.MAC); err == nil {
		// A host that has no address yet.
		unset4, unset6 := single(netip.IPv4Unspecified()), single(netip.IPv6Unspecified())
		add(Return, senderMAC(mac), ip4(), source(unset4), proto(udp), sourcePort(68), destinationPort(67, 67))
		for _, t := range []int{routerSolicit, neighborSolicit, listenerReport2} {
			add(Return, senderMAC(mac), ip6(), source(unset6), proto(icmpv6), icmpType(t))
		}
	}
	add(Drop)
	return chain
}

// received is the chain of what a server gets: nothing for an address that is
// not its own, as OVN does it.
func (c compiler) received(p openstacktest.Port) Chain {
	chain := Chain{Name: Device(p.ID) + "-in"}
	add := func(do Verdict, m ...Match) { chain.Rules = append(chain.Rules, Rule{Match: m, Do: do}) }
	toGroups := func(p4 Match, to netip.Prefix) {
		chain.Rules = append(chain.Rules, Rule{Match: []Match{p4, destination(to)}, Do: Goto, To: Device(p.ID) + "-sgi"})
	}
	add(Return, arp())
	for _, t := range []int{listenerQuery, listenerReport, listenerDone, routerAdvert, neighborSolicit, neighborAdvert} {
		add(Return, ip6(), proto(icmpv6), icmpType(t))
	}
	for _, o := range owned(p) {
		if o.prefix.Addr().Is4() {
			toGroups(ip4(), o.prefix)
		} else {
			toGroups(ip6(), o.prefix)
		}
	}
	for _, s := range c.view.Subnets {
		if s.NetworkID == p.NetworkID && s.CIDR.Addr().Is4() {
			toGroups(ip4(), single(broadcast(s.CIDR)))
		}
	}
	toGroups(ip4(), single(netip.AddrFrom4([4]byte{255, 255, 255, 255})))
	toGroups(ip4(), netip.MustParsePrefix("224.0.0.0/4"))
	toGroups(ip6(), netip.MustParsePrefix("ff00::/8"))
	add(Drop)
	return chain
}

func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	mask := net.CIDRMask(p.Bits(), 32)
	for i := range a {
		a[i] |= ^mask[i]
	}
	return netip.AddrFrom4(a)
}
