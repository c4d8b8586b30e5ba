package vrrp

import (
	"fmt"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
)

// Group is the virtual routers of one agent, which move together: who has the one
// address has them all (havip's, as keepalived's sync group). All of them are in
// Init, or all in Backup, or all active; only on leaving does each hand over by
// itself. It is as pure as its machines.
//
// A backup takes over when every router of the group is due. So a path that is
// broken for one of them alone moves nothing: the other router still hears the
// active. When one router has to give up its VIPs all do.
type Group struct {
	routers []*Machine
	links   []Link // as last told

	// deadline is the Deadline while known: with hundreds of routers, to ask all of
	// them after each advertisement would be most of what a backup does.
	deadline time.Time
	known    bool
}

// Act is an effect for the engine and the index of the router that it concerns.
type Act struct {
	Router int
	Effect Effect
}

// NewGroup makes the machines of a group, in Init.
func NewGroup(cfgs []Config, seed uint64) *Group {
	g := &Group{}
	for i, cfg := range cfgs {
		g.routers = append(g.routers, New(cfg, seed+uint64(i)))
		g.links = append(g.links, Link{Up: true})
	}
	g.rank()
	return g
}

// Router is the machine with this index, to be looked at; events go through the group.
func (g *Group) Router(i int) *Machine { return g.routers[i] }

// Deadline is when the next Tick is wanted; zero when none is. Backups want it when
// the last of them is due.
func (g *Group) Deadline() time.Time {
	if !g.known {
		g.deadline, g.known = g.findDeadline(), true
	}
	return g.deadline
}

func (g *Group) findDeadline() time.Time {
	var first, gate time.Time
	for _, m := range g.routers {
		if m.state == api.Backup {
			gate = later(gate, m.Deadline())
		} else {
			first = earliest(first, m.Deadline())
		}
	}
	return earliest(first, gate)
}

// Handle takes an event of one router: Received, Claimed, Sent, Link or Reconfigured.
// Its effects can be of others.
func (g *Group) Handle(now time.Time, router int, ev Event) []Act {
	m := g.routers[router]
	if sent, ok := ev.(Sent); ok {
		return g.handOn(now, router, sent) // of so many that it must be cheap
	}
	acts := g.checkStalls(now)
	switch ev := ev.(type) {
	case Link:
		g.known = false
		g.links[router] = ev
		effects := make([][]Effect, len(g.routers))
		for i, m := range g.routers {
			effects[i] = m.Handle(now, g.linkOf(i))
		}
		return append(append(acts, interleave(effects)...), g.drag(now)...)
	case Reconfigured:
		g.known = false
		acts = append(acts, actsOf(router, m.Handle(now, ev))...)
		g.rank()
		return acts
	default:
		return append(acts, g.handOn(now, router, ev)...)
	}
}

// handOn gives an event to one machine. The others follow when it gives up.
func (g *Group) handOn(now time.Time, router int, ev Event) []Act {
	m := g.routers[router]
	before, was := m.state, m.Deadline()
	acts := actsOf(router, m.Handle(now, ev))
	if before == api.Active && m.state == api.Backup {
		acts = append(acts, g.drag(now)...)
	}
	switch is := m.Deadline(); {
	case m.state != before:
		g.known = false
	case is.Equal(was):
	case m.state == api.Backup && is.After(was): // as all are: the last one counts
		g.deadline = later(g.deadline, is)
	default:
		g.known = false
	}
	return acts
}

// HandleAll takes an event of the whole group: Start, Tick, Health, TakeOver or
// Shutdown. A group resumes as a whole or not at all. A Tick before Deadline is none.
func (g *Group) HandleAll(now time.Time, ev Event) []Act {
	acts := g.checkStalls(now)
	if _, tick := ev.(Tick); tick && !due(g.Deadline(), now) {
		return acts
	}
	g.known = false
	effects := make([][]Effect, len(g.routers))
	for i, m := range g.routers {
		effects[i] = m.Handle(now, ev)
	}
	return append(append(acts, interleave(effects)...), g.drag(now)...)
}

// checkStalls has all give up when one router has stalled, before another one says
// once more that it is active: whoever has taken over might yield to that.
func (g *Group) checkStalls(now time.Time) (acts []Act) {
	if g.routers[0].state == api.Backup {
		return nil // none is active
	}
	for i, m := range g.routers {
		if m.state == api.Active && m.stalled(now) {
			m.checkStall(now)
			acts = append(acts, actsOf(i, m.take())...)
		}
	}
	if len(acts) > 0 {
		g.known = false
		acts = append(acts, g.drag(now)...)
	}
	return acts
}

// drag has the active routers follow one that is no longer.
func (g *Group) drag(now time.Time) (acts []Act) {
	i := slices.IndexFunc(g.routers, func(m *Machine) bool { return m.state == api.Backup })
	if i < 0 {
		return nil
	}
	first := g.routers[i]
	for i, m := range g.routers {
		if m.state == api.Active {
			acts = append(acts, actsOf(i, m.giveUp(now, first))...)
		}
	}
	return acts
}

// linkOf is the link as router i should see it: without that of each router none
// can serve. One that is leaving needs only its own.
func (g *Group) linkOf(i int) Link {
	own := g.links[i]
	if !own.Up || g.routers[i].state == api.Leaving {
		return own
	}
	for j, other := range g.links {
		if !other.Up {
			return Link{Why: fmt.Sprintf("%s: %s", g.routers[j].name(), other.Why)}
		}
	}
	return own
}

// rank tells each machine what it is to the others. Owners begin as active only when
// all are. The first router is the same on all members, in whatever order they have
// them: IPv4 before IPv6, then by VRID.
func (g *Group) rank() {
	owners, first := true, g.routers[0]
	for _, m := range g.routers {
		owners = owners && m.cfg.Priority == PriorityOwner
		if m.before(first) {
			first = m
		}
	}
	for _, m := range g.routers {
		m.listensFirst, m.second = !owners, m != first
	}
}

// name tells it from the others of the group, for people.
func (m *Machine) name() string {
	return fmt.Sprintf("router %d/%s", m.cfg.VRID, api.FamilyOf(m.cfg.Source))
}

func (m *Machine) before(other *Machine) bool {
	if a, b := m.cfg.Source.Is4(), other.cfg.Source.Is4(); a != b {
		return a
	}
	return m.cfg.VRID < other.cfg.VRID
}

// actsOf are the effects of one router.
func actsOf(router int, effects []Effect) (acts []Act) {
	for _, e := range effects {
		acts = append(acts, Act{router, e})
	}
	return acts
}

// interleave takes the first effect of each router, then the second of each, and so
// on: of a group that takes over all advertisements go before the first VIP is
// added, or other backups would take over the last routers meanwhile.
func interleave(effects [][]Effect) (acts []Act) {
	for n := 0; ; n++ {
		more := false
		for i, own := range effects {
			if n < len(own) {
				acts = append(acts, Act{i, own[n]})
				more = true
			}
		}
		if !more {
			return acts
		}
	}
}
