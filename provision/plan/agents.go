package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

// agentState is what one member's server holds of ours against what it should.
type agentState struct {
	host    Host
	want    config.Config
	changes []Change
	restart bool // what changed is not taken over by a reload
	splits  bool // it runs and would not hear the others after the change
}

// inspectAgent compares; it presumes that the server could be looked at.
func inspectAgent(d Desired, member int, h Host) agentState {
	a, want := h.Agent, agentConfig(d, member)
	s := agentState{host: h, want: want}
	note := func(field, before, after string) {
		s.changes = append(s.changes, Change{Field: field, Before: before, After: after})
	}
	// An unknown architecture or init system is preflight's to refuse.
	switch sum := d.Agent.SHA256[h.Arch]; {
	case sum == "": // which it should be is not known: look whether it is still the one that runs
		if configured(a) && a.BinarySHA256 == "" || a.RunsSHA256 != "" && a.RunsSHA256 != a.BinarySHA256 {
			note("binary", release(a.Version, a.BinarySHA256), release(runningVersion(a), a.RunsSHA256))
		}
	case a.BinarySHA256 != sum:
		note("binary", release(a.Version, a.BinarySHA256), release(d.Agent.Version, sum))
		s.restart = true
	case a.RunsSHA256 != "" && a.RunsSHA256 != sum: // an upgrade was cut off
		note("binary", release(runningVersion(a), a.RunsSHA256), release(d.Agent.Version, sum))
		s.restart = true
	}
	if sum := d.Agent.Units[h.Init]; sum != "" && a.UnitSHA256 != sum {
		note("service file", short(a.UnitSHA256), short(sum))
		s.restart = true
	}
	if a.Config == nil && configured(a) {
		note("configuration file", "not readable", "written anew")
	} else {
		s.changes = append(s.changes, configChanges(a.Config, want)...)
	}
	s.restart = s.restart || restarts(a.Config, want)
	if !a.Enabled {
		note("enabled", "no", "yes")
	}
	switch {
	case !a.Running:
		note("running", "no", "yes")
	case a.Status == nil:
		note("answers", "no", "yes")
		s.restart = true
	case a.Status.ConfigSHA256 != a.ConfigSHA256:
		note("configuration in force", short(a.Status.ConfigSHA256), "the file's")
	}
	s.splits = a.Running && splits(a.Config, want)
	s.restart = (s.restart || s.splits) && a.Running
	return s
}

// release is a binary as people tell it apart; none is "".
func release(version, sum string) string {
	if sum == "" {
		return ""
	}
	return fmt.Sprintf("%s (%s)", cmp.Or(version, "unknown version"), short(sum))
}

// runningVersion is that of the agent that runs, "" when it does not say.
func runningVersion(a Agent) string {
	if a.Status == nil {
		return ""
	}
	return a.Status.Agent
}

// established tells whether a member takes part now: others know it already.
func established(h Host) bool { return h.Err == "" && h.Agent.Running }

// configured tells whether the group has a configuration on the server, be it
// one that cannot be read.
func configured(a Agent) bool { return a.Config != nil || a.ConfigSHA256 != "" }

// active tells whether the member holds the VIPs.
func active(h Host) bool {
	return h.Agent.Status != nil && slices.ContainsFunc(h.Agent.Status.Routers, func(r api.Router) bool {
		return r.State == api.Active || r.State == api.Leaving
	})
}

// agents brings every member's agent to where it should be. The order is the
// design's: who was there before learns of a new member when that one may
// talk, and before its agent starts; what would split the group stops first
// everywhere.
func (b *builder) agents() {
	states := make([]agentState, len(b.d.Members))
	for i, m := range b.d.Members {
		if h := b.host(m.Server.ID); h.Err == "" {
			states[i] = inspectAgent(b.d, i, h)
			b.interrupts = b.interrupts || states[i].splits
		}
	}
	b.stopAll(states)
	var joins []string // of members whose agents do not run yet
	for _, m := range b.d.Members {
		if !established(b.host(m.Server.ID)) {
			joins = append(joins, b.joins[m.Server.ID]...)
		}
	}
	before := slices.Concat(b.removes, b.fences, b.stops, b.retag)
	var known []string // agents that must know of the new ones first
	roll := ""         // the last restart: they go one after the other
	for _, i := range b.rollOrder() {
		id, s := b.d.Members[i].Server.ID, states[i]
		if b.host(id).Err != "" {
			b.leftAgent(id)
			continue
		}
		if len(s.changes) == 0 && !b.interrupts {
			continue
		}
		needs := slices.Concat(before, b.joins[id])
		if established(s.host) {
			needs = append(needs, joins...)
		} else {
			needs = append(needs, known...)
		}
		restart := s.restart || b.interrupts && s.host.Agent.Running
		if restart && !b.interrupts && roll != "" {
			needs = append(needs, roll)
		}
		a := b.converge(i, s, restart, needs)
		if established(s.host) {
			known = append(known, a)
		}
		if restart {
			roll = a
		}
	}
	b.sortAgents()
}

