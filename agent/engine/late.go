package engine

import (
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// minLate is how late a wake-up must be to be counted. Under load they are late
// by up to 7 ms on a server that is well.
const minLate = 10 * time.Millisecond

// deadline is when the group wants a Tick; zero when it has no wish.
func (e *Engine) deadline() time.Time {
	if e.group == nil {
		return time.Time{}
	}
	return e.group.Deadline()
}

func (e *Engine) due(now time.Time) bool {
	at := e.deadline()
	return !at.IsZero() && !now.Before(at)
}

// tickGroup gives the group its Tick when it is due. The caller has emptied the
// inbox; before a takeover the sockets are emptied too: an agent that was stopped or
// starved finds its deadline passed while the advertisements that move it wait to be
// read.
func (e *Engine) tickGroup(now time.Time) {
	if !e.due(now) {
		return
	}
	e.countLate(now)
	waits := e.group.Router(0).State() == api.Backup
	for _, r := range e.routers {
		if waits {
			r.drainWire()
		}
	}
	if !e.due(now) {
		return
	}
	for _, r := range e.routers {
		if waits && r.sourceMissing != "" {
			r.setLink(false, r.sourceMissing) // who cannot hear must not take over
			return
		}
	}
	e.tellAll(vrrp.Tick{})
}

// countLate counts the wake-up for the routers that waited for it, when it is late.
func (e *Engine) countLate(now time.Time) {
	together := e.group.Deadline()
	for _, r := range e.routers {
		at := e.group.Router(r.index).Deadline()
		if at.IsZero() || e.group.Router(r.index).State() == api.Backup {
			at = together
		}
		if now.Sub(at) > max(minLate, time.Duration(r.cfg.Interval)/10) {
			r.counters["late_wakeups"]++
		}
	}
}

// takeAdverts takes what has come in.
func (r *router) takeAdverts() {
	for r.wire != nil { // it may have hung up since
		advert, got, err := r.wire.Take()
		if err != nil {
			r.fault("receive", err)
		}
		if !got {
			return
		}
		r.receive(advert)
	}
}

// drainWire takes also what waits in the socket.
func (r *router) drainWire() {
	if err := r.wire.Fetch(); err != nil {
		r.fault("receive", err)
	}
	r.takeAdverts()
}
