package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/havip/havip/openstack"
)

// allocated stands for an address that is not known before the plan runs.
const allocated = "allocated by Neutron"

// vipPorts makes the VIP ports that are missing and mends the marks of those
// that are there.
func (b *builder) vipPorts() {
	for i := range b.d.VIPs {
		v := &b.d.VIPs[i]
		p, ok := b.found.VIPPort(v.Family)
		if !ok {
			b.plan.Known.VIPs[i].Address = v.Address
			b.createVIPPort(i, *v)
			continue
		}
		v.Address = PortAddress(p, v.Family)
		b.plan.Known.VIPs[i] = VIPResource{PortID: p.ID, Address: v.Address}
		b.markVIPPort(p, *v)
	}
}

func (b *builder) createVIPPort(i int, v VIP) {
	vip, address := "VIP allocated by Neutron", allocated
	if v.Address.IsValid() {
		address = v.Address.String()
		vip = "VIP " + address
	}
	name := VIPPortName(b.d.Group, v.Family)
	// Of two runs at once the security group tells which one may go on: what
	// the other would have made by then could not be told apart.
	needs := []string{}
	if _, ok := b.found.SecurityGroup(); !ok {
		needs = append(needs, securityGroupAction)
	}
	b.vips[i] = b.add(Action{
		ID: "vip-port/" + v.Family.String(), Verb: Create, Kind: "port", Name: name, Needs: needs,
		Note: fmt.Sprintf("%s on %s (%s), no security group", vip, v.Network.Name, v.Subnet.CIDR),
		Changes: []Change{
			{Field: "address", After: address},
			{Field: "vrid", After: strconv.Itoa(b.d.VRID)},
		},
		Inverse: "delete the port",
		Op:      CreateVIPPort{VIP: i, Name: name},
	})
}

// markVIPPort brings back tags, and puts the new VRID in the old one's place.
func (b *builder) markVIPPort(p openstack.Port, v VIP) {
	op := TagVIPPort{PortID: p.ID, Tags: missing(p.Tags, VIPPortTags(b.d.Group, b.d.VRID)...)}
	for _, t := range p.Tags {
		if strings.HasPrefix(t, tagVRID) && t != TagVRID(b.d.VRID) {
			op.Remove = append(op.Remove, t)
		}
	}
	before := VRIDOf(p)
	if before != b.d.VRID {
		op.Description = Description(b.d.Group, b.d.VRID)
	}
	if op.Description == p.Description {
		op.Description = ""
	}
	if len(op.Tags)+len(op.Remove) == 0 && op.Description == "" {
		return
	}
	a := Action{
		ID: "tag-vip-port/" + v.Family.String(), Verb: Modify, Kind: "port", Name: cmp.Or(p.Name, VIPPortName(b.d.Group, v.Family)),
		Note:    "havip's tags",
		Inverse: "not reversible: tags say whose the port is, nothing else",
		Op:      op,
	}
	a.Changes = append(a.Changes, tagChanges(op.Tags)...)
	for _, t := range op.Remove {
		a.Changes = append(a.Changes, Change{Field: "tag", Before: t})
	}
	if op.Description != "" {
		a.Changes = append(a.Changes, Change{Field: "description", Before: p.Description, After: op.Description})
	}
	if before == b.d.VRID {
		b.add(a)
		return
	}
	a.Note = fmt.Sprintf("vrid %d -> %d", before, b.d.VRID)
	a.Inverse = "not reversible: run create again with the former group file"
	b.retag = append(b.retag, b.add(a))
}

// Rules are those of a group's security group with this ID: the protocol of
// VRRP (RFC 9568 section 5.1.1.4) from and to its own members, and nothing
// else.
func Rules(families []Family, group string) []openstack.Rule {
	var rules []openstack.Rule
	for _, f := range families {
		for _, direction := range []string{"ingress", "egress"} {
			rules = append(rules, openstack.Rule{
				Direction: direction, EtherType: f.EtherType(), Protocol: "112", RemoteGroupID: group,
			})
		}
	}
	return rules
}

// securityGroupAction is the ID of the action that makes or mends the group.
const securityGroupAction = "security-group"

