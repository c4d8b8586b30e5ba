package vrrp

import (
	"time"

	"github.com/havip/havip/agent/api"
)

// leaving is the timers of an active that has said goodbye.
type leaving struct {
	repeat time.Time // of priority 0; zero when done
	bound  time.Time // when it goes, successor or not
}

// leave hands over. RFC 9568 section 6.4.3 sends priority 0 and is gone; havip holds
// the VIPs until the successor's advertisement is heard, so that there is no hole,
// and says it twice, since a lost one would cost a down interval.
func (m *Machine) leave(now time.Time) {
	bound := m.cfg.leaveBound()
	m.leaving = leaving{repeat: now.Add(bound / 2), bound: now.Add(bound)}
	m.advertiseAt(now, PriorityLeave)
	m.transition(now, api.Leaving, Stopping, "")
}

func (m *Machine) hearAsLeaving(now time.Time, ev Received) {
	if ev.Priority > PriorityYielded {
		m.stop(now, HandedOver, ev.From.String())
	}
}

func (m *Machine) tickAsLeaving(now time.Time) {
	switch {
	case due(m.leaving.bound, now):
		m.stop(now, Stopping, "no successor was heard")
	case due(m.leaving.repeat, now):
		m.leaving.repeat = time.Time{}
		m.advertiseAt(now, PriorityLeave)
	}
}
