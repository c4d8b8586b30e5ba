package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/havip/havip/agent/api"
)

// Diff says what makes the group as it was observed the group that is wanted.
// The order is fixed: the same input gives the same plan, action by action.
func Diff(d Desired, o Observed) Plan {
	b := newBuilder(d, o)
	b.vipPorts()
	b.securityGroup()
	b.joinPorts()
	b.removeAgents()
	b.agents()
	b.leavePorts()
	b.floatingIPs()
	b.plan.Desired = b.d
	b.plan.Settle = b.touchesAgents() || !agree(b.d, o)
	return b.plan
}

// builder collects a plan. Its ID lists are what later actions need.
type builder struct {
	d     Desired // with the addresses of VIP ports that exist filled in
	o     Observed
	found Found
	names names
	plan  Plan

	vips       []string            // creation of each VIP's port, "" when it exists
	retag      []string            // changes of the VIP ports' VRID
	group      string              // creation or mending of the security group
	joins      map[string][]string // by server ID
	removes    []string            // agents of leaving members
	fences     []string            // leaving members that cannot be reached
	stops      []string
	agentIDs   []string
	interrupts bool
}

func newBuilder(d Desired, o Observed) *builder {
	b := &builder{
		d: d, o: o,
		found: Find(d.Group, o),
		names: serverNames(d, o),
		plan:  Plan{Group: d.Group},
		vips:  make([]string, len(d.VIPs)),
		joins: make(map[string][]string),
	}
	b.d.VIPs = slices.Clone(d.VIPs)
	b.plan.Known.VIPs = make([]VIPResource, len(d.VIPs))
	return b
}

// add appends an action and returns its ID. Needs that are "" stand for what
// exists already.
func (b *builder) add(a Action) string {
	var needs []string
	for _, n := range a.Needs {
		if n != "" && n != a.ID && !slices.Contains(needs, n) {
			needs = append(needs, n)
		}
	}
	slices.Sort(needs)
	a.Needs = needs
	b.plan.Actions = append(b.plan.Actions, a)
	return a.ID
}

// host is what was found on a server. One that exists and was not looked at,
// because it is shut off for instance, counts as out of reach, and so does one
// where root's things are hidden; one that is gone holds nothing.
func (b *builder) host(serverID string) Host {
	h, ok := b.o.Hosts[serverID]
	if _, exists := b.names[serverID]; !ok && exists {
		h.Err = "the server was not looked at: is it shut off?"
	}
	if ok && h.Err == "" && !h.Root {
		h.Err = fmt.Sprintf("user %s is not root there and sudo asks for a password", h.User)
		h.Hint = "let it use sudo without a password, or choose another user in ssh.user"
	}
	return h
}

// everyAddress is every VIP that the group has or had: as wanted, as its VIP
// ports have it and, should a cleaner have deleted those, as its agents do.
func (b *builder) everyAddress() []netip.Addr {
	var all []netip.Addr
	for _, v := range b.d.VIPs {
		if v.Address.IsValid() {
			all = append(all, v.Address)
		}
	}
	for _, p := range b.found.VIPPorts {
		for _, ip := range p.FixedIPs {
			all = append(all, ip.IP)
		}
	}
	for _, h := range b.o.Hosts {
		if h.Agent.Config == nil || h.Agent.Config.Group != b.plan.Group {
			continue
		}
		for _, r := range h.Agent.Config.Routers {
			for _, a := range r.Addresses {
				all = append(all, a.Addr())
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

func (b *builder) touchesAgents() bool {
	return slices.ContainsFunc(b.plan.Actions, func(a Action) bool { return a.Kind == "agent" })
}

// agree tells whether all members' agents answer, and exactly one of each
// router's is active while the rest are backups.
func agree(d Desired, o Observed) bool {
	active, total := make(map[Family]int), make(map[Family]int)
	for _, m := range d.Members {
		st := o.Hosts[m.Server.ID].Agent.Status
		if st == nil {
			return false
		}
		for _, r := range st.Routers {
			f := FamilyOf(r.Source)
			total[f]++
			switch r.State {
			case api.Active:
				active[f]++
			case api.Backup:
			default:
				return false
			}
		}
	}
	for _, v := range d.VIPs {
		if active[v.Family] != 1 || total[v.Family] != len(d.Members) {
			return false
		}
	}
	return true
}
