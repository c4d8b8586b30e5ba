package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/havip/havip/openstack"
)

// The marks by which havip's objects are found again, from any workstation.
// Tags hold no comma and at most 60 characters (Neutron before Zed).
const (
	TagHavip = "havip" // on every VIP port: how the groups of a project are listed

	tagGroup     = "havip:group="     // on what belongs to a group: VIP port, security group, floating IP
	tagVRID      = "havip:vrid="      // on the VIP port
	tagMember    = "havip:member="    // on a member's port
	tagKeptPair  = "havip:kept-pair=" // on a member's port whose pair was there before havip
	tagAllocated = "havip:allocated"  // on a floating IP that havip allocated
)

// TagGroup marks what belongs to a group.
func TagGroup(group string) string { return tagGroup + group }

// TagVRID marks a VIP port with the VRID of its group.
func TagVRID(vrid int) string { return tagVRID + strconv.Itoa(vrid) }

// TagMember marks the port of a member: without it, a port that uses the
// group's security group and may not use the VIP is somebody else's.
func TagMember(group string) string { return tagMember + group }

// TagKeptPair marks a member's port that allowed the VIP before havip came:
// leaving the group, it keeps the pair.
func TagKeptPair(group string) string { return tagKeptPair + group }

// TagAllocated marks a floating IP that havip allocated and so may release.
const TagAllocated = tagAllocated

// SplitKept takes the tags that keep a pair out of a member port's tags.
func SplitKept(tags []string) (keep, others []string) {
	for _, t := range tags {
		if strings.HasPrefix(t, tagKeptPair) {
			keep = append(keep, t)
		} else {
			others = append(others, t)
		}
	}
	return keep, others
}

// VIPPortTags are those of a group's VIP port.
func VIPPortTags(group string, vrid int) []string {
	return []string{TagHavip, TagGroup(group), TagVRID(vrid)}
}

// VIPPortName is the name of a group's VIP port.
func VIPPortName(group string, f Family) string { return "havip-" + group + "-" + f.String() }

// SecurityGroupName is the name of a group's security group.
func SecurityGroupName(group string) string { return "havip-" + group }

// Description is the mark that an object carries from its first moment, since
// tags can only be added afterwards.
func Description(group string, vrid int) string {
	return fmt.Sprintf("havip:group=%s havip:vrid=%d (made by havip; remove it with: havip delete %s)", group, vrid, group)
}

// unmarked is a description without what havip wrote into it.
func unmarked(description string) string {
	ours := Description(GroupOf(nil, description), VRIDOf(openstack.Port{Description: description}))
	rest := strings.Fields(strings.Replace(description, ours, "", 1))
	return strings.Join(slices.DeleteFunc(rest, func(w string) bool {
		return strings.HasPrefix(w, tagGroup) || strings.HasPrefix(w, tagVRID)
	}), " ")
}

// GroupOf is the group that an object with these tags and this description
// belongs to, "" when it is not havip's.
func GroupOf(tags []string, description string) string {
	for _, t := range append(tags[:len(tags):len(tags)], strings.Fields(description)...) {
		if g, ok := strings.CutPrefix(t, tagGroup); ok {
			return g
		}
	}
	return ""
}

// VRIDOf is the VRID that a VIP port is marked with, 0 when it is not.
func VRIDOf(p openstack.Port) int {
	for _, t := range append(p.Tags[:len(p.Tags):len(p.Tags)], strings.Fields(p.Description)...) {
		if v, ok := strings.CutPrefix(t, tagVRID); ok {
			n, err := strconv.Atoi(v)
			if err == nil && n >= 1 && n <= 255 {
				return n
			}
		}
	}
	return 0
}
