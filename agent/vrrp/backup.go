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
	// outranked is when we last discarded the word of an active of lower priority.
	outranked time.Time
}

// listen is a backup that has heard nothing yet (RFC 9568 section 6.4.1: the active
// is taken to advertise as often as we would).
func (m *Machine) listen(now time.Time) backup {
	return backup{heard: now, learned: m.cfg.Interval}
}

// becomeBackup enters Backup. The VIPs go first, also when they should not be
// there: a killed agent may have left them.
func (m *Machine) becomeBackup(now time.Time, b backup, reason Reason, detail string) {
	m.backup = b
	m.do(RemoveVIPs{})
	m.transition(now, api.Backup, reason, detail)
}

// takeOverAt is the end of Active_Down_Timer. It is derived rather than set, so
// that health and configuration act on it at once.
func (m *Machine) takeOverAt() time.Time {
	b := &m.backup
	return b.heard.Add(m.cfg.wait(b.patience, b.learned, m.healthy))
}

// hearAsBackup is "If an ADVERTISEMENT is received" of RFC 9568 section 6.4.2. Times
// are of the receipt by the kernel, so that a late wake-up does not lengthen the
// wait; what is older than the last word is not news.
//
// There is no tie-break by address here: equals do not preempt each other.
func (m *Machine) hearAsBackup(ev Received) {
	b := &m.backup
	if ev.At.Before(b.heard) {
		return
	}
	switch {
	case ev.Priority == PriorityLeave:
		// Repeated, or after word of bad health: the wait that runs is the shorter.
		if b.patience == gone || b.patience == unfit && m.healthy {
			return
		}
		b.heard, b.patience, b.from = ev.At, gone, ev.From

	case ev.Priority <= PriorityUnhealthyMax && m.healthy && b.patience != alive:
		// havip: about to take over from it; its next words do not postpone that.

	case m.healthy && m.cfg.preempts() && ev.Priority > PriorityUnhealthyMax && ev.Priority < m.cfg.Priority:
		b.outranked = ev.At // discarded: the timer runs on

	default:
		*b = m.follow(ev)
	}
}

// follow is a backup of the active that sent ev. Version 2 has no interval to learn.
func (m *Machine) follow(ev Received) backup {
	b := backup{heard: ev.At, learned: m.cfg.Interval, from: ev.From}
	if ev.Interval > 0 && m.cfg.Version != 2 {
		b.learned = ev.Interval
	}
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
	case b.patience == gone:
		m.becomeActive(now, PeerLeft, b.from.String())
	case b.patience == unfit && m.healthy:
		m.becomeActive(now, PeerUnhealthy, b.from.String())
	case !b.outranked.IsZero() && now.Sub(b.outranked) < 2*b.learned:
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
