package sim

import (
	"fmt"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// drill makes the wire whole, waits until all is calm, and then has the
// scenario's drills happen one after the other. After each all must be calm again.
func (w *world) drill() {
	if w.watch.violation != nil {
		return
	}
	w.heal()
	w.settle(w.settling() + w.belief())
	for _, d := range w.scenario.Drills {
		active := w.active()
		if w.watch.violation != nil || active == nil {
			return
		}
		f := d.Fault
		f.Who = (active.index + f.Who) % len(w.members)
		f.Other = (active.index + f.Other) % len(w.members)
		w.one(f, active)
	}
}

// one is one drill: what the rules promise is demanded while it lasts.
func (w *world) one(f Fault, active *member) {
	who := w.members[f.Who]
	if who.brain == nil {
		return
	}
	w.promise(f, active, who)
	backups := w.healthyOthers(active)
	lost := f.Who == active.index && loses(f.Kind)
	w.watch.firsts = 0
	w.begin(f)
	if f.For > 0 {
		w.last(f)
		w.end(f)
	}
	w.run(w.now + w.settling())
	if f.Kind == Block || f.Kind == BlockFrom {
		w.run(w.now + claimWait)
	}
	if lost && len(backups) > 1 && w.watch.firsts > 0 {
		w.stats.Takeovers++
		if w.watch.firsts > 1 {
			w.stats.Doubles++
		}
	}
	w.watch.allowAll()
	if f.Kind == TakeOver && who.healthy && who != active && !w.preempting() && w.active() != who {
		w.watch.fail(Handover, "after a switchover to %s it is not active", who.name)
	}
	w.settle(0)
}

// last has a drill take its time. A long block of adverts has been settled before it
// ends: one member is active, and stays so.
func (w *world) last(f Fault) {
	t, end := w.watch, w.now+f.For
	settled := w.now + w.settled()
	if (f.Kind == Block || f.Kind == BlockFrom) && settled < end && w.decidable() {
		w.run(settled)
		if n := w.actives(); n != 1 {
			t.fail(Claims, "%d members are active, though their MACs had time to decide", n)
		}
		t.still = true
	}
	w.run(end)
	t.still = false
}

// loses tells whether a fault takes its member off the wire.
func loses(k Kind) bool {
	switch k {
	case Crash, Off, Leave, Unlink, Sick, Stop:
		return true
	}
	return false
}

// promise demands what the rules promise for a drill.
func (w *world) promise(f Fault, active, who *member) {
	t, now := w.watch, w.now
	t.allowAll()
	self := who == active
	silent, other := w.takeover(active, false)
	left, _ := w.takeover(active, true)
	healthyOthers := w.healthyOthers(active)
	switch {
	case f.Kind == Reload:
		on := f.Settings.Preempt != nil && *f.Settings.Preempt
		t.still = f.Settings.Interval > 0 || !on && !w.preempting()
		t.led.allow(0, now)
		t.served.allow(0, now)
	case f.Kind == Strip:
		t.still = true
		t.served.allow(slack(w.scenario.Late), now)
	case f.Kind == TakeOver:
		t.still = self || !who.healthy
		t.led.allow(0, now)
		t.served.allow(0, now)
	case f.Kind == Sick && self && active.healthy && len(healthyOthers) > 0:
		t.led.allow(0, now)
		t.fit.allow(left+slack(w.scenario.Late), now)
		t.served.allow(0, now)
	case f.Kind == Sick:
		// Who is unhealthy too waits half an interval longer than until the next advert.
		inTime := !other || left > slack(active.inForce.Interval+2*w.latency())+w.scenario.Late
		t.still = self && inTime || !self && !w.preempting()
		t.served.allow(0, now)
	case !self:
		// What becomes of a backup moves nothing, unless it cannot hear the active: it
		// is cut off, or begins to listen and expects more of an active than this says.
		deaf := f.Kind == Isolate || f.Kind == Cut || f.Kind == OneWay || f.Kind == Block || f.Kind == BlockFrom
		hasty := active.inForce.Interval+w.latency() >= 3*who.cfg.Interval
		t.still = (!deaf || w.spares(f)) && !hasty && !w.preempting()
		t.led.allow(0, now)
	case w.spares(f):
		t.still = !w.preempting()
		t.led.allow(0, now)
	case !other:
		// Nobody else is there.
	case f.Kind == Leave:
		hole := max(0, left-leaveBound(active.inForce))
		t.led.allow(left+slack(w.scenario.Late), now)
		t.served.allow(hole, now)
	case f.For > 0 && f.For+w.latency() < 2*active.inForce.Interval-2*w.latency() && (f.Kind == Stop || f.Kind == Freeze || f.Kind == Suspend):
		t.still = true
	case f.Kind == Crash && f.For > 0 && f.For+2*w.latency() < active.inForce.Interval:
		t.still = true
		t.led.allow(f.For+w.latency(), now)
	case f.Kind == Block || f.Kind == BlockFrom:
		t.led.allow(silent+claimWait, now)
	case f.Mid:
		// An advert that was on its way out leaves when the process goes on.
		t.led.allow(slack(f.For)+silent+claimWait, now)
	default:
		t.led.allow(silent, now)
	}
}

// settle lets d pass and then demands that all is as it should be, and stays so.
func (w *world) settle(d time.Duration) {
	t := w.watch
	if limit, any := w.takeover(&member{inForce: vrrp.Config{Interval: t.longest}}, false); any && d > 0 {
		t.led.allow(limit+slack(w.scenario.Weather.Delay)+w.latency()+w.belief(), w.now)
	}
	w.run(w.now + d)
	active, wrong := w.rightful()
	if wrong != nil {
		// Announcements may stand for the adverts of a rival that is active no more.
		w.run(w.now + claimWait)
		active, wrong = w.rightful()
	}
	if wrong != nil {
		t.fail(wrong.Invariant, "%s", wrong.Detail)
	}
	if t.violation != nil || active == nil {
		return
	}
	t.still = true
	t.led.allow(0, w.now)
	t.served.allow(0, w.now)
	w.run(w.now + 4*t.longest)
	t.allowAll()
}

// rightful returns the active, and what is wrong with it: that there is none or two,
// that another should be active, that it has not all of the VIPs or is not alone to
// have them. Nobody, and nothing wrong, when nobody lives.
func (w *world) rightful() (*member, *Violation) {
	var active *member
	living := false
	for _, m := range w.members {
		if !m.serving() {
			continue
		}
		living = true
		if !m.brain.all(api.Active) {
			continue
		}
		if active != nil {
			return nil, wrong(Rivals, "%s and %s are active", active.name, m.name)
		}
		active = m
	}
	if active == nil && living {
		return nil, wrong(Vacancy, "nobody is active")
	}
	for _, m := range w.members {
		if active == nil {
			break
		}
		if v := m.grievance(active); v != nil {
			return active, v
		}
	}
	return active, nil
}

func wrong(i Invariant, format string, args ...any) *Violation {
	return &Violation{Invariant: i, Detail: fmt.Sprintf(format, args...)}
}

// grievance is what is wrong with the active from the view of a member.
func (m *member) grievance(active *member) *Violation {
	switch {
	case m == active && !m.holdsAll():
		return wrong(Address, "%s is active without VIPs", m.name)
	case m == active && !m.w.wire.finds(m):
		return wrong(Found, "%s is active, and the network looks for the VIPs elsewhere", m.name)
	case m != active && m.awake() && m.holdsAny():
		return wrong(Address, "%s holds VIPs, %s is active", m.name, active.name)
	case m == active || !m.serving() || !m.healthy:
	case m.unheeded: // it waits to be asked
	case !active.healthy:
		return wrong(Fit, "%s is active and unhealthy, %s is healthy", active.name, m.name)
	case m.inForce.Priority == vrrp.PriorityOwner:
		return wrong(Owner, "%s is active, %s is the owner", active.name, m.name)
	case m.inForce.Preempt && m.inForce.Priority > active.inForce.Priority:
		return wrong(Preempt, "%s is active, %s should have preempted it", active.name, m.name)
	}
	return nil
}

// active is the member that leads; nil when none does.
func (w *world) active() *member {
	for _, m := range w.members {
		if m.leads() {
			return m
		}
	}
	return nil
}

// actives is how many members lead.
func (w *world) actives() (n int) {
	for _, m := range w.members {
		if m.leads() {
			n++
		}
	}
	return n
}

// decidable tells whether MACs can decide who is active: all are healthy, and none is
// the owner.
func (w *world) decidable() bool {
	for _, m := range w.members {
		if m.serving() && (!m.healthy || m.inForce.Priority == vrrp.PriorityOwner) {
			return false
		}
	}
	return true
}

// spares tells whether a fault leaves the path of another router of every member.
func (w *world) spares(f Fault) bool { return f.Only > 0 && w.scenario.Members[0].Routers > 1 }

func (w *world) healthyOthers(active *member) []*member {
	var all []*member
	for _, m := range w.members {
		if m != active && m.serving() && m.healthy {
			all = append(all, m)
		}
	}
	return all
}

// preempting tells whether any member would preempt.
func (w *world) preempting() bool {
	for _, m := range w.members {
		if preempts(m.cfg) {
			return true
		}
	}
	return false
}