// securityGroup makes the group, or mends its rules and tags.
func (b *builder) securityGroup() {
	var families []Family
	for _, v := range b.d.VIPs {
		families = append(families, v.Family)
	}
	g, ok := b.found.SecurityGroup()
	if !ok {
		name := SecurityGroupName(b.d.Group)
		b.group = b.add(Action{
			ID: securityGroupAction, Verb: Create, Kind: "group", Name: name,
			Note:    "protocol 112 between members, nothing else",
			Changes: ruleChanges(Rules(families, "members"), nil),
			Inverse: "delete the group",
			Op:      CreateSecurityGroup{Name: name, Families: families},
		})
		return
	}
	b.plan.Known.SecurityGroup = g.ID
	add, remove := ruleDiff(g, families)
	tags := missing(g.Tags, TagGroup(b.d.Group))
	if len(add)+len(remove)+len(tags) == 0 {
		return
	}
	a := Action{
		ID: securityGroupAction, Verb: Modify, Kind: "group", Name: cmp.Or(g.Name, SecurityGroupName(b.d.Group)),
		Note:    "protocol 112 between members, nothing else",
		Changes: ruleChanges(add, remove),
		Inverse: "not reversible: what is mended is what havip made before",
	}
	op := MendSecurityGroup{ID: g.ID, Add: add, AddTags: tags}
	for _, r := range remove {
		op.Remove = append(op.Remove, r.ID)
	}
	a.Changes = append(a.Changes, tagChanges(tags)...)
	a.Op = op
	b.group = b.add(a)
}

// ruleDiff is what a group lacks, and the allow-all egress rules in it:
// Neutron gives them to each new group, and they would open a port whose
// egress is locked. Rules that somebody else added are left alone.
func ruleDiff(g openstack.SecurityGroup, families []Family) (add, remove []openstack.Rule) {
	for _, want := range Rules(families, g.ID) {
		if !slices.ContainsFunc(g.Rules, func(r openstack.Rule) bool { return sameRule(r, want) }) {
			want.RemoteGroupID = "" // apply fills it in
			add = append(add, want)
		}
	}
	for _, r := range g.Rules {
		if opensEgress(r) {
			remove = append(remove, r)
		}
	}
	return add, remove
}

// sameRule compares what rules let through. Neutron keeps "112" and "vrrp"
// apart as two rules without a conflict; they are one protocol.
func sameRule(a, b openstack.Rule) bool {
	protocol := func(r openstack.Rule) string {
		if strings.EqualFold(r.Protocol, "vrrp") {
			return "112"
		}
		return r.Protocol
	}
	return a.Direction == b.Direction && strings.EqualFold(a.EtherType, b.EtherType) && protocol(a) == protocol(b) &&
		a.RemoteGroupID == b.RemoteGroupID && a.RemotePrefix == b.RemotePrefix && a.PortMin == b.PortMin && a.PortMax == b.PortMax
}

// opensEgress tells whether a rule lets everything out.
func opensEgress(r openstack.Rule) bool {
	if r.Direction != "egress" || r.RemoteGroupID != "" || r.PortMin != 0 || r.PortMax != 0 {
		return false
	}
	all, err := netip.ParsePrefix(r.RemotePrefix)
	anywhere := r.RemotePrefix == "" || err == nil && all.Bits() == 0
	return anywhere && (r.Protocol == "" || strings.EqualFold(r.Protocol, "any") || r.Protocol == "0")
}

func ruleChanges(add, remove []openstack.Rule) []Change {
	var changes []Change
	for _, r := range add {
		changes = append(changes, Change{Field: "rule", After: ruleText(r)})
	}
	for _, r := range remove {
		changes = append(changes, Change{Field: "rule", Before: ruleText(r)})
	}
	return changes
}

func ruleText(r openstack.Rule) string {
	if opensEgress(r) {
		return fmt.Sprintf("%s %s everything", r.Direction, r.EtherType)
	}
	return fmt.Sprintf("%s %s protocol %s between members", r.Direction, r.EtherType, r.Protocol)
}

// missing are the wanted strings that are not in have.
func missing(have []string, want ...string) []string {
	return slices.DeleteFunc(want, func(t string) bool { return slices.Contains(have, t) })
}
