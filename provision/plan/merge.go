package plan

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/havip/havip/openstack"
)

// Allows tells whether a port may use vip because of a pair that havip can
// count on: the bare address, for the port's own MAC.
//
// A pair written as A/32 lets the same packets through, but does not count.
// Neutron's OVN driver compares the pair with the VIP port's address as
// strings (ovn_client.py, _set_unset_virtual_port_type); with A/32 alone the
// VIP port never becomes virtual and its floating IP is dead. So the bare
// address is added beside it, and A/32 stays as the foreign pair that it is.
func Allows(p openstack.Port, vip netip.Addr) bool {
	return slices.ContainsFunc(p.Pairs, func(a openstack.AddressPair) bool { return isPair(a, p, vip) })
}

// isPair compares as Neutron does: a pair without a MAC has the port's own.
func isPair(a openstack.AddressPair, p openstack.Port, vip netip.Addr) bool {
	return a.IP == vip.String() && (a.MAC == "" || strings.EqualFold(a.MAC, p.MAC))
}

// Join is the update that lets p use vips and puts it into security group
// group ("" for none), and whether there is anything to update. Neutron
// replaces both lists whole, so what is there stays, in its order.
func Join(p openstack.Port, vips []netip.Addr, group string) (openstack.PortUpdate, bool) {
	var u openstack.PortUpdate
	pairs := slices.Clone(p.Pairs)
	for _, v := range vips {
		if !Allows(p, v) {
			pairs = append(pairs, openstack.PairOf(v))
		}
	}
	if len(pairs) != len(p.Pairs) {
		u.Pairs = &pairs
	}
	if group != "" && !slices.Contains(p.SecurityGroups, group) {
		groups := append(slices.Clone(p.SecurityGroups), group)
		u.SecurityGroups = &groups
	}
	return u, u.Pairs != nil || u.SecurityGroups != nil
}

// Leave is the update that takes vips and the security group off p, and
// whether there is anything to update. Everything else stays, in its order.
func Leave(p openstack.Port, vips []netip.Addr, group string) (openstack.PortUpdate, bool) {
	var u openstack.PortUpdate
	pairs := slices.DeleteFunc(slices.Clone(p.Pairs), func(a openstack.AddressPair) bool {
		return slices.ContainsFunc(vips, func(v netip.Addr) bool { return isPair(a, p, v) })
	})
	if len(pairs) != len(p.Pairs) {
		u.Pairs = &pairs
	}
	if group != "" && slices.Contains(p.SecurityGroups, group) {
		groups := slices.DeleteFunc(slices.Clone(p.SecurityGroups), func(g string) bool { return g == group })
		u.SecurityGroups = &groups
	}
	return u, u.Pairs != nil || u.SecurityGroups != nil
}
