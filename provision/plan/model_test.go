package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// tb is what *testing.T and *rapid.T share.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

// model is a cloud and its servers in memory: just enough to see what a plan's
// operations make of an observation.
type model struct {
	t     tb
	o     plan.Observed
	p     plan.Plan
	known plan.Resources
}

// carryOut is o after p, with the actions in the order of the plan.
func carryOut(t tb, p plan.Plan, o plan.Observed) plan.Observed {
	t.Helper()
	return carryOutBy(t, p, o, func(int) int { return 0 })
}

// shuffled is o after p, with the actions in any order that Needs allows.
func shuffled(t tb, p plan.Plan, o plan.Observed, seed uint64) plan.Observed {
	t.Helper()
	return carryOutBy(t, p, o, rand.New(rand.NewPCG(seed, 0)).IntN)
}

func carryOutBy(t tb, p plan.Plan, o plan.Observed, choose func(n int) int) plan.Observed {
	t.Helper()
	m := &model{t: t, o: copyOf(o), p: p, known: p.Known}
	m.known.VIPs = slices.Clone(p.Known.VIPs)
	done := make(map[string]bool)
	waiting := slices.Clone(p.Actions)
	for len(waiting) > 0 {
		var ready []int
		for i, a := range waiting {
			if !slices.ContainsFunc(a.Needs, func(n string) bool { return !done[n] }) {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 {
			t.Fatalf("the needs of these actions never come true:\n%s", rendered(plan.Plan{Actions: waiting}))
		}
		i := ready[choose(len(ready))]
		if done[waiting[i].ID] {
			t.Fatalf("two actions are called %s", waiting[i].ID)
		}
		m.do(waiting[i])
		done[waiting[i].ID] = true
		waiting = slices.Delete(waiting, i, i+1)
	}
	m.hear()
	m.elect()
	return m.o
}

func copyOf(o plan.Observed) plan.Observed {
	o.Ports, o.FloatingIPs = slices.Clone(o.Ports), slices.Clone(o.FloatingIPs)
	o.SecurityGroups, o.Hosts = slices.Clone(o.SecurityGroups), maps.Clone(o.Hosts)
	return o
}

func (m *model) do(a plan.Action) {
	switch op := a.Op.(type) {
	case plan.CreateVIPPort:
		m.createVIPPort(op)
	case plan.TagVIPPort:
		editPort(&m.o, op.PortID, func(p *openstack.Port) {
			p.Tags = retagged(p.Tags, op.Tags, op.Remove)
			if op.Description != "" {
				p.Description = op.Description
			}
		})
	case plan.DeleteVIPPort:
		m.o.Ports = slices.DeleteFunc(m.o.Ports, func(p openstack.Port) bool { return p.ID == op.PortID })
		m.eachFloatingIP(func(f *openstack.FloatingIP) bool { return f.PortID == op.PortID }, detach)
	case plan.CreateSecurityGroup:
		g := openstack.SecurityGroup{ID: "sg-new", Name: op.Name, ProjectID: "ops", Tags: []string{plan.TagGroup(group)}}
		g.Rules = numbered(plan.Rules(op.Families, g.ID))
		m.o.SecurityGroups = append(m.o.SecurityGroups, g)
		m.known.SecurityGroup = g.ID
	case plan.MendSecurityGroup:
		m.mend(op)
	case plan.DeleteSecurityGroup:
		m.deleteSecurityGroup(op)
	case plan.JoinPort:
		m.join(a, op)
	case plan.LeavePort:
		editPort(&m.o, op.PortID, func(p *openstack.Port) {
			u, _ := plan.Leave(*p, op.Addresses, op.SecurityGroup)
			update(p, u)
			p.Tags = retagged(p.Tags, op.Marks, op.Tags)
		})
	case plan.AttachFloatingIP:
		m.attach(a, op)
	case plan.ReleaseFloatingIP:
		if op.Allocated {
			m.o.FloatingIPs = slices.DeleteFunc(m.o.FloatingIPs, func(f openstack.FloatingIP) bool { return f.ID == op.ID })
			return
		}
		m.eachFloatingIP(func(f *openstack.FloatingIP) bool { return f.ID == op.ID }, func(f *openstack.FloatingIP) {
			detach(f)
			f.Tags = retagged(f.Tags, nil, op.Tags)
		})
	case plan.DisownFloatingIP:
		m.eachFloatingIP(func(f *openstack.FloatingIP) bool { return f.ID == op.ID }, func(f *openstack.FloatingIP) {
			f.Tags = retagged(f.Tags, nil, op.Tags)
			if op.Described {
				f.Description = op.Description
			}
		})
	case plan.ConvergeAgent:
		m.converge(a, op)
	case plan.StopAgent:
		m.agent(a, op.ServerID, func(g *plan.Agent) { g.Running, g.Status = false, nil })
	case plan.RemoveAgent:
		m.agent(a, op.ServerID, func(g *plan.Agent) { *g = plan.Agent{} })
	default:
		m.t.Fatalf("%s has an unknown operation %T", a.ID, op)
	}
}

func detach(f *openstack.FloatingIP) { f.PortID, f.Fixed = "", netip.Addr{} }

func (m *model) createVIPPort(op plan.CreateVIPPort) {
	v := m.p.Desired.VIPs[op.VIP]
	a := v.Address
	if !a.IsValid() {
		a = v.Subnet.CIDR.Addr().Next().Next()
	}
	p := openstack.Port{
		ID: "vip-" + v.Family.String(), Name: op.Name, NetworkID: v.Network.ID, ProjectID: "ops",
		Description: plan.Description(group, m.p.Desired.VRID), Tags: plan.VIPPortTags(group, m.p.Desired.VRID),
		FixedIPs: []openstack.FixedIP{{SubnetID: v.Subnet.ID, IP: a}},
	}
	m.o.Ports = append(m.o.Ports, p)
	m.known.VIPs[op.VIP] = plan.VIPResource{PortID: p.ID, Address: a}
}

func (m *model) mend(op plan.MendSecurityGroup) {
	for i := range m.o.SecurityGroups {
		g := &m.o.SecurityGroups[i]
		if g.ID != op.ID {
			continue
		}
		g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r openstack.Rule) bool { return slices.Contains(op.Remove, r.ID) })
		for _, r := range op.Add {
			r.RemoteGroupID = op.ID
			g.Rules = append(g.Rules, r)
		}
		g.Rules = numbered(g.Rules)
		g.Tags = retagged(g.Tags, op.AddTags, nil)
	}
}

