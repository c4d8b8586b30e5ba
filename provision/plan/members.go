package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/havip/havip/openstack"
)

// memberPort is one port of a wanted member with the VIPs that it holds: one
// for each family, or two when IPv4 and IPv6 share the port.
type memberPort struct {
	server  openstack.Server
	port    openstack.Port
	address netip.Addr
	vips    []int
	family  Family // of its first VIP
}

// memberPorts are all ports of the wanted members, each once.
func memberPorts(d Desired) []memberPort {
	var all []memberPort
	for _, m := range d.Members {
		first := len(all)
		for i, p := range m.Ports {
			same := slices.IndexFunc(all[first:], func(o memberPort) bool { return o.port.ID == p.Port.ID })
			if same >= 0 {
				all[first+same].vips = append(all[first+same].vips, i)
				continue
			}
			all = append(all, memberPort{
				server: m.Server, port: p.Port, address: p.Address, vips: []int{i}, family: d.VIPs[i].Family,
			})
		}
	}
	return all
}

// joinState is what a member's port lacks.
type joinState struct {
	pairs  []string // addresses
	group  bool
	member bool // it was a member's port before
	tags   []string
}

func (s joinState) complete() bool { return len(s.pairs) == 0 && !s.group && len(s.tags) == 0 }

// inspectPort compares a member's port with what it should allow. A VIP or a
// group that does not exist yet is lacking for certain.
func (b *builder) inspectPort(m memberPort) joinState {
	group := b.plan.Known.SecurityGroup
	s := joinState{
		member: slices.Contains(m.port.Tags, TagMember(b.d.Group)),
		group:  group == "" || !slices.Contains(m.port.SecurityGroups, group),
	}
	for _, i := range m.vips {
		v := b.d.VIPs[i]
		if !v.Address.IsValid() {
			s.pairs = append(s.pairs, "(the VIP)")
			continue
		}
		if !Allows(m.port, v.Address) {
			s.pairs = append(s.pairs, v.Address.String())
			continue
		}
		// Pair and group come in one PUT: a pair without the group on a port
		// that is nobody's yet was there before.
		if !s.member && s.group {
			s.tags = append(s.tags, keptPair(b.d.Group, v.Family))
		}
	}
	// The member's mark comes last: with it alone, a pair counts as havip's.
	s.tags = missing(m.port.Tags, append(s.tags, TagMember(b.d.Group))...)
	return s
}

// joinPorts lets the wanted members' ports hold the VIPs.
func (b *builder) joinPorts() {
	for _, m := range memberPorts(b.d) {
		s := b.inspectPort(m)
		if s.complete() {
			continue
		}
		name := b.names.of(m.server.ID)
		id := "member-port/" + name
		if m.vips[0] != 0 {
			id += "/" + m.family.String()
		}
		a := Action{
			ID: id, Verb: Modify, Kind: "port", Name: name,
			Needs: []string{b.group},
			Op:    JoinPort{PortID: m.port.ID, Observed: m.port, VIPs: m.vips, Tags: s.tags},
		}
		for _, i := range m.vips {
			a.Needs = append(a.Needs, b.vips[i])
		}
		note, undo := []string{m.address.String()}, []string{}
		for _, p := range s.pairs {
			a.Changes = append(a.Changes, Change{Field: "allowed address", After: p})
			note, undo = append(note, "+ allowed address "+p), append(undo, "allowed address "+p)
		}
		if s.group {
			g := SecurityGroupName(b.d.Group)
			a.Changes = append(a.Changes, Change{Field: "security group", After: g})
			note, undo = append(note, "+ security group "+g), append(undo, "security group "+g)
		}
		a.Changes = append(a.Changes, tagChanges(s.tags)...)
		if len(undo) == 0 {
			note, undo = append(note, "havip's tags"), append(undo, "the tags")
		}
		a.Note, a.Inverse = strings.Join(note, "  "), "take off "+strings.Join(undo, " and ")
		b.joins[m.server.ID] = append(b.joins[m.server.ID], b.add(a))
	}
}

// leaving are the group's ports that are not wanted any more.
func (b *builder) leaving() []openstack.Port {
	wanted := memberPorts(b.d)
	gone := slices.DeleteFunc(slices.Clone(b.found.MemberPorts), func(p openstack.Port) bool {
		return slices.ContainsFunc(wanted, func(m memberPort) bool { return m.port.ID == p.ID })
	})
	slices.SortStableFunc(gone, func(x, y openstack.Port) int {
		return cmp.Compare(b.names.owner(x), b.names.owner(y))
	})
	return gone
}

// wants tells whether a server is a wanted member.
func (b *builder) wants(serverID string) bool {
	return slices.ContainsFunc(b.d.Members, func(m Member) bool { return m.Server.ID == serverID })
}

