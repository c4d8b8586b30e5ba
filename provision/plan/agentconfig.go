package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

// controlSocket is where a group's agent listens.
func controlSocket(group string) string { return "/run/havip/" + group + "/control.sock" }

// agentConfig is what the agent of one member is to be configured with. The
// router of a VIP that is not allocated yet has no address.
func agentConfig(d Desired, member int) config.Config {
	m := d.Members[member]
	c := config.Config{Group: d.Group, Checks: d.Checks, Control: controlSocket(d.Group)}
	for i, v := range d.VIPs {
		p := m.Ports[i]
		r := config.Router{
			VRID:      d.VRID,
			Interface: config.Interface{MAC: p.Port.MAC, Address: p.Address},
			// The source is the port's fixed address: security groups that name
			// a remote group let only fixed addresses pass on OVN, and port
			// security drops link-local ones.
			Source:   p.Address,
			Priority: m.Priority,
			Interval: api.Duration(d.Interval),
			Version:  d.Version,
			Preempt:  d.Preempt,

			PreemptDelay: d.PreemptDelay,
			StartDelay:   d.StartDelay,
			Announce:     d.Announce,
		}
		if v.Address.IsValid() {
			r.Addresses = []netip.Prefix{netip.PrefixFrom(v.Address, v.Address.BitLen())}
		}
		for j, other := range d.Members {
			if j != member && d.Mode != ModeMulticast {
				r.Peers = append(r.Peers, other.Ports[i].Address)
			}
		}
		c.Routers = append(c.Routers, r)
	}
	return c
}

// ModeMulticast is the value of Desired.Mode that leaves the peers out.
const ModeMulticast = "multicast"

// configChanges are the fields in which two configurations differ; none when
// they mean the same. Order of peers and spelling do not count.
func configChanges(have *config.Config, want config.Config) []Change {
	before := make(map[string]string)
	if have != nil {
		for _, f := range configFields(*have) {
			before[f.name] = f.value
		}
	}
	var changes []Change
	for _, f := range configFields(want) {
		if before[f.name] != f.value {
			changes = append(changes, Change{Field: f.name, Before: before[f.name], After: f.value})
		}
		delete(before, f.name)
	}
	gone := make([]string, 0, len(before))
	for name, value := range before {
		if value != "" {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	for _, name := range gone {
		changes = append(changes, Change{Field: name, Before: before[name]})
	}
	return changes
}

type field struct{ name, value string }

// configFields are a configuration's settings as people read them.
func configFields(c config.Config) []field {
	checks := make([]string, 0, len(c.Checks))
	for _, k := range c.Checks {
		k = k.WithDefaults()
		checks = append(checks, fmt.Sprintf("%s (%s every %s within %s, fall %d, rise %d)",
			k.Name, k.Asks(), k.Interval, k.Timeout, k.Fall, k.Rise))
	}
	fields := []field{
		{"group", c.Group},
		{"checks", strings.Join(checks, ", ")},
		{"control", c.Control},
		{"metrics", c.Metrics},
	}
	for _, r := range c.Routers {
		// Only one of a dual-stack group's routers needs telling apart.
		suffix := ""
		if FamilyOf(r.Source) == IPv6 {
			suffix = " v6"
		}
		for _, f := range routerFields(r) {
			fields = append(fields, field{f.name + suffix, f.value})
		}
	}
	return fields
}

func routerFields(r config.Router) []field {
	nic := r.Interface.Name
	if r.Interface.MAC != "" {
		nic = strings.ToLower(r.Interface.MAC) + " " + r.Interface.Address.String()
	}
	peers := slices.SortedFunc(slices.Values(r.Peers), netip.Addr.Compare)
	addresses := allocated
	if len(r.Addresses) > 0 {
		addresses = join(r.Addresses)
	}
	return []field{
		{"vrid", strconv.Itoa(r.VRID)},
		{"interface", nic},
		{"addresses", addresses},
		{"source", r.Source.String()},
		{"peers", join(peers)},
		{"priority", strconv.Itoa(r.Priority)},
		{"interval", r.Interval.String()},
		{"version", strconv.Itoa(r.Version)},
		{"preempt", strconv.FormatBool(r.Preempt)},
		{"preempt delay", delay(r.PreemptDelay)},
		{"start delay", delay(r.StartDelay)},
		{"announce", announces(r.Announce)},
	}
}

// delay is a duration, or nothing when there is none.
func delay(d api.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// announces is how announcements are made, or nothing when that is as usual.
func announces(a config.Announce) string {
	if a.IsZero() {
		return ""
	}
	form := "requests"
	if a.Replies {
		form = "requests and replies"
	}
	return form + " every " + cmp.Or(a.Refresh, config.DefaultRefresh).String()
}

func join[T fmt.Stringer](list []T) string {
	all := make([]string, 0, len(list))
	for _, v := range list {
		all = append(all, v.String())
	}
	return strings.Join(all, ", ")
}

// splits tells whether two members of which one runs have and the other want
// would not hear each other, so that a change made member by member would
// have two of them active: another VRID, another version of the protocol, or
// the step between unicast and multicast.
func splits(have *config.Config, want config.Config) bool {
	return differ(have, want, func(a, b config.Router) bool {
		return a.VRID != b.VRID || a.Version != b.Version || len(a.Peers) == 0 != (len(b.Peers) == 0)
	})
}

// restarts tells whether an agent finds its NICs and sockets anew for this
// change, which it does when it starts.
func restarts(have *config.Config, want config.Config) bool {
	if have == nil || len(have.Routers) != len(want.Routers) {
		return have != nil
	}
	return differ(have, want, func(a, b config.Router) bool {
		return !strings.EqualFold(a.Interface.MAC, b.Interface.MAC) || a.Interface.Address != b.Interface.Address ||
			a.Interface.Name != b.Interface.Name || a.Source != b.Source || !slices.Equal(a.Addresses, b.Addresses)
	})
}

// differ compares the routers of the same family.
func differ(have *config.Config, want config.Config, apart func(a, b config.Router) bool) bool {
	if have == nil {
		return false
	}
	for _, a := range have.Routers {
		for _, b := range want.Routers {
			if FamilyOf(a.Source) == FamilyOf(b.Source) && apart(a, b) {
				return true
			}
		}
	}
	return false
}
