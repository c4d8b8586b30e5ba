package plan

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/havip/havip/openstack"
)

// Found is what a group has in the cloud, recognised by its marks.
type Found struct {
	VIPPorts       []openstack.Port          // oldest first
	SecurityGroups []openstack.SecurityGroup // oldest first
	FloatingIPs    []openstack.FloatingIP    // by address
	MemberPorts    []openstack.Port          // by ID
}

// Find picks a group's objects out of what was observed. Another project's
// group of the same name, seen on a shared network, is not this one.
func Find(group string, o Observed) Found {
	var f Found
	own := func(project string) bool { return Own(o.Identity, project) }
	for _, g := range o.SecurityGroups {
		if own(g.ProjectID) && GroupOf(g.Tags, g.Description) == group {
			f.SecurityGroups = append(f.SecurityGroups, g)
		}
	}
	isVIP := func(p openstack.Port) bool { return GroupOf(p.Tags, p.Description) == group }
	for _, p := range o.Ports {
		if own(p.ProjectID) && isVIP(p) {
			f.VIPPorts = append(f.VIPPorts, p)
		}
	}
	for _, p := range o.Ports {
		if !isVIP(p) && f.isMember(group, p, own(p.ProjectID)) {
			f.MemberPorts = append(f.MemberPorts, p)
		}
	}
	for _, ip := range o.FloatingIPs {
		if GroupOf(ip.Tags, ip.Description) == group {
			f.FloatingIPs = append(f.FloatingIPs, ip)
		}
	}
	slices.SortFunc(f.VIPPorts, func(a, b openstack.Port) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(f.SecurityGroups, func(a, b openstack.SecurityGroup) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(f.FloatingIPs, func(a, b openstack.FloatingIP) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(f.MemberPorts, func(a, b openstack.Port) int { return cmp.Compare(a.ID, b.ID) })
	return f
}

// isMember tells whether a port is a member's. Its marks say so; and without
// them, since they come last and other tools write tags whole, that it is in the
// group's security group and may use a VIP. A port of another project must be in
// that group: its marks alone may be those of another group of the name.
func (f Found) isMember(group string, p openstack.Port, own bool) bool {
	marked := slices.Contains(p.Tags, TagMember(group))
	if !own {
		return marked && f.joined(p)
	}
	return marked || hasKeptPair(p, group) || f.joined(p) && f.allowed(p)
}

// joined tells whether a port is in the group's security group.
func (f Found) joined(p openstack.Port) bool {
	return slices.ContainsFunc(f.SecurityGroups, func(g openstack.SecurityGroup) bool {
		return slices.Contains(p.SecurityGroups, g.ID)
	})
}

// allowed tells whether a port may use one of the group's VIPs.
func (f Found) allowed(p openstack.Port) bool {
	return slices.ContainsFunc(f.VIPPorts, func(v openstack.Port) bool {
		return slices.ContainsFunc(v.FixedIPs, func(ip openstack.FixedIP) bool { return Allows(p, ip.IP) })
	})
}

// Own tells whether a project's object is ours. An admin sees those of all
// projects, and everybody the ports of others on a network of theirs.
func Own(us openstack.Identity, project string) bool {
	return project == "" || us.ProjectID == "" || project == us.ProjectID
}

// Exists tells whether anything of the group was found.
func (f Found) Exists() bool {
	return len(f.VIPPorts)+len(f.SecurityGroups)+len(f.FloatingIPs)+len(f.MemberPorts) > 0
}

// VIPPort is the group's port of a family; of two that a race left behind,
// the older one.
func (f Found) VIPPort(family Family) (openstack.Port, bool) {
	for _, p := range f.VIPPorts {
		if PortAddress(p, family).IsValid() {
			return p, true
		}
	}
	return openstack.Port{}, false
}

// SecurityGroup is the group's security group; of two that a race left
// behind, the older one.
func (f Found) SecurityGroup() (openstack.SecurityGroup, bool) {
	if len(f.SecurityGroups) == 0 {
		return openstack.SecurityGroup{}, false
	}
	return f.SecurityGroups[0], true
}

// PortAddress is a port's first address of a family, zero when it has none.
func PortAddress(p openstack.Port, family Family) netip.Addr {
	for _, ip := range p.FixedIPs {
		if FamilyOf(ip.IP) == family {
			return ip.IP
		}
	}
	return netip.Addr{}
}

// FamilyOf is the family of an address.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// isAllocated tells whether havip allocated a floating IP and so may release
// it. The tag says so, or, should a run have died before it came to tagging,
// the description: havip writes one only when it allocates.
func isAllocated(f openstack.FloatingIP) bool {
	return slices.Contains(f.Tags, TagAllocated) || GroupOf(nil, f.Description) != ""
}

// NICOf is the NIC with this MAC and this address: VLANs and bonds share
// their parent's MAC.
func (h Host) NICOf(mac string, address netip.Addr) (NIC, bool) {
	for _, n := range h.NICs {
		if strings.EqualFold(n.MAC, mac) && slices.ContainsFunc(n.Addresses, func(p netip.Prefix) bool {
			return p.Addr() == address
		}) {
			return n, true
		}
	}
	return NIC{}, false
}

// keptPair marks a member's port that allowed the VIP of this family before
// havip came.
func keptPair(group string, f Family) string { return TagKeptPair(group) + "." + f.String() }

// isKeptPair tells whether a tag is such a mark of a group, of any family.
func isKeptPair(tag, group string) bool { return strings.HasPrefix(tag, TagKeptPair(group)+".") }

func hasKeptPair(p openstack.Port, group string) bool {
	return slices.ContainsFunc(p.Tags, func(t string) bool { return isKeptPair(t, group) })
}