// deleteSecurityGroup holds to Neutron's rule: 409 while a port uses it.
func (m *model) deleteSecurityGroup(op plan.DeleteSecurityGroup) {
	for _, p := range m.o.Ports {
		if slices.Contains(p.SecurityGroups, op.ID) {
			m.t.Fatalf("security group %s is deleted while port %s uses it", op.ID, p.ID)
		}
	}
	m.o.SecurityGroups = slices.DeleteFunc(m.o.SecurityGroups, func(g openstack.SecurityGroup) bool { return g.ID == op.ID })
}

func (m *model) join(a plan.Action, op plan.JoinPort) {
	var vips []netip.Addr
	for _, i := range op.VIPs {
		if !m.known.VIPs[i].Address.IsValid() {
			m.t.Fatalf("%s runs before VIP %d has an address", a.ID, i)
		}
		vips = append(vips, m.known.VIPs[i].Address)
	}
	if m.known.SecurityGroup == "" {
		m.t.Fatalf("%s runs before the security group is there", a.ID)
	}
	editPort(&m.o, op.PortID, func(p *openstack.Port) {
		u, _ := plan.Join(*p, vips, m.known.SecurityGroup)
		update(p, u)
		p.Tags = retagged(p.Tags, op.Tags, nil)
	})
}

func update(p *openstack.Port, u openstack.PortUpdate) {
	if u.Pairs != nil {
		p.Pairs = *u.Pairs
	}
	if u.SecurityGroups != nil {
		p.SecurityGroups = *u.SecurityGroups
	}
}

// attach holds to Neutron's rule: one floating IP for each fixed address.
func (m *model) attach(a plan.Action, op plan.AttachFloatingIP) {
	v := m.known.VIPs[op.VIP]
	id := op.ID
	if id == "" {
		id = "fip-new"
		m.o.FloatingIPs = append(m.o.FloatingIPs, openstack.FloatingIP{ID: id, Address: addr("203.0.113.99"), NetworkID: op.Network})
	}
	for _, f := range m.o.FloatingIPs {
		if f.PortID == v.PortID && f.ID != id {
			m.t.Fatalf("%s runs while %s is still on the VIP", a.ID, f.Address)
		}
	}
	m.eachFloatingIP(func(f *openstack.FloatingIP) bool { return f.ID == id }, func(f *openstack.FloatingIP) {
		f.PortID, f.Fixed = v.PortID, v.Address
		f.Tags = retagged(f.Tags, op.Tags, nil)
	})
}

