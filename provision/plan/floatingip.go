package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/havip/havip/openstack"
)

// floatingIPs points the wanted floating IPs at the VIPs and gives back those
// that are not wanted any more. What takes traffic from where it goes now
// comes last of all.
func (b *builder) floatingIPs() {
	all := make([]string, 0, len(b.plan.Actions))
	for _, a := range b.plan.Actions {
		all = append(all, a.ID)
	}
	released := make(map[string]string) // by the VIP port it was on
	for _, f := range b.unwanted() {
		if f.PortID != "" && !b.isVIPPort(f.PortID) {
			b.disown(f)
			continue
		}
		released[f.PortID] = b.add(b.release(f, all))
	}
	for i, v := range b.d.VIPs {
		if v.FloatingIP != nil {
			b.attach(i, *v.FloatingIP, all, released[b.plan.Known.VIPs[i].PortID])
		}
	}
}

// unwanted are the group's floating IPs that no VIP asks for.
func (b *builder) unwanted() []openstack.FloatingIP {
	return slices.DeleteFunc(slices.Clone(b.found.FloatingIPs), func(f openstack.FloatingIP) bool {
		return slices.ContainsFunc(b.d.VIPs, func(v VIP) bool { return v.FloatingIP != nil && v.FloatingIP.ID == f.ID })
	})
}

func (b *builder) isVIPPort(id string) bool {
	return slices.ContainsFunc(b.found.VIPPorts, func(p openstack.Port) bool { return p.ID == id })
}

// attach points a floating IP at VIP i; all are the actions planned so far and
// released is the one that frees the VIP of its former floating IP: Neutron
// allows one for each fixed address.
func (b *builder) attach(i int, want FloatingIP, all []string, released string) {
	tags := []string{TagGroup(b.d.Group)}
	vip := b.d.VIPs[i]
	to := "the VIP"
	if vip.Address.IsValid() {
		to = vip.Address.String()
	}
	a := Action{ID: "floating-ip/" + vip.Family.String(), Kind: "floating ip", Needs: []string{b.vips[i], released}}
	if released != "" {
		a.Needs = append(a.Needs, all...)
	}
	if want.ID == "" {
		op := AttachFloatingIP{VIP: i, Network: want.Network.ID, Tags: append(tags, TagAllocated)}
		a.Verb, a.Name = Create, "from "+cmp.Or(want.Network.Name, want.Network.ID)
		a.Note = "allocated -> " + to
		a.Changes = append([]Change{{Field: "attached to", After: to}}, tagChanges(op.Tags)...)
		a.Inverse, a.Op = "release it", op
		b.add(a)
		return
	}
	f := b.floatingIP(want)
	b.plan.Known.VIPs[i].FloatingIP = f.Address
	if isAllocated(f) && GroupOf(f.Tags, f.Description) == b.d.Group {
		tags = append(tags, TagAllocated)
	}
	op := AttachFloatingIP{VIP: i, ID: f.ID, Network: f.NetworkID, From: f.PortID, Revision: b.heldTo(f), Tags: missing(f.Tags, tags...)}
	there := f.PortID != "" && f.PortID == b.plan.Known.VIPs[i].PortID
	if there && len(op.Tags) == 0 {
		return
	}
	a.Verb, a.Name = Modify, f.Address.String()
	a.Inverse = "detach it"
	from := "unattached"
	switch {
	case there:
		a.Note, a.Inverse = "havip's tags", "take off the tags"
	case f.PortID != "":
		from = b.place(f)
		a.Inverse = fmt.Sprintf("attach it to %s again", from)
		a.Needs, a.Last = append(a.Needs, all...), true
		fallthrough
	default:
		a.Note = from + " -> " + to
		a.Changes = append(a.Changes, Change{Field: "attached to", Before: from, After: to})
	}
	a.Changes = append(a.Changes, tagChanges(op.Tags)...)
	a.Op = op
	b.add(a)
}

