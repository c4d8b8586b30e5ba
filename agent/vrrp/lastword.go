package vrrp

import "time"

// havip's rule for the end of a partition: the better active was cut off, and active
// all the while. The other one yields to its first advertisement, so the better one may
// never hear that there was another, and the network goes on to look for the VIPs
// there until the next refresh. So who is active no more has a last word for who is:
// an advertisement with PriorityYielded. It is repeated until an announcement is seen
// that came after its own. To the actives of other makers it is one of a lower
// priority, upon which keepalived announces too.

const (
	// lastWordFor bounds that, where nobody announces.
	lastWordFor = time.Minute
	// relieved is how long after a takeover the word of the one before is expected, and
	// tells nothing: the second announcement has been made by then.
	relieved = 2500 * time.Millisecond
)

// lastWord is what a backup has to say that was active; its zero value, nothing.
type lastWord struct {
	owed  bool
	since time.Time // its own last announcement
	next  time.Time // when it may be said
}

// sayLastWord says it should it be due: an active was heard just now.
func (m *Machine) sayLastWord(now time.Time) {
	if !m.word.owed || now.Before(m.word.next) {
		return
	}
	if now.Sub(m.since) >= lastWordFor {
		m.word = lastWord{}
		return
	}
	m.word.next = now.Add(claimEvery)
	m.do(SendAdvert{Priority: PriorityYielded, Interval: m.cfg.Interval})
}

// seeAnnounced ends it: the network has been told where the VIPs are. Not by another
// active than the one that is heard; one of another maker has the virtual router's MAC.
func (m *Machine) seeAnnounced(ev Claimed) {
	other := ev.From.IsValid() && m.backup.from.IsValid() && ev.From != m.backup.from
	if !other && ev.At.After(m.word.since) {
		m.word = lastWord{}
	}
}

// hearLastWord has an active announce.
func (m *Machine) hearLastWord(now time.Time, ev Received) {
	if !m.relieves(ev) {
		m.do(Yielded{From: ev.From})
		m.announceAgain(now, ev)
	}
}

// relieves tells whether ev is of the active that this one took over from just now,
// with announcements: it is no rival.
func (m *Machine) relieves(ev Received) bool {
	switch m.reason {
	case OwnsAddress, Preempting, PeerLeft, PeerUnhealthy, SwitchoverTo:
		return ev.At.Before(m.since.Add(relieved))
	}
	return false
}

// hear gives an advertisement to a backup. A last word is none of an active: whoever
// says nothing else, which only other makers' can, is not heard, nor believed to be
// active for its announcements.
func (m *Machine) hear(now time.Time, ev Received) {
	if ev.Priority == PriorityYielded {
		m.backup.arrives = ev.From
		return
	}
	m.hearAsBackup(ev)
	if ev.Priority != PriorityLeave && !ev.At.Before(m.since) {
		m.sayLastWord(now)
	}
}
