package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/havip/havip/openstack"
)

// Teardown says what makes nothing of a group remain, from its marks alone:
// no group file is needed. What cannot be taken away is in the plan's Left.
// The order is the reverse of creation.
func Teardown(group string, o Observed) Plan {
	b := newBuilder(Desired{Group: group}, o)
	b.d.VRID = b.found.vrid()
	b.plan.Desired = b.d
	if g, ok := b.found.SecurityGroup(); ok {
		b.plan.Known.SecurityGroup = g.ID // by it the group is locked
	}
	removed := make(map[string]string)
	for _, id := range b.formerServers() {
		h := b.host(id)
		if h.Err != "" {
			b.leftAgent(id)
			continue
		}
		removed[id] = b.add(removeAgent(b.names.of(id), id, h))
	}
	var users []string // of the VIP ports
	for _, f := range b.found.FloatingIPs {
		if f.PortID != "" && !b.isVIPPort(f.PortID) {
			b.disown(f)
			continue
		}
		users = append(users, b.add(b.release(f, nil)))
	}
	var leaves []string
	for _, p := range b.leaving() {
		if id := b.leave(p, "", removed[p.DeviceID]); id != "" {
			leaves = append(leaves, id)
		}
	}
	users = slices.Concat(users, leaves, b.removedIDs(removed))
	for _, p := range b.found.VIPPorts {
		b.deleteVIPPort(p, users)
	}
	for _, g := range b.found.SecurityGroups {
		b.deleteSecurityGroup(g, leaves)
	}
	return b.plan
}

// vrid is the VRID that the group's marks tell, 0 when none does: the security
// group's description has it too, should a cleaner have deleted the VIP ports.
func (f Found) vrid() int {
	for _, p := range f.VIPPorts {
		if v := VRIDOf(p); v != 0 {
			return v
		}
	}
	for _, g := range f.SecurityGroups {
		if v := VRIDOf(openstack.Port{Description: g.Description}); v != 0 {
			return v
		}
	}
	return 0
}

func (b *builder) removedIDs(removed map[string]string) []string {
	var ids []string
	for _, a := range b.plan.Actions {
		if op, ok := a.Op.(RemoveAgent); ok && removed[op.ServerID] != "" {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

func (b *builder) deleteVIPPort(p openstack.Port, needs []string) {
	a := Action{
		ID: "delete-vip-port/" + short(p.ID), Verb: Delete, Kind: "port", Name: cmp.Or(p.Name, p.ID),
		Needs:   needs,
		Inverse: "not reversible: run create again",
		Op:      DeleteVIPPort{PortID: p.ID},
	}
	note := []string{}
	for _, ip := range p.FixedIPs {
		note = append(note, "VIP "+ip.IP.String())
		a.Changes = append(a.Changes, Change{Field: "address", Before: ip.IP.String()})
	}
	// Neutron detaches what hangs on a port that is deleted.
	for _, f := range b.o.FloatingIPs {
		if f.PortID == p.ID && GroupOf(f.Tags, f.Description) != b.plan.Group {
			note = append(note, fmt.Sprintf("floating ip %s, not havip's, becomes unattached", f.Address))
		}
	}
	a.Note = strings.Join(note, ", ")
	b.add(a)
}

// deleteSecurityGroup deletes the group unless somebody else's port is in it:
// that is said, and the port is left as it is.
func (b *builder) deleteSecurityGroup(g openstack.SecurityGroup, needs []string) {
	var foreign []openstack.Port
	for _, p := range b.o.Ports {
		member := slices.ContainsFunc(b.found.MemberPorts, func(m openstack.Port) bool { return m.ID == p.ID })
		if slices.Contains(p.SecurityGroups, g.ID) && !member {
			foreign = append(foreign, p)
		}
	}
	slices.SortFunc(foreign, func(x, y openstack.Port) int { return cmp.Compare(x.ID, y.ID) })
	for _, p := range foreign {
		b.plan.Left = append(b.plan.Left, Left{
			What: "security group " + g.Name,
			Why:  fmt.Sprintf("port %s of %s uses it and is no member's", p.ID, b.names.owner(p)),
			Hint: fmt.Sprintf("openstack port unset --security-group %s %s, then delete once more", g.ID, p.ID),
		})
	}
	if len(foreign) > 0 {
		return
	}
	b.add(Action{
		ID: "delete-security-group/" + short(g.ID), Verb: Delete, Kind: "group", Name: cmp.Or(g.Name, g.ID),
		Note:    "protocol 112 between members",
		Needs:   needs,
		Inverse: "not reversible: run create again",
		Op:      DeleteSecurityGroup{ID: g.ID},
	})
}