// heldTo is the revision that a write to a floating IP is held to, 0 where
// Neutron does not look at it.
func (b *builder) heldTo(f openstack.FloatingIP) int {
	if b.o.Extensions["revision-if-match"] {
		return f.Revision
	}
	return 0
}

// tagChanges are tags that come.
func tagChanges(tags []string) []Change {
	var changes []Change
	for _, t := range tags {
		changes = append(changes, Change{Field: "tag", After: t})
	}
	return changes
}

// floatingIP is the observed floating IP that is wanted.
func (b *builder) floatingIP(want FloatingIP) openstack.FloatingIP {
	i := slices.IndexFunc(b.o.FloatingIPs, func(f openstack.FloatingIP) bool { return f.ID == want.ID })
	if i < 0 {
		return openstack.FloatingIP{ID: want.ID, Address: want.Address, NetworkID: want.Network.ID}
	}
	return b.o.FloatingIPs[i]
}

// place is where a floating IP leads to, as people know it.
func (b *builder) place(f openstack.FloatingIP) string {
	for _, p := range b.o.Ports {
		if p.ID == f.PortID {
			return fmt.Sprintf("%s of %s", f.Fixed, b.names.owner(p))
		}
	}
	if f.Fixed.IsValid() {
		return f.Fixed.String()
	}
	return "port " + short(f.PortID)
}

// release gives a floating IP back.
func (b *builder) release(f openstack.FloatingIP, needs []string) Action {
	op := ReleaseFloatingIP{ID: f.ID, Allocated: isAllocated(f), From: f.PortID, Revision: b.heldTo(f)}
	for _, t := range f.Tags {
		if t == TagGroup(b.plan.Group) {
			op.Tags = append(op.Tags, t)
		}
	}
	before := "unattached"
	if f.Fixed.IsValid() {
		before = f.Fixed.String()
	}
	a := Action{
		ID: "release-floating-ip/" + f.Address.String(), Verb: Modify, Kind: "floating ip", Name: f.Address.String(),
		Note:    before + " -> unattached",
		Needs:   needs,
		Inverse: "attach it again",
		Op:      op,
	}
	if f.Fixed.IsValid() {
		a.Changes = []Change{{Field: "attached to", Before: before}}
	} else {
		a.Note, a.Inverse = "havip's tags", "put the tags back"
	}
	if op.Allocated {
		a.Verb, a.Note = Delete, before+" -> released: havip allocated it"
		a.Inverse = "not reversible: the address goes back to the pool"
	}
	for _, t := range op.Tags {
		a.Changes = append(a.Changes, Change{Field: "tag", Before: t})
	}
	return a
}

// disown gives up a floating IP that carries the group's mark but that
// somebody else uses now: it is theirs, also when it comes free later. Of one
// that havip allocated it is said that it stays.
func (b *builder) disown(f openstack.FloatingIP) {
	op := DisownFloatingIP{ID: f.ID, From: f.PortID}
	for _, t := range []string{TagAllocated, TagGroup(b.plan.Group)} {
		if slices.Contains(f.Tags, t) {
			op.Tags = append(op.Tags, t)
		}
	}
	a := Action{
		ID: "disown-floating-ip/" + f.Address.String(), Verb: Modify, Kind: "floating ip", Name: f.Address.String(),
		Note:    "- havip's marks: somebody attached it to " + b.place(f),
		Inverse: "not reversible: it is theirs",
	}
	for _, t := range op.Tags {
		a.Changes = append(a.Changes, Change{Field: "tag", Before: t})
	}
	if GroupOf(nil, f.Description) != "" {
		op.Described, op.Description = true, unmarked(f.Description)
		a.Changes = append(a.Changes, Change{Field: "description", Before: f.Description, After: op.Description})
	}
	a.Op = op
	b.add(a)
	if isAllocated(f) {
		b.plan.Left = append(b.plan.Left, Left{
			What: "floating ip " + f.Address.String(),
			Why:  "havip allocated it, but somebody attached it to " + b.place(f),
			Hint: "when nobody needs it any more: openstack floating ip delete " + f.Address.String(),
		})
	}
}
