package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/track"
	"github.com/havip/havip/agent/vrrp"
)

// reconcile compares what is on the server with what should be and puts it
// right. It runs when something may have changed and on a slow tick, so that
// no single notification matters.
func (e *Engine) reconcile() {
	e.nextReconcile = time.Now().Add(reconcileEvery)
	for _, r := range e.routers {
		if r.machine == nil && !r.open() {
			continue
		}
		r.inspect()
		r.reportDrops()
	}
}

// open begins the protocol once the NIC is there and usable: an agent that is
// started early at boot waits, it does not fail.
func (r *router) open() bool {
	if !r.e.stopBy.IsZero() {
		return false
	}
	nic, err := r.e.opts.Host.Find(r.cfg.Interface)
	if err != nil {
		r.waitFor(err.Error())
		return false
	}
	addrs := r.e.opts.Host.Addresses(nic, r.cfg)
	state, err := addrs.Inspect(r.cfg.Interface)
	if err != nil {
		r.waitFor(err.Error())
		return false
	}
	if !state.Usable {
		r.waitFor(fmt.Sprintf("%s: %s", nic.Name, state.Why))
		return false
	}
	wire, err := r.e.opts.Host.Dial(nic, r.cfg)
	if err != nil {
		r.waitFor(err.Error())
		return false
	}
	resume := resumable(addrs, time.Duration(r.cfg.Interval))
	r.addrs, r.nic, r.linkUp = addrs, nic, true
	r.attach(wire)
	if !resume {
		r.remove()
	}
	r.machine = vrrp.New(machineConfig(r.cfg), r.e.opts.Seed)
	r.handle(vrrp.Health{OK: r.e.tracker.Healthy()})
	r.handle(vrrp.Start{Resume: resume})
	return true
}

// waitFor notes why the protocol has not begun.
func (r *router) waitFor(why string) {
	if r.reason == why {
		return
	}
	r.reason = why
	r.event("fault", "waiting for the interface: "+why)
	r.e.showStatus()
}

// resumable tells whether an earlier agent renewed the VIPs within the last
// two intervals: then no backup has taken over, and going on as active leaves
// no gap. What cannot be read is not resumed.
func resumable(addrs Addresses, interval time.Duration) bool {
	at, held, err := addrs.LastRenewal()
	return err == nil && held && time.Since(at) <= 2*interval
}

// attach goes on with a wire and closes the one before.
func (r *router) attach(w Wire) {
	if r.wire != nil {
		r.fault("close", r.wire.Close())
	}
	r.wire = w
	clear(r.drops)
	r.e.receivers.Go(func() { r.listen(w) })
}

// inspect looks at the NIC and the VIPs and mends what differs.
func (r *router) inspect() {
	state, err := r.addrs.Inspect(r.cfg.Interface)
	r.fault("inspect", err)
	if err != nil {
		return // not knowing is no reason to move the VIP
	}
	// The NIC may have come back with another index or name.
	if state.Usable && (state.NIC.Index != r.nic.Index || state.NIC.Name != r.nic.Name) {
		wire, err := r.e.opts.Host.Dial(state.NIC, r.cfg)
		r.fault("dial", err)
		if err != nil {
			return
		}
		r.event("config", fmt.Sprintf("the interface is now %s (was %s)", state.NIC.Name, r.nic.Name))
		r.addrs.Rebind(state.NIC)
		r.nic = state.NIC
		r.attach(wire)
	}
	r.held = state.Held
	if state.Usable != r.linkUp {
		r.linkUp = state.Usable
		r.handle(vrrp.Link{Up: state.Usable, Why: state.Why})
		return // the effects have changed what state says; the next look sees
	}
	if !state.Usable {
		return
	}
	switch {
	case r.want && !state.Held:
		err := r.addrs.Add(r.lease)
		r.fault("add_vip", err)
		if err != nil {
			return
		}
		r.held = true
		r.counters["vips_restored"]++
		r.event("vip", "put back: somebody had removed it from "+r.nic.Name)
		r.announce("put back")
	case !r.want && state.Any:
		r.remove()
		r.counters["vips_removed"]++
		r.event("vip", fmt.Sprintf("removed from %s: this member is %s", r.nic.Name, r.state))
	}
}

// reportDrops puts new drops into the journal, one event per look.
func (r *router) reportDrops() {
	now := r.wire.Drops()
	var news []string
	for _, reason := range slices.Sorted(maps.Keys(now)) {
		if n := now[reason] - r.drops[reason]; n > 0 {
			news = append(news, fmt.Sprintf("%s: %d", reason, n))
		}
	}
	r.drops = maps.Clone(now)
	if len(news) > 0 {
		r.event("drop", strings.Join(news, ", "))
	}
}

// checkChanged takes a change of a health check.
func (e *Engine) checkChanged(c track.Change) {
	detail := c.Name + " ok"
	if !c.OK {
		detail = c.Name + " failed: " + c.Why
	}
	e.journal.Append(api.Event{Kind: "check", Detail: detail})
	e.tellHealth()
}

// tellHealth gives all machines the verdict of all checks; they know the news
// from what they had.
func (e *Engine) tellHealth() {
	ok := e.tracker.Healthy()
	for _, r := range e.routers {
		r.handle(vrrp.Health{OK: ok})
	}
}
