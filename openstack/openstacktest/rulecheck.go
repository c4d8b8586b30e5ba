package openstacktest

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// protocols are the names that Neutron takes, with their numbers.
func protocols() map[string]int {
	return map[string]int{
		"any": -1, "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "icmpv6": 58, "igmp": 2, "ip": 0,
		"ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43,
		"ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
	}
}

// protocolNumber is the number of a protocol that check has let in; "icmp" of
// IPv6 is ICMPv6.
func protocolNumber(text string, v6 bool) int {
	n, named := protocols()[text]
	if !named {
		n, _ = strconv.Atoi(text)
	}
	if v6 && n == 1 {
		n = 58
	}
	return n
}

// check keeps the rules of rules.
func (n *rule) check(r *request) error {
	bad := func(kind, format string, args ...any) error {
		return refuse(http.StatusBadRequest, kind, format, args...)
	}
	if n.Direction != "ingress" && n.Direction != "egress" {
		return badBody("Invalid input for direction. Reason: '%s' is not in ['ingress', 'egress'].", n.Direction)
	}
	switch strings.ToLower(n.EtherType) {
	case "ipv4":
		n.EtherType = "IPv4"
	case "ipv6":
		n.EtherType = "IPv6"
	default:
		return bad("SecurityGroupRuleInvalidEtherType", "Security group rule for ethertype '%s' not supported. Allowed values are ['IPv4', 'IPv6'].", n.EtherType)
	}
	number := -1
	if n.Protocol != nil {
		known, named := protocols()[*n.Protocol]
		if number = known; !named {
			i, err := strconv.Atoi(*n.Protocol)
			if err != nil || i < 0 || i > 255 {
				return bad("SecurityGroupRuleInvalidProtocol", "Security group rule protocol %s not supported.", *n.Protocol)
			}
			number = i
		}
		if v6 := slices.Contains([]int{41, 43, 44, 58, 59, 60}, number); v6 && n.EtherType == "IPv4" {
			return bad("SecurityGroupEthertypeConflictWithProtocol", "Invalid ethertype %s for protocol %s.", n.EtherType, *n.Protocol)
		}
	}
	if err := n.checkPorts(number); err != nil {
		return err
	}
	if n.RemoteGroupID != nil && n.RemotePrefix != nil {
		return bad("SecurityGroupMultipleRemoteEntites", "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.")
	}
	if n.RemoteGroupID != nil {
		if _, err := r.group(*n.RemoteGroupID); err != nil {
			return err
		}
	}
	return n.checkPrefix()
}

func (n *rule) checkPorts(number int) error {
	bad := func(kind, format string, args ...any) error {
		return refuse(http.StatusBadRequest, kind, format, args...)
	}
	if n.PortMin == nil && n.PortMax == nil {
		return nil
	}
	if n.Protocol == nil {
		return bad("SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
	}
	switch number {
	case 6, 17, 33, 132, 136:
		if n.PortMin == nil || n.PortMax == nil || *n.PortMin > *n.PortMax {
			return bad("SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
		}
		if *n.PortMin < 1 || *n.PortMax > 65535 {
			return badBody("Invalid input for port_range_min. Reason: %d is not a port.", *n.PortMin)
		}
	case 1, 58:
		if n.PortMin == nil {
			return bad("SecurityGroupMissingIcmpType", "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", *n.PortMax)
		}
	default:
		return bad("SecurityGroupInvalidProtocolForPort", "Ports cannot be specified for protocol %s. Ports are only supported for TCP, UDP, UDPLITE, SCTP and DCCP.", *n.Protocol)
	}
	return nil
}

func (n *rule) checkPrefix() error {
	if n.RemotePrefix == nil {
		return nil
	}
	p, err := netip.ParsePrefix(*n.RemotePrefix)
	if ip, bare := netip.ParseAddr(*n.RemotePrefix); bare == nil {
		p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidCIDR", "Invalid CIDR %s given as IP prefix.", *n.RemotePrefix)
	}
	if p.Addr().Is4() != (n.EtherType == "IPv4") {
		return refuse(http.StatusBadRequest, "SecurityGroupRuleParameterConflict", "Conflicting value ethertype %s for CIDR %s", n.EtherType, *n.RemotePrefix)
	}
	canonical, normalized := p.String(), p.Masked().String()
	n.RemotePrefix, n.Normalized = &canonical, &normalized
	return nil
}

// same tells whether Neutron takes two rules for one: the prefix of all
// addresses is none, and 112 is vrrp (measured with Zed).
func (n rule) same(o rule) bool {
	key := func(n rule) string {
		prefix := deref(n.RemotePrefix)
		if prefix == "0.0.0.0/0" || prefix == "::/0" {
			prefix = ""
		}
		number := -1
		if n.Protocol != nil {
			number = protocolNumber(*n.Protocol, n.EtherType == "IPv6")
		}
		return fmt.Sprint(n.Direction, n.EtherType, number, deref(n.PortMin), deref(n.PortMax), n.PortMin == nil, deref(n.RemoteGroupID), prefix)
	}
	return key(n) == key(o)
}
