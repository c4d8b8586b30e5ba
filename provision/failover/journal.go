package failover

import (
	"strings"

	"github.com/havip/havip/openstack"
)

// Undo is a fault in the cloud that is to be put back. Before such a fault is
// made, its Undo is written as a tag on the group's security group, and it is
// taken off when the fault was undone: so any workstation can finish what a test
// that died has left. The ID stands in it without hyphens, for Neutron before Zed
// takes tags of at most 60 characters.
type Undo struct {
	Fault  Name
	Object string // ID of the server, or of the port for port-down
}

const undoTag = "havip:undo="

// Tag is the undo as a tag.
func (u Undo) Tag() string {
	return undoTag + string(u.Fault) + ":" + strings.ReplaceAll(u.Object, "-", "")
}

// ParseUndo reads a tag; ok tells whether it is one of ours.
func ParseUndo(tag string) (u Undo, ok bool) {
	rest, ours := strings.CutPrefix(tag, undoTag)
	name, object, whole := strings.Cut(rest, ":")
	if _, known := Find(Name(name)); !ours || !whole || !known || len(object) != 32 {
		return Undo{}, false
	}
	id := strings.Join([]string{object[:8], object[8:12], object[12:16], object[16:20], object[20:]}, "-")
	return Undo{Name(name), id}, true
}

// Journal is what the tags of a security group say is to be undone.
func Journal(g openstack.SecurityGroup) []Undo {
	var open []Undo
	for _, t := range g.Tags {
		if u, ok := ParseUndo(t); ok {
			open = append(open, u)
		}
	}
	return open
}
