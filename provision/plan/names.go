package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/havip/havip/openstack"
)

// names are what servers are called in a plan: their name where that is
// unique, else name and ID.
type names map[string]string

// serverNames names every server that was observed or is wanted.
func serverNames(d Desired, o Observed) names {
	byID := make(map[string]string)
	for _, list := range o.Servers {
		for _, s := range list {
			byID[s.ID] = s.Name
		}
	}
	for _, m := range d.Members {
		byID[m.Server.ID] = m.Server.Name
	}
	count := make(map[string]int)
	for _, name := range byID {
		count[name]++
	}
	for id, name := range byID {
		if name != "" && count[name] > 1 {
			byID[id] = name + "/" + short(id)
		}
	}
	return byID
}

// MemberNames are what the wanted members are called, in their order: their
// name where that is unique, else name and ID.
func MemberNames(d Desired, o Observed) []string {
	n := serverNames(d, o)
	all := make([]string, 0, len(d.Members))
	for _, m := range d.Members {
		all = append(all, n.of(m.Server.ID))
	}
	return all
}

// of is what the server with this ID is called.
func (n names) of(id string) string { return cmp.Or(n[id], short(id)) }

// owner is what the owner of a port is called: a server, a router, or the
// port itself when nothing holds it.
func (n names) owner(p openstack.Port) string {
	switch {
	case n[p.DeviceID] != "":
		return n[p.DeviceID]
	case strings.HasPrefix(p.DeviceOwner, "network:"):
		return strings.TrimPrefix(p.DeviceOwner, "network:") + " " + short(p.DeviceID)
	case p.DeviceID != "":
		return "server " + short(p.DeviceID)
	default:
		return "port " + cmp.Or(p.Name, short(p.ID))
	}
}

// sorted are the IDs in the order of their names.
func (n names) sorted(ids []string) []string {
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(n.of(a), n.of(b)), cmp.Compare(a, b)) })
	return ids
}

// short is an ID as people compare it.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}
