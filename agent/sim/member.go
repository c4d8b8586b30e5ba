package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// member is a server and its agent: the loop of agent/engine around the group.
type member struct {
	kernel
	index   int
	name    string
	spec    Member
	cfg     vrrp.Config // in the agent's file
	healthy bool        // what the checks say

	// The agent's process; without a brain it does not run.
	brain   *brain
	process int       // counts the starts
	started time.Time // on the server's clock
	gate    time.Time // before which it does not believe silence
	waiting bool      // for the link, to begin
	stopped bool      // by a signal
	going   bool      // it was asked to stop
	stopBy  time.Time // when it ends at the latest; zero before the loop knows
	left    int       // how many routers have stopped

	// The loop.
	socket []packet
	rest   []func()                  // of a turn in which it was stopped
	acts   []func()                  // what it was asked to do
	turn   int                       // counts its turns
	want   [maxRouters]time.Duration // lease of the VIPs that a router wants on the NIC; 0: none
	todo   []vrrp.Act
	sent   *report
	trap   func() // run between two effects
	late   bool   // it was stopped there, and goes on with the rest

	// For who judges it.
	inForce  vrrp.Config               // what the group was told last
	told     bool                      // that it is healthy
	became   time.Duration             // active, in true time
	spoke    [maxRouters]time.Duration // announced last
	unheeded bool                      // it gave up because it was not heard, and preempts nobody
	unheard  netip.Addr                // for whom, if that was not heard either
	priority priorities                // last seen
	shown    string                    // the last line of the trace
	witness  [maxRouters]witness
	pace     [maxRouters]pace
	words    [maxRouters]words
}

// pace is how many adverts a router has sent since a time.
type pace struct {
	since   time.Duration
	adverts int
}

// words are when it ceased to be active, and said so last, on the server's clock.
type words struct{ from, last time.Time }

// stance is how a router was before an event.
type stance struct {
	state    api.State
	priority int
}

// report is that an advert left.
type report struct {
	router int
	at     time.Time
}

func newMember(w *world, index int, spec Member) *member {
	m := &member{index: index, name: name(index), spec: spec, cfg: spec.Config, healthy: true}
	m.kernel = kernel{
		w: w, m: m, on: true, linkUp: true,
		clock: clock{offset: spec.Offset, ppm: int64(spec.PPM)},
		vips:  make([]vips, spec.Routers),
	}
	return m
}

// awake tells whether the agent runs and can do something now.
func (m *member) awake() bool { return m.brain != nil && m.runs() && !m.stopped }

// serving tells whether it could be active.
func (m *member) serving() bool { return m.awake() && m.linkUp && !m.going }

// leads tells whether it is active, and able to say so.
func (m *member) leads() bool { return m.awake() && m.linkUp && m.brain.all(api.Active) }

// priorities are those of an active's routers; a switchover may end earlier for the
// one than for the other.
type priorities struct {
	active bool
	of     [maxRouters]int
}

func (m *member) shownPriority() (p priorities) {
	if p.active = m.leads(); p.active {
		for r := range m.vips {
			p.of[r] = m.brain.group.Router(r).Priority()
		}
	}
	return p
}

// tied tells whether two actives have the same priority for any router.
func (m *member) tied(other *member) bool {
	for r := range m.vips {
		if m.priority.of[r] == other.priority.of[r] {
			return true
		}
	}
	return false
}

// queue is the socket of an agent that runs.
func (m *member) queue(p packet) {
	if m.brain == nil || len(m.socket) >= socketSize {
		return
	}
	m.socket = append(m.socket, p)
	m.wake()
}

// act has the loop do something.
func (m *member) act(do func()) {
	if m.brain != nil {
		m.acts = append(m.acts, do)
		m.wake()
	}
}

// wake gives the loop a turn soon.
func (m *member) wake() {
	if m.awake() {
		m.w.at(m.w.now+m.w.lateness(), m.loop)
	}
}

// loop is one turn of the loop, in the engine's order: what has arrived, what is
// due, and then what it was asked to do.
func (m *member) loop() {
	if !m.awake() {
		return
	}
	m.finish()
	m.read(m.arrived())
	m.tick()
	if len(m.acts) > 0 && m.awake() {
		do := m.acts[0]
		m.acts = m.acts[1:]
		do()
	}
	if !m.awake() {
		return
	}
	if len(m.acts)+len(m.socket) > 0 {
		m.wake()
	}
	if !m.stopBy.IsZero() && !m.time().Before(m.stopBy) {
		m.exit()
		return
	}
	m.turn++
	deadline := m.brain.deadline()
	if !m.stopBy.IsZero() && (deadline.IsZero() || m.stopBy.Before(deadline)) {
		deadline = m.stopBy
	}
	if !deadline.IsZero() {
		turn, process := m.turn, m.process
		m.w.at(max(m.w.now, m.clock.when(deadline))+m.w.lateness(), func() {
			if m.turn == turn && m.process == process {
				m.loop()
			}
		})
	}
}

// finish does what was left of a turn when it was stopped between two effects.
func (m *member) finish() {
	m.perform()
	for len(m.rest) > 0 && m.awake() {
		next := m.rest[0]
		m.rest = m.rest[1:]
		next()
	}
}

