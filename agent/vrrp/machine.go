package vrrp

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
)

// Machine is the state machine of one virtual router (RFC 9568 section 6.4). It is
// not safe for concurrent use, and the same seed, times and events give the same
// effects. Times may be of any clock, as long as all are of the same.
//
// Its states are in files of their own: backup.go, active.go, leaving.go.
type Machine struct {
	cfg Config
	rng *rand.Rand // the jitter of refreshes

	state  api.State
	since  time.Time
	reason Reason

	started   bool      // Start was handled
	notBefore time.Time // the end of StartDelay and the down interval after it
	stopped   bool      // Stopped was returned; nothing happens any more
	healthy   bool
	linkUp    bool
	// listensFirst holds for an owner whose group has a router that it does not own.
	listensFirst bool
	second       bool // another router of the group decides before it

	unheard  netip.Addr // whom it yielded to without hearing it
	conceded bool       // it yielded where advertisements are blocked, and preempts nobody
	claimer  claimer    // of a backup; zero when there is none
	block    Block      // zero when none was seen
	word     lastWord   // of a backup; zero when it has none

	// Of these only the one that state names is valid.
	backup  backup
	active  active
	leaving leaving

	effects []Effect // of the Handle that runs
}

// New makes a machine in Init that waits for Start. It takes the member for
// healthy and the link for usable until an event, also one before Start, says
// otherwise. A configured priority in a range that havip reserves is moved to the
// nearest free one.
func New(cfg Config, seed uint64) *Machine {
	return &Machine{
		cfg:     cfg.normalize(),
		rng:     rand.New(rand.NewPCG(seed, seed)),
		state:   api.Init,
		healthy: true,
		linkUp:  true,
	}
}

// State is the state that the machine is in; Init after Stopped.
func (m *Machine) State() api.State { return m.state }

// Since is when it entered State; zero before Start.
func (m *Machine) Since() time.Time { return m.since }

// Reason says why it entered State; empty before Start.
func (m *Machine) Reason() Reason { return m.reason }

// Config is what is in force.
func (m *Machine) Config() Config { return m.cfg }

// Healthy is the last verdict of the health checks.
func (m *Machine) Healthy() bool { return m.healthy }

// Priority is the one in force: what the machine advertises, or would.
func (m *Machine) Priority() int {
	switch {
	case m.state == api.Leaving:
		return PriorityLeave
	case m.state == api.Active && !m.active.boost.IsZero():
		return PrioritySwitchover
	case !m.healthy:
		return m.cfg.unhealthyPriority()
	default:
		return m.cfg.Priority
	}
}

// Deadline is when the next Tick is wanted; zero when none is. A backup's moves
// with what it hears, so ask again after every Handle.
func (m *Machine) Deadline() time.Time {
	switch m.state {
	case api.Backup:
		return m.takeOverAt()
	case api.Active:
		return earliest(m.active.advert, m.active.boost, m.active.announcer.next, m.active.contest.silence)
	case api.Leaving:
		return earliest(m.leaving.repeat, m.leaving.bound)
	default:
		return time.Time{}
	}
}

// Handle takes an event that happened at now and returns what must be done, in
// that order; nil when nothing. Only Tick fires timers: an advertisement that
// waited in the socket counts before the timer that it would have restarted.
func (m *Machine) Handle(now time.Time, ev Event) []Effect {
	if m.stopped {
		return nil
	}
	m.noteSent(ev)
	m.checkStall(now)

	switch ev := ev.(type) {
	case Start:
		m.start(now, ev)
	case Received:
		m.receive(now, ev)
	case Claimed:
		m.hearClaim(now, ev)
	case Tick:
		m.tick(now)
	case Shutdown:
		m.shutdown(now)
	case TakeOver:
		m.takeOver(now)
	case Health:
		m.setHealth(now, ev.OK)
	case Link:
		m.setLink(now, ev)
	case Reconfigured:
		m.reconfigure(now, ev.Config.normalize())
	}

	return m.take()
}

// take returns the effects that have come together.
func (m *Machine) take() []Effect {
	effects := m.effects
	m.effects = nil
	return effects
}

// start leaves Init (RFC 9568 section 6.4.1). havip: a new agent whose predecessor
// renewed the lease a moment ago goes on as active; no peer has noticed.
func (m *Machine) start(now time.Time, ev Start) {
	if m.started {
		return
	}
	m.started = true
	if m.cfg.StartDelay > 0 && !ev.Resume {
		m.notBefore = now.Add(m.cfg.StartDelay + m.cfg.down(m.cfg.Interval))
	}
	switch {
	case !m.linkUp:
		m.idle(now, LinkDown, "")
	case ev.Resume:
		m.becomeActive(now, Resumed, "")
	default:
		m.begin(now, Started)
	}
}

