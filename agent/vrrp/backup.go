package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
)

// backup is what a backup knows of the active.
type backup struct {
	heard    time.Time     // its last word; when we began to listen, before the first
	patience patience      // what that word was
	learned  time.Duration // Active_Adver_Interval
	from     netip.Addr    // who it was; invalid before the first word
	lower    lower
	ignored  Received   // the last word of an unhealthy active that it is about to relieve
	arrives  netip.Addr // whose advertisement arrived, though it was of before heard
}

// lower is an active of lower priority that a preempting backup hears, and nobody
// better since; zero when there is none.
type lower struct {
	from        netip.Addr // the latest
	since, last time.Time  // its first and its latest word
	timer       time.Time  // the takeover that the first one found
}

// listen is a backup that has heard nothing yet (RFC 9568 section 6.4.1: the active
// is taken to advertise as often as we would).
func (m *Machine) listen(now time.Time) backup {
	return backup{heard: now, learned: m.cfg.Interval}
}

// becomeBackup enters Backup. The VIPs go first, also when they should not be
// there: a killed agent may have left them.
func (m *Machine) becomeBackup(now time.Time, b backup, reason Reason, detail string) {
	m.backup, m.word = b, lastWord{}
	if m.state == api.Active {
		m.word = lastWord{owed: true, since: m.active.announcer.last, next: now.Add(claimEvery)}
	}
	if !m.block.Deaf {
		m.block = Block{}
	}
	m.do(RemoveVIPs{})
	m.transition(now, api.Backup, reason, detail)
}

// takeOverAt is the end of Active_Down_Timer. It is derived rather than set, so
// that health and configuration act on it at once.
//
// havip: an active of lower priority is preempted when it was heard for PreemptDelay.
// And within StartDelay silence is not believed, while a goodbye, or the word of an
// unfit active, is. Announcements where no advertisement arrives: contest.go.
func (m *Machine) takeOverAt() time.Time {
	b := &m.backup
	at := b.heard.Add(m.cfg.wait(b.patience, b.learned, m.healthy))
	if m.mayPreempt() && !b.lower.since.IsZero() {
		at = earliest(at, later(b.lower.timer, b.lower.since.Add(m.cfg.PreemptDelay)))
	}
	if b.patience == alive {
		at = later(at, m.notBefore)
	}
	if m.claimer.believed {
		at = later(at, m.claimer.last.Add(m.cfg.wait(alive, claimEvery, m.healthy)))
	}
	return at
}

// mayPreempt tells whether this backup takes over from an active of lower priority.
func (m *Machine) mayPreempt() bool { return m.healthy && m.cfg.preempts() && !m.conceded }

// hearAsBackup is "If an ADVERTISEMENT is received" of RFC 9568 section 6.4.2. Times
// are of the receipt by the kernel, so that a late wake-up does not lengthen the
// wait; what is older than the last word is not news.
//
// There is no tie-break by address here: equals do not preempt each other.
func (m *Machine) hearAsBackup(ev Received) {
	b := &m.backup
	if ev.At.Before(b.heard) {
		b.arrives = ev.From
		return
	}
	m.isHeard(ev)
	switch {
	case ev.Priority == PriorityLeave:
		// Repeated, or after word of bad health: the wait that runs is the shorter.
		if b.patience == gone || b.patience == unfit && m.healthy {
			return
		}
		b.heard, b.patience, b.from, b.ignored = ev.At, gone, ev.From, Received{}

	case b.patience == alive && m.conceded && m.unheeded(ev.At, ev.From):
		m.noteBlock(ev.At, ev.From, true)
		*b = m.followUnheeded(ev)

	case ev.Priority <= PriorityUnhealthyMax && m.healthy && b.patience != alive:
		// havip: about to take over from it; its next words do not postpone that.
		b.ignored = ev

	case m.mayPreempt() && ev.Priority > PriorityUnhealthyMax && ev.Priority < m.cfg.Priority:
		m.hearLower(ev)

	default:
		*b = m.follow(ev)
	}
}

// hearLower takes the word of an active of lower priority that is to be preempted.
// RFC 9568 section 6.4.2 discards it and the timer runs on. havip: with a
// PreemptDelay it is followed until then, and taken over from when it falls silent.
func (m *Machine) hearLower(ev Received) {
	l := m.backup.lower
	if l.since.IsZero() {
		l.since, l.timer = ev.At, m.takeOverAt()
	}
	l.last, l.from = ev.At, ev.From
	if m.cfg.PreemptDelay > 0 {
		m.backup = m.follow(ev)
	}
	m.backup.lower = l
}

// reconsider lets an active that was to be preempted be, when we may not outrank it
// any more, by new settings or bad health: what was discarded of it counts after all,
// and its next word tells more.
func (b *backup) reconsider(changed bool) {
	if changed && !b.lower.since.IsZero() {
		b.heard, b.patience, b.lower = later(b.heard, b.lower.last), alive, lower{}
	}
}

// intervalOf is how often the sender of ev advertises. Version 2 has no interval to
// learn (RFC 3768 section 6.1).
func (m *Machine) intervalOf(ev Received) time.Duration {
	if ev.Interval > 0 && m.cfg.Version != 2 {
		return ev.Interval
	}
	return m.cfg.Interval
}

// follow is a backup of the active that sent ev.
func (m *Machine) follow(ev Received) backup {
	b := backup{heard: ev.At, learned: m.intervalOf(ev), from: ev.From}
	if ev.Priority <= PriorityUnhealthyMax {
		b.patience = unfit
	}
	return b
}

// tickAsBackup is "If the Active_Down_Timer fires" of RFC 9568 section 6.4.2.
func (m *Machine) tickAsBackup(now time.Time) {
	if !due(m.takeOverAt(), now) {
		return
	}
	b := &m.backup
	detail := fmt.Sprintf("for %s", now.Sub(b.heard).Round(time.Millisecond))
	switch {
	case m.claimer.believed && m.claimer.last.After(b.heard):
		m.becomeActive(now, NoClaim, m.claimer.peer.String())
	case b.patience == gone:
		m.becomeActive(now, PeerLeft, b.from.String())
	case b.patience == unfit && m.healthy:
		m.becomeActive(now, PeerUnhealthy, b.from.String())
	case !b.lower.since.IsZero() && now.Sub(b.lower.last) < 2*b.learned:
		m.becomeActive(now, Preempting, "")
	default:
		m.becomeActive(now, NoAdvert, detail)
	}
}

// takeOver is havip's switchover: the backup becomes active and advertises
// PrioritySwitchover until the old active has yielded. An unhealthy one declines,
// since a healthy backup would take the address away again.
func (m *Machine) takeOver(now time.Time) {
	if m.state != api.Backup || !m.healthy {
		return
	}
	m.becomeActive(now, SwitchoverTo, "")
}
