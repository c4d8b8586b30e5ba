package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
)

// active is the timers of an active.
type active struct {
	advert    time.Time // Adver_Timer
	sent      time.Time // when an advertisement last left
	boost     time.Time // end of PrioritySwitchover; zero when not in force
	announcer announcer
	contest   contest
	// lastResort: it is unhealthy, and found nobody better.
	lastResort bool

	// hurry is how many advertisements still follow at pace, the interval
	// before a reload made it longer.
	hurry int
	pace  time.Duration
}

// teachings is how many advertisements tell of a longer interval at the pace of
// the shorter one. havip: peers wait by the interval that they know, so one
// that misses the news would take over; that many are not lost in a row.
const teachings = 3

// becomeActive enters Active (RFC 9568 section 6.4.2). The advertisement goes first:
// it keeps other backups from doing the same. The VIPs are on the NIC before the
// announcement draws traffic to it.
func (m *Machine) becomeActive(now time.Time, reason Reason, detail string) {
	m.active = active{sent: now, lastResort: !m.healthy}
	if reason == SwitchoverTo {
		m.active.boost = now.Add(m.cfg.down(m.cfg.Interval))
	}
	contest := m.claimer.believed && now.Sub(m.claimer.last) <= blockedFor
	m.active.contest.claims, m.active.contest.proven = contest, contest
	m.claimer.believed, m.conceded, m.unheard = false, false, netip.Addr{}
	// As the state already: Priority depends on it.
	from := m.state
	m.state, m.since, m.reason = api.Active, now, reason
	m.advertise(now)
	m.active.announcer.start(now, "became active")
	m.announce(now)
	if contest {
		m.active.announcer.steady(now)
	}
	m.do(Transition{From: from, To: api.Active, Reason: reason, Detail: detail})
}

// advertise sends an advertisement and renews the lease of the VIPs with it: who
// cannot do the one soon loses the other.
func (m *Machine) advertise(now time.Time) {
	m.advertiseAt(now, m.Priority())
}

func (m *Machine) advertiseAt(now time.Time, priority int) {
	m.do(SendAdvert{Priority: priority, Interval: m.cfg.Interval})
	m.do(AddVIPs{Lease: m.cfg.lease()})
	gap := m.cfg.Interval
	if m.active.hurry > 0 {
		m.active.hurry--
		gap = min(gap, m.active.pace)
	}
	m.active.advert = now.Add(gap)
}

func (m *Machine) announce(now time.Time) {
	if now.Sub(m.active.contest.mute.last) >= unproven {
		m.unclaim()
	}
	if a, ok := m.active.announcer.fire(now, m.cfg.Refresh, m.rng); ok {
		m.active.contest.told++
		m.do(a)
	}
}

// tickAsActive is "If the Adver_Timer fires" of RFC 9568 section 6.4.3, and havip's
// announcements and end of a switchover.
func (m *Machine) tickAsActive(now time.Time) {
	if due(m.active.boost, now) {
		m.active.boost = time.Time{}
	}
	if due(m.active.advert, now) {
		m.advertise(now)
	}
	if c := &m.active.contest; due(c.silence, now) {
		c.silence, m.active.lastResort = time.Time{}, true
	}
	m.announce(now)
}

// hearAsActive is "If an ADVERTISEMENT is received" of RFC 9568 section 6.4.3. The
// higher priority wins, also without preemption, and among equals the greater
// source address. havip: of a group the first router breaks the tie, while it can;
// the addresses of another may be in another order. Until then neither of its routers
// yields, so only the one with the greater address answers: two answers would each
// be answered at once, for as long as both are active.
func (m *Machine) hearAsActive(now time.Time, ev Received) {
	own := m.Priority()
	greater := ev.Priority == own && ev.From.Compare(m.cfg.Source) > 0
	switch {
	case ev.Priority == PriorityLeave:
		m.advertise(now)
		if !m.relieves(ev) { // havip: the network may have looked for the VIPs there
			m.announceAgain(now, ev)
		}
	case ev.Priority == PriorityYielded:
		m.hearLastWord(now, ev)
	case ev.Priority > own || greater && m.breaksTies():
		m.yield(now, ev)
	default:
		m.outlast(now, ev, !greater)
	}
}

func (m *Machine) breaksTies() bool {
	return !m.second || m.active.contest.deaf.length() >= m.cfg.down(m.cfg.Interval)
}

