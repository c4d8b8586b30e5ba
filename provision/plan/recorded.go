package plan

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
)

// Recorded is a group as its marks in the cloud and its agents' configurations
// tell it: what status compares with when there is no group file. The member
// with the highest priority whose configuration could be read decides where
// they differ. It is false when the group has no VIP port and no member.
func Recorded(group string, o Observed) (Desired, bool) {
	found := Find(group, o)
	d := Desired{Group: group}
	for _, family := range []Family{IPv4, IPv6} {
		p, ok := found.VIPPort(family)
		if !ok {
			p, ok = lostVIPPort(group, family, found, o)
		}
		if ok {
			d.VIPs = append(d.VIPs, recordedVIP(p, family, found, o))
			d.VRID = cmp.Or(d.VRID, VRIDOf(p))
		}
	}
	d.Members = recordedMembers(d.VIPs, found, o)
	for _, m := range d.Members {
		if c := o.Hosts[m.Server.ID].Agent.Config; c != nil && len(c.Routers) > 0 {
			r := c.Routers[0]
			d.VRID = cmp.Or(d.VRID, r.VRID)
			d.Interval, d.Preempt, d.Version, d.Checks = time.Duration(r.Interval), r.Preempt, r.Version, c.Checks
			d.PreemptDelay, d.StartDelay, d.Announce = r.PreemptDelay, r.StartDelay, r.Announce
			if len(r.Peers) == 0 {
				d.Mode = ModeMulticast
			}
			break
		}
	}
	return d, len(d.VIPs)+len(d.Members) > 0
}

// lostVIPPort is what the group's VIP port must have been, when somebody
// deleted it: the agents know its address, their ports its network.
func lostVIPPort(group string, family Family, found Found, o Observed) (openstack.Port, bool) {
	a := ConfiguredVIP(group, family, o)
	if !a.IsValid() || len(found.MemberPorts) == 0 {
		return openstack.Port{}, false
	}
	return openstack.Port{
		NetworkID: found.MemberPorts[0].NetworkID,
		FixedIPs:  []openstack.FixedIP{{IP: a}},
	}, true
}

// ConfiguredVIP is the VIP of a family that the group's agents are configured
// with, zero when none can tell.
func ConfiguredVIP(group string, family Family, o Observed) netip.Addr {
	ids := slices.Sorted(maps.Keys(o.Hosts))
	for _, id := range ids {
		c := o.Hosts[id].Agent.Config
		if c == nil || c.Group != group {
			continue
		}
		for _, r := range c.Routers {
			for _, a := range r.Addresses {
				if FamilyOf(a.Addr()) == family {
					return a.Addr()
				}
			}
		}
	}
	return netip.Addr{}
}

func recordedVIP(p openstack.Port, family Family, found Found, o Observed) VIP {
	v := VIP{Family: family, Address: PortAddress(p, family), Network: openstack.Network{ID: p.NetworkID}}
	for _, list := range o.Networks {
		for _, n := range list {
			if n.ID == p.NetworkID {
				v.Network = n
			}
		}
	}
	for _, s := range o.Subnets {
		if s.NetworkID == p.NetworkID && s.CIDR.Contains(v.Address) {
			v.Subnet = s
		}
	}
	for _, f := range found.FloatingIPs {
		if FamilyOf(f.Address) == family {
			v.FloatingIP = &FloatingIP{ID: f.ID, Address: f.Address, Network: openstack.Network{ID: f.NetworkID}}
		}
	}
	return v
}

// recordedMembers are the servers behind the member ports, first priority
// first. A port without a server is no member any more, nor is one that was
// dismissed.
func recordedMembers(vips []VIP, found Found, o Observed) []Member {
	servers := make(map[string]openstack.Server)
	for _, list := range o.Servers {
		for _, s := range list {
			servers[s.ID] = s
		}
	}
	byServer := make(map[string][]openstack.Port)
	for _, p := range found.MemberPorts {
		if p.DeviceID != "" && !found.dismissed(p, o) {
			byServer[p.DeviceID] = append(byServer[p.DeviceID], p)
		}
	}
	var members []Member
	for id, ports := range byServer {
		m := Member{Server: servers[id], Priority: recordedPriority(o.Hosts[id].Agent.Config)}
		m.Server.ID = id
		for _, v := range vips {
			for _, p := range ports {
				if a := PortAddress(p, v.Family); a.IsValid() {
					m.Ports = append(m.Ports, MemberPort{Port: p, Address: a})
					break
				}
			}
		}
		if len(m.Ports) == len(vips) {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Server.Name, b.Server.Name), cmp.Compare(a.Server.ID, b.Server.ID))
	})
	return members
}

// dismissed tells whether a port was its server's when that was taken out of the
// group and could not be reached: it keeps the marks, is not in the security
// group, and no agent of one that is knows it as a peer.
func (f Found) dismissed(p openstack.Port, o Observed) bool {
	if f.joined(p) {
		return false
	}
	told := false
	for _, m := range f.MemberPorts {
		c := o.Hosts[m.DeviceID].Agent.Config
		if c == nil || !f.joined(m) {
			continue
		}
		for _, r := range c.Routers {
			knows := func(ip openstack.FixedIP) bool { return slices.Contains(r.Peers, ip.IP) }
			if len(r.Peers) == 0 || slices.ContainsFunc(p.FixedIPs, knows) {
				return false // by multicast everybody is known
			}
			told = true
		}
	}
	return told
}

func recordedPriority(c *config.Config) int {
	if c == nil || len(c.Routers) == 0 {
		return 0
	}
	return c.Routers[0].Priority
}
