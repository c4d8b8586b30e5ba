package engine

import (
	"fmt"
	"time"

	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

// open begins the protocol once the NICs of all routers are there and usable: an
// agent that is started early at boot waits, it does not fail. All are opened before
// any begins, since they move together.
func (e *Engine) open() bool {
	if !e.stopBy.IsZero() {
		return false
	}
	var missing *router
	view, err := e.opts.Host.Look()
	for _, r := range e.routers {
		if why := r.find(view, err); why != "" {
			r.waitFor(why)
			missing = r
		}
	}
	if missing != nil {
		for _, r := range e.routers {
			if r.addrs != nil {
				r.waitFor(missing.name() + " has no interface yet")
			}
		}
		e.hangUp()
		return false
	}
	for _, r := range e.routers {
		wire, err := r.dial(r.nic)
		if err != nil {
			r.waitFor(err.Error())
			e.hangUp()
			return false
		}
		r.attach(wire)
	}
	e.begin()
	return true
}

// find finds the NIC in the view, if there is one; why says what it lacks.
func (r *router) find(view vip.View, err error) (why string) {
	if err != nil {
		return err.Error()
	}
	host := r.e.opts.Host
	nic, err := host.Find(view, r.cfg.Interface)
	if err != nil {
		return err.Error()
	}
	addrs := host.Addresses(nic, r.cfg)
	state, err := addrs.Inspect(view, r.cfg.Interface)
	if err != nil {
		return err.Error()
	}
	if !state.Usable {
		return fmt.Sprintf("%s: %s", nic.Name, state.Why)
	}
	// RFC 9568 section 5.2.3. The configuration may call one NIC two names, and then it
	// shows here only.
	for _, other := range r.e.routers[:r.index] {
		if other.addrs != nil && other.nic.Index == nic.Index && other.name() == r.name() {
			return fmt.Sprintf("%s is on %s already, as routers[%d]: one VRID serves one router of each address family", r.name(), nic.Name, other.index)
		}
	}
	r.noteForeign(state)
	r.nic, r.addrs, r.linkUp = nic, addrs, true
	return ""
}

// hangUp undoes an open that could not be finished.
func (e *Engine) hangUp() {
	for _, r := range e.routers {
		if r.wire != nil {
			r.fault("close", r.wire.Close())
		}
		r.nic, r.addrs, r.wire, r.linkUp = vip.NIC{}, nil, nil, false
	}
}

// begin starts the machines. It goes on as active when an earlier agent renewed
// the leases of all a moment ago.
func (e *Engine) begin() {
	resume := true
	var cfgs []vrrp.Config
	for _, r := range e.routers {
		resume = resume && resumable(r.addrs, time.Duration(r.cfg.Interval))
		cfgs = append(cfgs, machineConfig(r.cfg))
	}
	for _, r := range e.routers {
		if !resume {
			r.remove()
		}
	}
	e.group = vrrp.NewGroup(cfgs, e.opts.Seed)
	e.tellAll(vrrp.Health{OK: e.tracker.Healthy()})
	e.tellAll(vrrp.Start{Resume: resume})
}

// waitFor notes why the protocol has not begun.
func (r *router) waitFor(why string) {
	if r.reason == why {
		return
	}
	r.reason = why
	r.event("fault", "waiting for the interface: "+why)
	r.e.statusOld = true
}

// resumable tells whether an earlier agent renewed the VIPs within the last
// two intervals: then no backup has taken over, and going on as active leaves
// no gap. What cannot be read is not resumed.
func resumable(addrs Addresses, interval time.Duration) bool {
	at, held, err := addrs.LastRenewal()
	return err == nil && held && time.Since(at) <= 2*interval
}
