package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// judge holds what a group made of an event against the rules, router by router.
func (t *watch) judge(m *member, before [maxRouters]stance, router int, ev vrrp.Event, acts []vrrp.Act) {
	if health, ok := ev.(vrrp.Health); ok {
		m.told = health.OK
	}
	if sent, ok := ev.(vrrp.Sent); ok && before[router].state == api.Active {
		m.witness[router].left(m.inForce, sent.At)
	}
	stalled := m.anyStalled(m.time()) // before any of them begins anew
	_, link := ev.(vrrp.Link)         // without that of one router none can serve
	all := link || forAll(ev)
	moved := false // the router that the event was of, or any when it was of all
	for r := range m.vips {
		if all || r == router {
			moved = moved || before[r].state == api.Active && m.brain.state(r) == api.Backup
			t.judgeRouter(m, r, before[r], stalled, ev, acts)
		}
	}
	for r := range m.vips {
		if !all && r != router {
			t.judgeDragged(m, r, before[r].state, moved, acts)
		}
	}
	t.together(m, ev)
}

// judgeRouter judges a router that was given an event.
func (t *watch) judgeRouter(m *member, r int, before stance, stalled bool, ev vrrp.Event, acts []vrrp.Act) {
	x, now := &m.witness[r], m.time()
	if claim, ok := ev.(vrrp.Claimed); ok && claim.Greater {
		x.greater = true
	}
	for _, a := range acts {
		if a.Router != r {
			continue
		}
		switch f := a.Effect.(type) {
		case vrrp.Transition:
			t.judgeTransition(m, r, before.priority, stalled, f, ev)
		case vrrp.SendAdvert:
			t.judgeAdvert(m, r, f)
		case vrrp.AddVIPs:
			if least, most := leaseBounds(m.inForce); f.Lease < least || f.Lease > most {
				t.fail(Address, "%s renews the VIPs for %v, want %v to %v", m.name, f.Lease, least, most)
			}
		}
	}
	switch after := m.brain.state(r); {
	case before.state == api.Active && after == api.Active && x.stalled(m.inForce, now):
		t.fail(Yield, "%s stays active, though no advert has left for %v", m.name, now.Sub(x.sent))
	case after == api.Backup:
		if heard, ok := ev.(vrrp.Received); ok && heard.From == m.unheard && heard.Priority != vrrp.PriorityYielded {
			m.unheeded, m.unheard = false, netip.Addr{}
		}
		x.listen(m, before.state, now, ev)
	}
}

// judgeDragged judges a router whose group was moved by another one.
func (t *watch) judgeDragged(m *member, r int, before api.State, moved bool, acts []vrrp.Act) {
	x, now := &m.witness[r], m.time()
	for _, a := range acts {
		tr, ok := a.Effect.(vrrp.Transition)
		if !ok || a.Router != r {
			continue
		}
		if tr.To == api.Active || tr.To == api.Backup && !moved {
			t.fail(Together, "router %d of %s went from %s to %s by itself", r, m.name, tr.From, tr.To)
		}
	}
	if before != api.Backup && m.brain.state(r) == api.Backup {
		x.enter(now, m.inForce)
		m.words[r] = words{from: now}
	}
}

// together: the routers of a member are in the same state, unless they leave.
func (t *watch) together(m *member, ev vrrp.Event) {
	first := m.brain.state(0)
	for r := range m.vips {
		if s := m.brain.state(r); s != first && m.stopBy.IsZero() {
			t.fail(Together, "routers of %s are %s and %s", m.name, first, s)
		}
	}
}

// judgeTransition holds a transition against its cause; stalled: that one of the
// routers could not advertise for too long is one.
func (t *watch) judgeTransition(m *member, r, own int, stalled bool, tr vrrp.Transition, ev vrrp.Event) {
	x, now := &m.witness[r], m.time()
	if tr.From == api.Active && tr.To == api.Backup {
		m.words[r] = words{from: now}
	}
	if _, ok := ev.(vrrp.Reconfigured); ok {
		if !m.anyDue(now) {
			t.fail(Unmoved, "%s went from %s to %s: %s", m.name, tr.From, tr.To, tr.Reason)
		}
		return
	}
	switch {
	case tr.From == api.Backup && tr.To == api.Active:
		if why := forbidden(m, x, now, ev); why != "" {
			t.fail(Cause, "%s took over %s", m.name, why)
		}
	case tr.From == api.Init && tr.To == api.Active:
		start, ok := ev.(vrrp.Start)
		if resumes := ok && start.Resume; !resumes && (m.inForce.Priority != vrrp.PriorityOwner || !m.told) {
			t.fail(Cause, "%s was active at once", m.name)
		}
	case tr.From == api.Active && tr.To == api.Backup && !stalled:
		heard, ok := ev.(vrrp.Received)
		source := ofRouter(m.inForce, r).Source
		if better := ok && (heard.Priority > own || heard.Priority == own && heard.From.Compare(source) > 0); !better {
			if !m.concedes(x, now, ev) {
				t.fail(Yield, "%s at %d gave up at %s", m.name, own, describe(ev, nil))
			}
			m.conceded(ev)
		}
	}
	if tr.To == api.Active {
		m.unheeded, m.unheard = false, netip.Addr{}
		x.sent, x.since, x.greater = now, now, false
	}
}