// arrived is how many packets the loop sees: now and then some are still in the
// socket.
func (m *member) arrived() int {
	if n := len(m.socket); m.w.rng.IntN(8) == 0 {
		return m.w.rng.IntN(n + 1)
	} else {
		return n
	}
}

// read takes n packets.
func (m *member) read(n int) {
	for ; n > 0 && m.awake(); n-- {
		p := m.socket[0]
		m.socket = m.socket[1:]
		from := m.w.members[p.from]
		source := ofRouter(from.cfg, p.router).Source
		if p.claim {
			if p.left < m.spoke[p.router] { // it seems to have come after its own
				m.w.wire.excuse(p.router)
			}
			m.handle(p.router, vrrp.Claimed{From: source, Greater: from.spec.MAC > m.spec.MAC, At: p.at})
			continue
		}
		// RFC 3768 section 7.1: of another interval than ours is discarded.
		if m.cfg.Version == 2 && p.advert.Interval != m.cfg.Interval {
			continue
		}
		m.handle(p.router, vrrp.Received{
			From: source, Priority: p.advert.Priority, Interval: p.advert.Interval, At: p.at,
		})
	}
}

// tick empties the socket before a timer may fire.
func (m *member) tick() {
	if !m.due() {
		return
	}
	m.read(len(m.socket))
	if !m.due() {
		return
	}
	m.handle(0, vrrp.Tick{})
	if m.due() {
		m.w.watch.fail(Idle, "%s: a tick did not move the deadline", m.name)
	}
}

func (m *member) due() bool {
	if !m.awake() {
		return false
	}
	at := m.brain.deadline()
	return !at.IsZero() && !m.time().Before(at)
}

// handle gives the machine an event and carries out what it wants.
func (m *member) handle(router int, ev vrrp.Event) {
	if m.brain == nil {
		return
	}
	if !m.awake() { // stopped between two events of one turn: it goes on with this one
		m.rest = append(m.rest, func() { m.handle(router, ev) })
		return
	}
	var before [maxRouters]stance
	for r := range m.vips {
		before[r] = stance{m.brain.state(r), m.brain.group.Router(r).Priority()}
	}
	acts := m.brain.handle(m.time(), router, ev)
	m.w.watch.judge(m, before, router, ev, acts)
	m.show(router, ev, acts)
	m.todo = append(m.todo, acts...)
	m.perform()
}

// perform carries out the effects in order. A trap stops the process between two
// of them, and it goes on there when it is let.
func (m *member) perform() {
	for m.awake() && (m.sent != nil || len(m.todo) > 0) {
		if m.sent != nil {
			r := *m.sent
			m.sent = nil
			m.handle(r.router, vrrp.Sent{At: r.at})
			continue
		}
		a := m.todo[0]
		m.todo = m.todo[1:]
		m.do(a)
		if m.trap != nil {
			trap := m.trap
			m.trap = nil
			trap()
			m.late = true
		}
	}
	m.late = m.late && len(m.todo) > 0
}

func (m *member) do(a vrrp.Act) {
	switch f := a.Effect.(type) {
	case vrrp.SendAdvert:
		if !m.linkUp || m.mute {
			return // it did not leave: nothing to report
		}
		m.w.watch.sent(m, a.Router)
		m.w.wire.send(packet{from: m.index, router: a.Router, advert: f})
		m.sent = &report{a.Router, m.time()}
	case vrrp.AddVIPs:
		m.want[a.Router] = f.Lease
		m.put(a.Router, f.Lease)
	case vrrp.RemoveVIPs:
		m.want[a.Router] = 0
		m.drop(a.Router)
	case vrrp.Announce:
		if m.linkUp && m.vips[a.Router].held {
			m.spoke[a.Router] = m.w.now
			m.w.wire.learn(a.Router, m.index)
			if m.late { // no machine knows of an announcement that was held up
				m.w.wire.excuse(a.Router)
			}
			m.w.wire.send(packet{from: m.index, router: a.Router, claim: true})
		}
	case vrrp.Transition:
		m.w.watch.transition(m, f)
	case vrrp.Stopped:
		if m.left++; m.left == len(m.vips) {
			m.exit()
		}
	}
}

// strip takes the VIPs away behind the agent's back.
func (m *member) strip() {
	for i := range m.vips {
		m.drop(i)
	}
	m.act(m.inspect)
}

// inspect mends what somebody did to the VIPs, as the engine does.
func (m *member) inspect() {
	for i := range m.vips {
		switch lease := m.want[i]; {
		case !m.linkUp:
		case lease > 0 && !m.vips[i].held:
			m.w.logf("%s  VIPs put back", m.name)
			m.put(i, lease)
		case lease == 0 && m.vips[i].held:
			m.drop(i)
		}
	}
}

// show adds to the trace what people want to know of an event.
func (m *member) show(router int, ev vrrp.Event, acts []vrrp.Act) {
	if m.w.trace == nil {
		return
	}
	words := describe(ev, acts)
	if len(m.vips) > 1 && words != "" && !forAll(ev) {
		words = fmt.Sprintf("router %d ", router) + words
	}
	if words == "" || words == m.shown {
		return
	}
	m.shown = words
	m.w.logf("%s  %s", m.name, words)
}