// yield goes to Backup before a better active. Without priority 0, which is for
// those who leave no active behind. havip: but with a last word (lastword.go).
func (m *Machine) yield(now time.Time, ev Received) {
	reason := Preempted
	switch {
	case ev.Priority == PrioritySwitchover:
		reason = SwitchoverFrom
	case !m.healthy:
		reason = Unhealthy
	case ev.Priority == m.Priority():
		reason = LostTie
	}
	m.becomeBackup(now, m.follow(ev), reason, fmt.Sprintf("%s at priority %d", ev.From, ev.Priority))
	if reason != SwitchoverFrom { // who was asked to take over announces it
		m.word.next = now
		m.sayLastWord(now)
	}
}

// outlast waits for a rival to yield, and tells it and the network that we are the
// better active (RFC 9568 section 6.4.3). havip: unless this one yields to it after
// all (contest.go), and then without an answer, or both could. A switchover goes on
// until no rival has been heard for a down interval.
func (m *Machine) outlast(now time.Time, ev Received, answers bool) {
	m.do(Rival{From: ev.From, Priority: ev.Priority})
	if !m.active.boost.IsZero() {
		m.active.boost = now.Add(m.cfg.down(m.cfg.Interval))
	}
	if m.hearDeaf(now, ev); m.state == api.Active && answers {
		m.answer(now, ev)
	}
}

// answer is an advertisement at once, and an announcement. Of version 2 only this:
// the rival is to hear the next advertisement (RFC 3768 section 6.4.3). havip: what
// came before our last advertisement left has its answer already, so that many which
// waited together get one.
func (m *Machine) answer(now time.Time, ev Received) {
	if m.cfg.Version != 2 && ev.At.After(m.active.sent) {
		m.advertise(now)
	}
	m.announceAgain(now, ev)
}

// announceAgain begins the schedule of announcements anew; not that of an unhealthy
// one that keeps silent, so that another takes over.
func (m *Machine) announceAgain(now time.Time, ev Received) {
	if !m.active.contest.silence.IsZero() {
		return
	}
	m.active.announcer.start(now, "a rival was heard: "+ev.From.String())
	m.announce(now)
}

// healthChanged moves an active into the unhealthy band or out of it. havip:
// priority 0 makes any healthy backup take over within its skew, those of other
// makers too; the VIPs stay until it is heard. When none came after an interval we
// advertise in the band, so that a bad check on all members does not take the
// address away. Where advertisements are blocked, silence takes the place of
// priority 0, and the successor's announcement that of its advertisement.
func (m *Machine) healthChanged(now time.Time) {
	c := &m.active.contest
	if m.healthy {
		if m.active.lastResort = false; !c.silence.IsZero() {
			c.silence, m.active.announcer.next = time.Time{}, now
		}
		m.advertise(now)
		m.announce(now)
		return
	}
	m.active.boost = time.Time{}
	m.advertiseAt(now, PriorityLeave)
	if c.claims {
		c.silence = m.active.announcer.last.Add(handOver)
		m.active.announcer.next = c.silence
	}
}

// giveUp goes to Backup because the router first of the group did.
func (m *Machine) giveUp(now time.Time, first *Machine) []Effect {
	m.becomeBackup(now, m.listen(now), Together, fmt.Sprintf("%s: %s", first.name(), first.reason))
	if first.reason != SwitchoverFrom {
		m.word.next = now
	}
	return m.take()
}

// noteSent takes the report of an advertisement that left. One that left after
// too long a silence does not count: a backup may be active by then.
func (m *Machine) noteSent(ev Event) {
	sent, ok := ev.(Sent)
	if ok && m.state == api.Active && sent.At.After(m.active.sent) && !m.stalled(sent.At) {
		m.active.sent = sent.At
	}
}

// checkStall is havip's: an active that could not advertise for its down interval
// (stopped, starved, or not let out) drops the VIPs before it does anything else,
// and listens. A backup is active by now, and the lease has run out.
func (m *Machine) checkStall(now time.Time) {
	if m.state == api.Active && m.stalled(now) {
		detail := fmt.Sprintf("for %s", now.Sub(m.active.sent).Round(time.Millisecond))
		m.becomeBackup(now, m.listen(now), Stalled, detail)
	}
}

func (m *Machine) stalled(at time.Time) bool {
	return at.Sub(m.active.sent) >= m.cfg.down(m.cfg.Interval)
}
