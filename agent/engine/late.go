package engine

import (
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// minLate is how late a wake-up must be to be counted. Under load they are late
// by up to 7 ms on a server that is well.
const minLate = 10 * time.Millisecond

// deadline is when the machine wants a Tick; zero when it has no wish.
func (r *router) deadline() time.Time {
	if r.machine == nil {
		return time.Time{}
	}
	return r.machine.Deadline()
}

// tick gives the machine its Tick when it is due. The caller has emptied the
// inbox; the socket is emptied here: an agent that was stopped or starved finds
// its deadline passed while the advertisements that move it wait to be read.
func (r *router) tick(now time.Time) {
	at := r.deadline()
	if at.IsZero() || now.Before(at) {
		return
	}
	if now.Sub(at) > max(minLate, time.Duration(r.cfg.Interval)/10) {
		r.counters["late_wakeups"]++
	}
	for {
		advert, got, err := r.wire.TryReceive()
		if err != nil {
			r.fault("receive", err)
		}
		if !got {
			break
		}
		r.receive(letter{to: r, advert: advert})
	}
	if at := r.deadline(); at.IsZero() || now.Before(at) {
		return
	}
	r.handle(vrrp.Tick{})
}