// removeAgents takes the agent off servers that leave, before anything else
// about them changes: it hands over while its peers still listen. A server
// that cannot be reached is fenced instead, first of all: without the group
// its adverts, and without the pair its VIP, stop at its port.
func (b *builder) removeAgents() {
	for _, p := range b.leaving() {
		if b.host(p.DeviceID).Err != "" && !b.wants(p.DeviceID) {
			b.fences = append(b.fences, b.leave(p, "fence: the server cannot be reached"))
		}
	}
	goesOn := slices.ContainsFunc(b.d.Members, func(m Member) bool { return established(b.host(m.Server.ID)) })
	for _, id := range b.formerServers() {
		h := b.host(id)
		if h.Err != "" {
			b.leftAgent(id)
			continue
		}
		a := removeAgent(b.names.of(id), id, h)
		if established(h) && !goesOn {
			a.Interrupts = true
			a.Note += "; no present member goes on"
		}
		b.removes = append(b.removes, b.add(a))
	}
}

// removeAgent takes a group's agent off a server.
func removeAgent(name, id string, h Host) Action {
	a := Action{
		ID: "remove-agent/" + name, Verb: Delete, Kind: "agent", Name: name, Server: name,
		Note:    "stop, then remove configuration and service",
		Inverse: "not reversible: add the member again",
		Op:      RemoveAgent{ServerID: id},
	}
	if len(h.Agent.Groups) <= 1 {
		a.Note += ", and the binary, which no other group uses"
	}
	return a
}

// formerServers are the IDs of servers that are members no more but hold the
// group's agent, or might: they cannot be reached.
func (b *builder) formerServers() []string {
	var ids []string
	for id, h := range b.o.Hosts {
		holds := configured(h.Agent) || h.Agent.Running || slices.Contains(h.Agent.Groups, b.plan.Group)
		if holds && !b.wants(id) {
			ids = append(ids, id)
		}
	}
	for _, p := range b.found.MemberPorts {
		if b.host(p.DeviceID).Err != "" && !b.wants(p.DeviceID) && !slices.Contains(ids, p.DeviceID) {
			ids = append(ids, p.DeviceID)
		}
	}
	return b.names.sorted(ids)
}

// leavePorts takes the VIPs and the group off the ports that leave, when the
// members that stay know that they have gone.
func (b *builder) leavePorts() {
	for _, p := range b.leaving() {
		if b.host(p.DeviceID).Err != "" && !b.wants(p.DeviceID) {
			continue // fenced already
		}
		b.leave(p, "", slices.Concat(b.removes, b.agentIDs)...)
	}
}

// leave adds the action that makes a port nobody's. Where an agent stays on the
// port's server, so do the member's marks: by them the next run finds the server
// again. A pair on a port that has lost its
// marks counts as havip's: the address is given back, and must not stay usable
// there. Its owner, if it had another, is told by the plan.
func (b *builder) leave(p openstack.Port, why string, needs ...string) string {
	name := b.names.owner(p)
	id := "leave-port/" + name
	for n := 2; slices.ContainsFunc(b.plan.Actions, func(a Action) bool { return a.ID == id }); n++ {
		id = fmt.Sprintf("leave-port/%s/%d", name, n)
	}
	op := LeavePort{PortID: p.ID, Tags: []string{}}
	a := Action{
		ID: id, Verb: Modify, Kind: "port", Name: name, Needs: needs,
		Inverse: "not reversible: add the member again",
	}
	note := []string{}
	for _, ip := range p.FixedIPs {
		note = append(note, ip.IP.String())
	}
	for _, v := range b.everyAddress() {
		kept := slices.Contains(p.Tags, keptPair(b.plan.Group, FamilyOf(v)))
		if !kept && Allows(p, v) {
			op.Addresses = append(op.Addresses, v)
			a.Changes = append(a.Changes, Change{Field: "allowed address", Before: v.String()})
			note = append(note, "- allowed address "+v.String())
		}
	}
	if g, ok := b.found.SecurityGroup(); ok && slices.Contains(p.SecurityGroups, g.ID) {
		op.SecurityGroup = g.ID
		a.Changes = append(a.Changes, Change{Field: "security group", Before: SecurityGroupName(b.plan.Group)})
		note = append(note, "- security group "+SecurityGroupName(b.plan.Group))
	}
	member := TagMember(b.plan.Group)
	marked := slices.Contains(p.Tags, member)
	stays := b.host(p.DeviceID).Err != "" && !b.wants(p.DeviceID)
	for _, t := range p.Tags {
		if !stays && (t == member || isKeptPair(t, b.plan.Group)) {
			op.Tags = append(op.Tags, t)
			a.Changes = append(a.Changes, Change{Field: "tag", Before: t})
		}
	}
	if stays && !marked {
		op.Marks = []string{member}
		a.Changes = append(a.Changes, tagChanges(op.Marks)...)
	}
	if len(op.Addresses) > 0 && !marked {
		note = append(note, "(without havip's tag: whether the pair was there before is not known)")
	}
	if len(a.Changes) == 0 {
		return "" // all but the marks was taken off before
	}
	if len(op.Addresses) == 0 && op.SecurityGroup == "" {
		note = append(note, "- havip's tags")
	}
	if why != "" {
		note = append(note, "("+why+")")
	}
	a.Note, a.Op = strings.Join(note, "  "), op
	return b.add(a)
}
