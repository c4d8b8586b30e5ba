package sim

import (
	"fmt"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// Invariant is something that has to hold.
type Invariant string

// The invariants; doc.go says what each demands.
const (
	Rivals    Invariant = "rivals"    // two actives that hear each other
	Vacancy   Invariant = "vacancy"   // nobody is active
	Calm      Invariant = "calm"      // a transition without a cause from outside
	Address   Invariant = "address"   // VIPs where they must not be, or not where they must be
	Cause     Invariant = "cause"     // a takeover that the rules do not allow
	Yield     Invariant = "yield"     // an active that gave up without need, or did not
	Preempt   Invariant = "preempt"   // the wrong one stays active
	Fit       Invariant = "fit"       // an unhealthy active where a healthy one could be
	Owner     Invariant = "owner"     // the owner is not active
	Unmoved   Invariant = "reload"    // a reload caused a transition
	Handover  Invariant = "handover"  // nobody held the VIPs, or the wrong one took over
	Found     Invariant = "found"     // the network looks for the VIPs where they are not
	Statement Invariant = "statement" // an advert that does not say what is so
	Claims    Invariant = "claims"    // two actives that only see each other's announcements
	Together  Invariant = "together"  // routers of a member that move apart
	Chatter   Invariant = "chatter"   // adverts that are sent far more often than their interval
	Idle      Invariant = "idle"      // the loop would spin, or never wake
)

// watch looks at the world after each step, and before time passes.
type watch struct {
	w         *world
	violation *Violation
	pairs     [maxMembers][maxMembers]pair // that hear each other
	sights    [maxMembers][maxMembers]pair // that only see each other's announcements
	longest   time.Duration                // interval of all that were in force
	shortest  time.Duration                // and this
	still     bool                         // no transition is allowed
	firsts    int                          // takeovers in this drill that are no preemption and no switchover

	led, fit, served gap
}

// pair is two actives that know of each other.
type pair struct {
	both  bool
	fresh bool          // one of them became active just then, and nothing was lost
	since time.Duration // when both were
	lost  time.Duration // when they last may not have heard each other
}

// set notes whether both are active and know of each other now.
func (p *pair) set(both, fresh bool, now time.Duration) {
	if both && !p.both {
		p.since, p.fresh = now, fresh && p.lost != now
	}
	p.both = both
}

// gap is how long there has been no member of some kind, and how long that may be.
type gap struct {
	open  bool
	since time.Duration
	limit time.Duration // negative: for ever
}

func (g *gap) set(there bool, now time.Duration) {
	if there {
		g.open = false
	} else if !g.open {
		g.open, g.since = true, now
	}
}

// allow begins to allow gaps of at most limit; one that is open counts from now.
func (g *gap) allow(limit, now time.Duration) { g.limit, g.since = limit, now }

func (g *gap) exceeded(at time.Duration) bool {
	return g.open && g.limit >= 0 && at-g.since > g.limit
}

func newWatch(w *world) *watch {
	t := &watch{w: w, shortest: w.scenario.Members[0].Config.Interval}
	for _, m := range w.scenario.Members {
		t.interval(m.Config.Interval)
	}
	t.allowAll()
	return t
}

// interval takes note of one that comes in force.
func (t *watch) interval(d time.Duration) {
	t.longest, t.shortest = max(t.longest, d), min(t.shortest, d)
}

// allowAll ends what a drill demanded.
func (t *watch) allowAll() {
	t.still = false
	for _, g := range []*gap{&t.led, &t.fit, &t.served} {
		g.allow(-1, t.w.now)
	}
}

// fail notes the first violation.
func (t *watch) fail(i Invariant, format string, args ...any) {
	if t.violation == nil {
		t.violation = &Violation{Invariant: i, At: t.w.now, Detail: fmt.Sprintf(format, args...)}
		t.w.logf("!!  %s: %s", i, t.violation.Detail)
	}
}

// waited judges what has been so since the last step.
func (t *watch) waited() {
	at := t.w.now
	for i, a := range t.w.members {
		for j, b := range t.w.members[:i] {
			if p := t.pairs[i][j]; p.both && at-p.since > t.w.rivals(a, b, p.fresh) {
				t.fail(Rivals, "%s and %s hear each other and have both been active for %v, bound %v", a.name, b.name, at-p.since, t.w.rivals(a, b, p.fresh))
			}
			if s := t.sights[i][j]; s.both && s.fresh && at-s.since > t.w.contest(a, b) {
				t.fail(Claims, "%s and %s see each other's announcements and have both been active for %v, bound %v", a.name, b.name, at-s.since, t.w.contest(a, b))
			}
		}
	}
	switch {
	case t.led.exceeded(at):
		t.fail(Vacancy, "nobody has been active for %v, bound %v", at-t.led.since, t.led.limit)
	case t.fit.exceeded(at):
		t.fail(Fit, "nobody healthy has been active for %v, bound %v", at-t.fit.since, t.fit.limit)
	case t.served.exceeded(at):
		t.fail(Handover, "nobody has held the VIPs for %v, bound %v", at-t.served.since, t.served.limit)
	}
}

// look takes note of what is so after a step.
func (t *watch) look() {
	led, fit, served := false, false, false
	for i, m := range t.w.members {
		leads := m.leads()
		led = led || leads
		fit = fit || leads && m.healthy
		served = served || m.serves()
		t.addresses(m)
		if p := m.shownPriority(); p != m.priority {
			// Who becomes active begins anew by that.
			if p.active && m.priority.active {
				t.disturbMember(i)
			}
			m.priority = p
		}
	}
	for i, a := range t.w.members {
		for j, b := range t.w.members[:i] {
			both := a.leads() && b.leads() && !a.mute && !b.mute
			fresh := a.became == t.w.now || b.became == t.w.now
			hear := t.w.wire.passes(i, j)
			t.pairs[i][j].set(both && hear, fresh, t.w.now)
			// An owner yields to no MAC.
			owner := a.inForce.Priority == vrrp.PriorityOwner || b.inForce.Priority == vrrp.PriorityOwner
			t.sights[i][j].set(both && !hear && !owner && t.w.wire.shows(i, j), fresh, t.w.now)
		}
	}
	t.led.set(led, t.w.now)
	t.fit.set(fit, t.w.now)
	t.served.set(served, t.w.now)
}

// addresses: no VIP but with an active or one that leaves; without an agent, or
// while it is stopped, until the lease is over.
func (t *watch) addresses(m *member) {
	if !m.holdsAny() || !m.runs() {
		return
	}
	if m.awake() {
		for r, v := range m.vips {
			s := m.brain.state(r)
			if v.held && s != api.Active && s != api.Leaving && len(m.todo) == 0 {
				t.fail(Address, "%s is %s and holds VIPs", m.name, s)
			}
		}
		return
	}
	for _, v := range m.vips {
		if v.held && m.time().Sub(v.renewed) > slack(v.most+expiryLate) {
			t.fail(Address, "%s still holds VIPs that were renewed %v ago", m.name, m.time().Sub(v.renewed))
		}
	}
}

// disturb says that the two may not have heard each other just now.
func (t *watch) disturb(i, j int) {
	i, j = max(i, j), min(i, j)
	for _, p := range []*pair{&t.pairs[i][j], &t.sights[i][j]} {
		p.since, p.lost, p.fresh = t.w.now, t.w.now, false
	}
}

func (t *watch) disturbMember(i int) {
	for j := range t.w.members {
		if j != i {
			t.disturb(i, j)
		}
	}
}

func (t *watch) disturbAll() {
	for i := range t.w.members {
		t.disturbMember(i)
	}
}

// sent is told of each advert. They never come far more often than their interval,
// whatever the members say to each other.
func (t *watch) sent(m *member, router int) {
	p := &m.pace[router]
	if t.w.now-p.since >= t.shortest {
		*p = pace{since: t.w.now}
	}
	if p.adverts++; p.adverts > t.w.chatter() {
		t.fail(Chatter, "%s has sent %d adverts in %v, an interval is %v or more", m.name, p.adverts, t.w.now-p.since, t.shortest)
	}
}

// transition is told of each. A calm is not disturbed by who becomes a backup, or
// goes on as active.
func (t *watch) transition(m *member, tr vrrp.Transition) {
	if t.still && tr.From != api.Init && (tr.From != api.Backup || tr.To == api.Active) {
		t.fail(Calm, "%s went from %s to %s: %s", m.name, tr.From, tr.To, tr.Reason)
	}
	if tr.From == api.Backup && tr.To == api.Active && tr.Reason != vrrp.Preempting && tr.Reason != vrrp.SwitchoverTo {
		t.firsts++
	}
	if tr.To == api.Active {
		m.became = t.w.now
	}
}
