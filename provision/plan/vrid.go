package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/havip/havip/openstack"
)

// lastVRID is the highest there is (RFC 9568 section 5.2.3: 1 to 255).
const lastVRID = 255

// TakenVRIDs are those of the other groups on the networks of these VIPs,
// whoever's project they are in, with the group's name.
func TakenVRIDs(group string, vips []VIP, o Observed) map[int]string {
	own := Find(group, o).VIPPorts
	taken := make(map[int]string)
	for _, p := range o.Ports {
		id := VRIDOf(p)
		if id == 0 || taken[id] != "" ||
			!slices.ContainsFunc(vips, func(v VIP) bool { return v.Network.ID == p.NetworkID }) ||
			slices.ContainsFunc(own, func(f openstack.Port) bool { return f.ID == p.ID }) {
			continue
		}
		taken[id] = GroupOf(p.Tags, p.Description)
	}
	return taken
}

// VRIDHolders are the ports that hold a VRID by their marks, without those of
// the group that own is a VIP port of; of two with one VRID the older.
func VRIDHolders(ports []openstack.Port, own openstack.Port) map[int]openstack.Port {
	held := make(map[int]openstack.Port)
	group := GroupOf(own.Tags, own.Description)
	for _, p := range ports {
		id := VRIDOf(p)
		ours := p.ProjectID == own.ProjectID && GroupOf(p.Tags, p.Description) == group
		if other, ok := held[id]; id == 0 || ours || ok && Older(other, p) {
			continue
		}
		held[id] = p
	}
	return held
}

// Older tells which of two ports was there first: created_at counts seconds.
func Older(a, b openstack.Port) bool {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) < 0
}

// FreeVRID is the lowest that is not taken, 0 when all are.
func FreeVRID(taken map[int]string) int {
	for id := 1; id <= lastVRID; id++ {
		if _, ok := taken[id]; !ok {
			return id
		}
	}
	return 0
}

// VRIDHint is what to do where two groups have one VRID.
func VRIDHint(group, other string, taken map[int]string) string {
	free := ""
	if id := FreeVRID(taken); id != 0 {
		free = fmt.Sprintf(", e.g. %d", id)
	}
	return fmt.Sprintf("give %s or %s another VRID%s: vrrp.id in its group file, then havip create, which interrupts that group", group, other, free)
}