// conceded notes that it gave up where advertisements are blocked: it preempts nobody
// before it is active again, or hears whom it had not heard.
func (m *member) conceded(ev vrrp.Event) {
	m.unheeded = true
	if claim, ok := ev.(vrrp.Claimed); ok {
		m.unheard = claim.From
	}
}

// concedes tells whether the MACs may decide: another active is there for a down
// interval, and has the greater one, or this one is unhealthy.
func (m *member) concedes(x *witness, now time.Time, ev vrrp.Event) bool {
	switch ev.(type) {
	case vrrp.Received, vrrp.Claimed:
		return !m.told || m.inForce.Priority != vrrp.PriorityOwner && x.greater && now.Sub(x.since) >= down(m.inForce, m.inForce.Interval)
	}
	return false
}

// anyStalled tells whether one of the routers could not advertise for too long:
// then all give up.
func (m *member) anyStalled(now time.Time) bool {
	for r := range m.vips {
		if m.witness[r].stalled(m.inForce, now) {
			return true
		}
	}
	return false
}

// anyDue tells whether one of them would have stalled but for the latest reload.
func (m *member) anyDue(now time.Time) bool {
	for r := range m.vips {
		if !now.Before(m.witness[r].due) {
			return true
		}
	}
	return false
}

// forbidden says why a backup may not take over now; empty when it may. Where
// intervals or priorities changed while it listened, it goes by those that allow
// the most: a timer that runs need not know of the news.
func forbidden(m *member, x *witness, now time.Time, ev vrrp.Event) string {
	c := m.inForce
	if _, ok := ev.(vrrp.TakeOver); ok {
		if !m.told {
			return "by a switchover, though it is unhealthy"
		}
		return ""
	}
	if _, ok := ev.(vrrp.Tick); !ok {
		return fmt.Sprintf("at %T", ev)
	}
	quick := c
	quick.Priority = max(c.Priority, x.highest)
	silent := now.Sub(x.heard.at)
	left := x.heard.any && x.heard.priority == vrrp.PriorityLeave
	if !m.told {
		if need := wait(quick, x.least, false, left); silent < need && now.Sub(x.goodbye) < need {
			return fmt.Sprintf("unhealthy, after %v, want %v", silent, need)
		}
		return ""
	}
	bidden := !x.goodbye.IsZero() && now.Sub(x.goodbye) >= skew(quick, x.least)
	bereft := silent >= down(quick, x.least) && !now.Before(m.gate)
	better := preempts(c) && !x.lower.IsZero() && !now.Before(m.gate) &&
		now.Sub(x.held) >= down(quick, x.least) && now.Sub(x.lower) >= c.PreemptDelay
	if bidden || bereft || better {
		return ""
	}
	why := fmt.Sprintf("%v after the last word (%d)", silent, x.heard.priority)
	if !x.goodbye.IsZero() {
		why += fmt.Sprintf(", %v after the active's goodbye", now.Sub(x.goodbye))
	}
	if !x.lower.IsZero() {
		why += fmt.Sprintf(", %v after the first of one that it outranks", now.Sub(x.lower))
	}
	if now.Before(m.gate) {
		why += fmt.Sprintf(", %v before its start delay is over", m.gate.Sub(now))
	}
	return why
}

// judgeAdvert: an advert says the interval that is in force, and a priority that
// the state and the health allow.
func (t *watch) judgeAdvert(m *member, r int, a vrrp.SendAdvert) {
	c := m.inForce
	switch p := a.Priority; {
	case a.Interval != c.Interval:
		t.fail(Statement, "%s advertises interval %v, in force is %v", m.name, a.Interval, c.Interval)
	case p == vrrp.PriorityYielded:
		t.judgeLastWord(m, r)
	case p == vrrp.PriorityLeave:
		if m.told && m.brain.state(r) != api.Leaving {
			t.fail(Statement, "%s says that it leaves", m.name)
		}
	case m.told && p != c.Priority && p != vrrp.PrioritySwitchover:
		t.fail(Statement, "%s advertises %d, its priority is %d", m.name, p, c.Priority)
	case !m.told && p > vrrp.PriorityUnhealthyMax:
		t.fail(Statement, "%s is unhealthy and advertises %d", m.name, p)
	}
}

// judgeLastWord: who was active has one, for a minute and at most each second.
func (t *watch) judgeLastWord(m *member, r int) {
	said, now := &m.words[r], m.time()
	switch {
	case m.brain.state(r) != api.Backup || said.from.IsZero() || now.Sub(said.from) > time.Minute:
		t.fail(Statement, "%s says that it yielded", m.name)
	case now.Sub(said.last) < time.Second:
		t.fail(Statement, "%s says again after %v that it yielded", m.name, now.Sub(said.last))
	}
	said.last = now
}

// reconfigured is told before the machines are. An agent that is stopped between two
// of them may tell the second one when that has stalled.
func (t *watch) reconfigured(m *member, c vrrp.Config) {
	before := m.inForce
	m.inForce = c
	for r := range m.vips {
		x := &m.witness[r]
		x.due = x.sent.Add(down(before, before.Interval))
		x.least, x.highest, x.sent = min(x.least, c.Interval), max(x.highest, c.Priority), m.time()
	}
}