// rollOrder is the members with those that run first, and of these the
// backups before the active, so that each restart leaves a backup ready.
func (b *builder) rollOrder() []int {
	order := make([]int, len(b.d.Members))
	rank := func(i int) int {
		switch h := b.host(b.d.Members[i].Server.ID); {
		case !established(h):
			return 2
		case active(h):
			return 1
		default:
			return 0
		}
	}
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return rank(x) - rank(y) })
	return order
}

// stopAll stops what runs when the change would split the group.
func (b *builder) stopAll(states []agentState) {
	if !b.interrupts {
		return
	}
	for i, m := range b.d.Members {
		if !states[i].host.Agent.Running {
			continue
		}
		name := b.names.of(m.Server.ID)
		b.stops = append(b.stops, b.add(Action{
			ID: "stop-agent/" + name, Verb: Modify, Kind: "agent", Name: name, Server: name,
			Note:       "stop: this change would leave two members active",
			Changes:    []Change{{Field: "running", Before: "yes", After: "no"}},
			Needs:      slices.Concat(b.joins[m.Server.ID], b.fences),
			Interrupts: true,
			Inverse:    "not reversible: the agents start again with the next step",
			Op:         StopAgent{ServerID: m.Server.ID},
		}))
	}
	// The mark follows when nobody works under the old one any more.
	for i := range b.plan.Actions {
		if a := &b.plan.Actions[i]; slices.Contains(b.retag, a.ID) {
			a.Needs = slices.Clone(b.stops)
		}
	}
}

// converge adds the action that makes a server follow.
func (b *builder) converge(i int, s agentState, restart bool, needs []string) string {
	m := b.d.Members[i]
	name := b.names.of(m.Server.ID)
	nic := "NIC " + m.Ports[0].Port.MAC
	if n, ok := s.host.NICOf(m.Ports[0].Port.MAC, m.Ports[0].Address); ok {
		nic = n.Name
	}
	a := Action{
		ID: "agent/" + name, Verb: Modify, Kind: "agent", Name: name, Server: name,
		Changes: s.changes, Needs: needs,
		Inverse: "not reversible: run create again with the former group file",
		Op: ConvergeAgent{
			ServerID: m.Server.ID, Config: s.want, Init: s.host.Init, Arch: s.host.Arch, Restart: restart,
			New: !configured(s.host.Agent),
		},
	}
	switch {
	case !configured(s.host.Agent):
		a.Verb, a.Inverse = Create, "stop the agent and remove it"
		a.Note = fmt.Sprintf("%s  havip-agent %s, priority %d", nic, b.d.Agent.Version, m.Priority)
	case restart:
		a.Note = nic + "  restart" + summary(s.changes)
	case !s.host.Agent.Running:
		a.Note = nic + "  start" + summary(s.changes)
	default:
		a.Note = nic + "  reload" + summary(s.changes)
	}
	return b.add(a)
}

// summary is the changed fields in one line.
func summary(changes []Change) string {
	text := ""
	for i, c := range changes {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		switch {
		case c.Before == "":
			text += sep + c.Field + " " + c.After
		case c.After == "":
			text += sep + "no " + c.Field
		default:
			text += sep + c.Field + " " + c.Before + " -> " + c.After
		}
	}
	return text
}

// sortAgents puts the agents' actions into the order of the group file again:
// Needs carries the order that counts.
func (b *builder) sortAgents() {
	rank := make(map[string]int)
	for i, m := range b.d.Members {
		rank["agent/"+b.names.of(m.Server.ID)] = i + 1
	}
	first := len(b.plan.Actions)
	for i, a := range b.plan.Actions {
		if rank[a.ID] > 0 {
			first = i
			break
		}
	}
	slices.SortStableFunc(b.plan.Actions[first:], func(x, y Action) int { return rank[x.ID] - rank[y.ID] })
	for _, a := range b.plan.Actions[first:] {
		b.agentIDs = append(b.agentIDs, a.ID)
	}
}

// leftAgent lists an agent that cannot be reached.
func (b *builder) leftAgent(serverID string) {
	h := b.host(serverID)
	b.plan.Left = append(b.plan.Left, Left{
		What: fmt.Sprintf("agent of group %s on %s", b.plan.Group, b.names.of(serverID)),
		Why:  h.Err,
		Hint: cmp.Or(h.Hint, "make the server reachable") + "; then run the same command once more",
	})
}