func (m *model) eachFloatingIP(which func(*openstack.FloatingIP) bool, do func(*openstack.FloatingIP)) {
	for i := range m.o.FloatingIPs {
		if f := &m.o.FloatingIPs[i]; which(f) {
			do(f)
		}
	}
}

func (m *model) agent(a plan.Action, id string, do func(*plan.Agent)) {
	h := m.o.Hosts[id]
	if h.Err != "" {
		m.t.Fatalf("%s wants to work on a server that cannot be reached", a.ID)
	}
	do(&h.Agent)
	m.o.Hosts[id] = h
}

func (m *model) converge(a plan.Action, op plan.ConvergeAgent) {
	c := op.Config
	c.Routers = slices.Clone(c.Routers)
	for i := range c.Routers {
		if v := m.known.VIPs[i].Address; len(c.Routers[i].Addresses) == 0 {
			c.Routers[i].Addresses = []netip.Prefix{netip.PrefixFrom(v, v.BitLen())}
		}
	}
	m.alone(a, op, c)
	m.agent(a, op.ServerID, func(g *plan.Agent) {
		sum := configSum(c)
		*g = plan.Agent{
			BinarySHA256: m.p.Desired.Agent.SHA256[op.Arch], Version: m.p.Desired.Agent.Version,
			UnitSHA256: m.p.Desired.Agent.Units[op.Init], ConfigSHA256: sum, Config: &c,
			Enabled: true, Running: true, Groups: []string{group},
			Status: &api.Status{Agent: m.p.Desired.Agent.Version, Group: group, ConfigSHA256: sum, Routers: statusOf(c)},
		}
	})
}

// alone fails when the agent starts or changes so that a running one of
// another VRID or version could be active beside it.
func (m *model) alone(a plan.Action, op plan.ConvergeAgent, c config.Config) {
	for id, h := range m.o.Hosts {
		if id == op.ServerID || !h.Agent.Running || h.Err != "" {
			continue
		}
		for i, r := range h.Agent.Config.Routers {
			if i < len(c.Routers) && (r.VRID != c.Routers[i].VRID || r.Version != c.Routers[i].Version) {
				m.t.Fatalf("%s while %s still runs with VRID %d", a.ID, id, r.VRID)
			}
		}
	}
}

func configSum(c config.Config) string { return fmt.Sprintf("%+v", c) }

func statusOf(c config.Config) []api.Router {
	var all []api.Router
	for _, r := range c.Routers {
		all = append(all, api.Router{VRID: r.VRID, State: api.Backup, Priority: r.Priority, Source: r.Source, Addresses: r.Addresses})
	}
	return all
}

// hear makes every running agent hear the others: what a plan leaves lets
// protocol 112 pass.
func (m *model) hear() {
	for _, id := range slices.Sorted(maps.Keys(m.o.Hosts)) {
		if m.o.Hosts[id].Agent.Status != nil {
			editRouter(&m.o, id, func(r *api.Router) {
				r.Problems = slices.DeleteFunc(slices.Clone(r.Problems), func(p api.Problem) bool { return p.Code == api.ProblemAdvertsBlocked })
			})
		}
	}
}

// elect makes the running agent with the highest priority active, unless one
// is: without preemption it stays.
func (m *model) elect() {
	ids := slices.Sorted(maps.Keys(m.o.Hosts))
	best, actives := "", 0
	for _, id := range ids {
		st := m.o.Hosts[id].Agent.Status
		if st == nil || len(st.Routers) == 0 {
			continue
		}
		if st.Routers[0].State == api.Active {
			actives++
		}
		if best == "" || st.Routers[0].Priority > m.o.Hosts[best].Agent.Status.Routers[0].Priority {
			best = id
		}
	}
	if best != "" && actives != 1 {
		for _, id := range ids {
			if m.o.Hosts[id].Agent.Status != nil {
				m.state(id, api.Backup)
			}
		}
		m.state(best, api.Active)
	}
}

func (m *model) state(id string, s api.State) {
	h := m.o.Hosts[id]
	st := *h.Agent.Status
	st.Routers = slices.Clone(st.Routers)
	for i := range st.Routers {
		st.Routers[i].State, st.Routers[i].Held = s, s == api.Active
	}
	h.Agent.Status = &st
	m.o.Hosts[id] = h
}

func retagged(tags, add, remove []string) []string {
	tags = slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return slices.Contains(remove, t) })
	for _, t := range add {
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags
}

func numbered(rules []openstack.Rule) []openstack.Rule {
	for i := range rules {
		rules[i].ID = fmt.Sprintf("rule-%d-%s", i, strings.ToLower(rules[i].Direction))
	}
	return rules
}