// begin is the way out of Init: the owner of the address is active at once, any
// other listens first (RFC 9568 section 6.4.1). havip: so does an owner that is
// unhealthy, was told to wait, or does not own all addresses of its group.
func (m *Machine) begin(now time.Time, reason Reason) {
	wait := m.listensFirst || m.cfg.PreemptDelay > 0 || now.Before(m.notBefore)
	if m.cfg.Priority == PriorityOwner && m.healthy && !wait {
		m.becomeActive(now, OwnsAddress, "")
		return
	}
	m.becomeBackup(now, m.listen(now), reason, "")
}

// setLink follows the NIC. havip: without it a router can neither send nor hear,
// which is Init, the state of a virtual router that is not operated.
func (m *Machine) setLink(now time.Time, ev Link) {
	if ev.Up == m.linkUp {
		return
	}
	m.linkUp = ev.Up
	switch {
	case !m.started:
	case ev.Up:
		m.begin(now, LinkUp)
	case m.state == api.Leaving:
		m.stop(now, LinkDown, ev.Why)
	default:
		m.idle(now, LinkDown, ev.Why)
	}
}

// receive gives an advertisement to the state. havip: our own one, which a switch
// or a multicast socket sent back, is no rival; answering it would never end.
func (m *Machine) receive(now time.Time, ev Received) {
	if ev.From = ev.From.Unmap(); ev.From == m.cfg.Source {
		return
	}
	if ev.At.IsZero() || ev.At.After(now) {
		ev.At = now
	}
	switch m.state {
	case api.Backup:
		m.hear(now, ev)
	case api.Active:
		m.hearAsActive(now, ev)
	case api.Leaving:
		m.hearAsLeaving(now, ev)
	}
}

func (m *Machine) tick(now time.Time) {
	switch m.state {
	case api.Backup:
		m.tickAsBackup(now)
	case api.Active:
		m.tickAsActive(now)
	case api.Leaving:
		m.tickAsLeaving(now)
	}
}

// shutdown ends the protocol (the Shutdown event of RFC 9568 section 6.4).
func (m *Machine) shutdown(now time.Time) {
	switch m.state {
	case api.Active:
		m.leave(now)
	case api.Leaving: // it is on the way
	default:
		m.stop(now, Stopping, "")
	}
}

// setHealth notes the checks' verdict. A backup only waits longer or shorter
// from now on (Config.wait); an unhealthy one preempts nobody.
func (m *Machine) setHealth(now time.Time, ok bool) {
	if ok == m.healthy {
		return
	}
	m.healthy = ok
	switch m.state {
	case api.Active:
		m.healthChanged(now)
	case api.Backup:
		m.backup.reconsider(!ok)
		// An active as ill as we are now is not relieved: what it said meanwhile counts.
		if last := m.backup.ignored; !ok && !last.At.Before(m.backup.heard) {
			m.backup = m.follow(last)
		}
	}
}

// reconfigure puts new settings in force. havip: no transition comes from it, so
// that a reload never moves the address.
func (m *Machine) reconfigure(now time.Time, cfg Config) {
	before := m.cfg
	m.cfg = cfg
	switch m.state {
	case api.Active:
		// Peers learn the interval from the advertisements that go out now.
		if cfg.Interval > before.Interval {
			m.active.hurry, m.active.pace = teachings, before.Interval
		}
		m.active.sent = now
		m.active.announcer.hasten(now, cfg.Refresh)
		m.advertise(now)
	case api.Backup:
		// The active's interval stays in force until its next advertisement. While
		// none was heard, the longer of ours: a shorter one could have run out by now.
		if !m.backup.from.IsValid() {
			m.backup.learned = max(m.backup.learned, cfg.Interval)
		}
		m.backup.reconsider(cfg.Priority != before.Priority || !m.mayPreempt())
	}
}

// idle goes to Init, where no VIP is held.
func (m *Machine) idle(now time.Time, reason Reason, detail string) {
	m.block = Block{}
	m.do(RemoveVIPs{})
	m.transition(now, api.Init, reason, detail)
}

// stop goes to Init for good.
func (m *Machine) stop(now time.Time, reason Reason, detail string) {
	m.idle(now, reason, detail)
	m.do(Stopped{})
	m.stopped = true
}

// transition enters a state. It is reported after the other effects, when what
// it says is so. Init to Init, a stop while the link is down, is none.
func (m *Machine) transition(now time.Time, to api.State, reason Reason, detail string) {
	if m.state != to {
		m.do(Transition{From: m.state, To: to, Reason: reason, Detail: detail})
	}
	m.state, m.since, m.reason = to, now, reason
}

func (m *Machine) do(e Effect) { m.effects = append(m.effects, e) }
