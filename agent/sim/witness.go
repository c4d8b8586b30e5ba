package sim

import (
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// witness is what a machine was told, kept by who judges it. Times are of the
// server's clock.
type witness struct {
	// As active.
	sent    time.Time // when an advert last left, as the machine may count it
	since   time.Time // it is active
	greater bool      // whether it has seen an active with a greater MAC
	due     time.Time // when it would have stalled but for the latest reload

	// As backup.
	heard   advert        // the last one
	least   time.Duration // the shortest interval that it may go by
	highest int           // priority that was in force since it listens
	goodbye time.Time     // the first of the words that ask for a successor
	held    time.Time     // the last word that holds back who preempts
	lower   time.Time     // the first word of an active that it could preempt
}

// advert is one that was heard; its zero value, that none was.
type advert struct {
	any      bool
	at       time.Time
	priority int
}

// left notes that an advert left. After too long a silence that is too late.
func (x *witness) left(c vrrp.Config, at time.Time) {
	if at.After(x.sent) && !x.stalled(c, at) {
		x.sent = at
	}
}

// stalled tells whether no advert has left for the down interval.
func (x *witness) stalled(c vrrp.Config, now time.Time) bool {
	return now.Sub(x.sent) >= down(c, c.Interval)
}

// listen notes what an event is to a backup.
func (x *witness) listen(m *member, before api.State, now time.Time, ev vrrp.Event) {
	heard, ok := ev.(vrrp.Received)
	if before != api.Backup {
		at := now
		// It listens since the word that made it give up.
		if ok {
			at = heard.At
		} else if claim, ok := ev.(vrrp.Claimed); ok {
			at = claim.At
		}
		x.enter(at, m.inForce)
	}
	if ok {
		x.hear(m, heard)
	}
}

// enter begins to listen.
func (x *witness) enter(at time.Time, c vrrp.Config) {
	*x = witness{sent: x.sent, heard: advert{at: at}, least: c.Interval, highest: c.Priority, held: at}
}

// hear notes an advert of an active; what is older than the last one is not news.
func (x *witness) hear(m *member, ev vrrp.Received) {
	if ev.At.Before(x.heard.at) || ev.Priority == vrrp.PriorityYielded {
		return
	}
	c := m.inForce
	x.heard = advert{any: true, at: ev.At, priority: ev.Priority}
	x.least = min(x.least, ev.Interval)
	// The wait after a goodbye runs on through the words of an active of lower
	// priority, which one who preempts discards.
	goodbye := !x.goodbye.IsZero()
	discards := m.told && preempts(c) && c.PreemptDelay == 0 && ev.Priority < c.Priority
	switch {
	case ev.Priority > vrrp.PriorityUnhealthyMax && !discards:
		x.goodbye = time.Time{}
	case ev.Priority <= vrrp.PriorityUnhealthyMax && x.goodbye.IsZero():
		x.goodbye = ev.At
	}
	switch {
	case ev.Priority >= c.Priority:
		x.held, x.lower = ev.At, time.Time{}
	case ev.Priority > vrrp.PriorityUnhealthyMax:
		if x.lower.IsZero() {
			x.lower = ev.At
		}
		if goodbye {
			x.held = time.Time{} // the wait after a goodbye is the shorter
		}
	}
}
