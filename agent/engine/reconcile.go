package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/track"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

// reconcile compares what is on the server with what should be and puts it
// right. It runs when something may have changed and on a slow tick, so that
// no single notification matters.
func (e *Engine) reconcile() {
	e.nextReconcile = time.Now().Add(reconcileEvery)
	if e.group == nil && !e.open() {
		return
	}
	view, err := e.look()
	for _, r := range e.routers {
		if e.moved { // by what came of the router before this one
			view, err = e.look()
		}
		r.inspect(view, err)
		r.reportDrops()
		r.reportBlocked()
		r.suspect.judge(r, time.Now())
	}
	e.listenForClaims()
}

// look reads the server once for all routers: to do it for each would take longer
// than short down intervals, with hundreds of them.
func (e *Engine) look() (vip.View, error) {
	e.moved = false
	return e.opts.Host.Look()
}

func (r *router) dial(nic vip.NIC) (Wire, error) {
	return r.e.opts.Host.Dial(nic, r.cfg, func() { r.e.mail.put(r) })
}

// attach goes on with a wire and closes the one before.
func (r *router) attach(w Wire) {
	if r.wire != nil {
		if r.wire.Unplugged() { // so is the ear; listenForClaims opens another
			r.e.closeEar(earKey{r.nic.Index, r.cfg.Source.Is6()})
		}
		r.takeAdverts()
		r.fault("close", r.wire.Close())
	}
	r.wire = w
	clear(r.drops)
}

// inspect looks at the NIC and the VIPs and mends what differs.
func (r *router) inspect(view vip.View, err error) {
	var state vip.State
	if err == nil {
		state, err = r.addrs.Inspect(view, r.cfg.Interface)
	}
	r.fault("inspect", err)
	unplugged := r.wire.Unplugged()
	if err != nil {
		return // not knowing is no reason to move the VIP
	}
	// The NIC may have come back: with another index, name or MAC, or with the same.
	if state.Usable && (!sameNIC(state.NIC, r.nic) || unplugged) && !r.rebind(state.NIC) {
		return
	}
	r.held = state.Held
	r.noteForeign(state)
	r.noteSource(state)
	usable := state.Usable || r.sourceMissing != ""
	if usable != r.linkUp {
		r.setLink(usable, state.Why)
		return // the effects have changed what state says; the next look sees
	}
	if !usable {
		r.stillDown(state.Why)
		return
	}
	if r.want || !state.Any {
		r.forget("remove_vip") // nothing is there that should not be
	}
	switch {
	case r.want && !state.Held:
		_, err := r.addrs.Add(r.lease)
		r.fault("add_vip", err)
		if err != nil {
			return
		}
		r.held = true
		r.counters["vips_restored"]++
		r.event("vip", "put back: somebody had removed it from "+r.nic.Name)
		r.announce("put back")
	case !r.want && state.Any:
		if r.remove(); r.held { // a fault, and tried again at the next look
			return
		}
		r.counters["vips_removed"]++
		r.event("vip", fmt.Sprintf("removed from %s: this member is %s", r.nic.Name, r.state))
	}
}

// noteSource notes that the server's own address has gone from a NIC that carried
// the router, and otherwise is well. A network manager that configures it anew gives
// it back in a moment, so this alone moves nothing: an active that cannot send has
// its down interval, and a backup learns of the link when it is due (tickGroup).
func (r *router) noteSource(state vip.State) {
	was := r.sourceMissing
	if r.sourceMissing = ""; state.SourceMissing && r.linkUp {
		r.sourceMissing = state.Why
	}
	if r.sourceMissing != was {
		r.event("link", cmp.Or(r.sourceMissing, "the server's own address is back"))
	}
}

// noteForeign tells of VIPs that somebody else put on the NIC. They go with the next
// renewal of an active, and from a backup at once.
func (r *router) noteForeign(state vip.State) {
	if slices.Equal(state.Foreign, r.foreign) {
		return
	}
	r.foreign = state.Foreign
	for _, p := range r.foreign {
		r.event("vip", fmt.Sprintf("somebody has put %s on %s", p, state.NIC.Name))
	}
}

func (r *router) setLink(up bool, why string) {
	r.linkUp, r.sourceMissing = up, ""
	r.tell(vrrp.Link{Up: up, Why: why})
}

// stillDown notes what stands in the way now. That changes while a NIC comes up, and
// may be something that will not pass by itself.
func (r *router) stillDown(why string) {
	reason := unusable(why)
	if r.reason == reason {
		return
	}
	r.reason = reason
	r.event("link", why)
	r.e.statusOld = true
}

// unusable is the reason to be in init, with what the NIC lacks.
func unusable(why string) string { return fmt.Sprintf("%s: %s", vrrp.LinkDown, why) }

func sameNIC(a, b vip.NIC) bool {
	return a.Index == b.Index && a.Name == b.Name && bytes.Equal(a.MAC, b.MAC)
}

// rebind goes on with another NIC, or with one that was away: nothing that was bound to
// it hears it any more.
func (r *router) rebind(nic vip.NIC) bool {
	wire, err := r.dial(nic)
	r.fault("dial", err)
	if err != nil {
		return false
	}
	detail := fmt.Sprintf("the interface is now %s (was %s)", nic.Name, r.nic.Name)
	if sameNIC(nic, r.nic) {
		detail = nic.Name + " was taken away and is back"
	}
	r.event("config", detail)
	r.addrs.Rebind(nic)
	r.nic = nic
	r.attach(wire)
	return true
}

// reportDrops puts new drops into the journal, one event per look. Packets of other
// virtual routers are only counted: they are normal on a link with others.
func (r *router) reportDrops() {
	now := r.wire.Drops()
	var news []string
	for _, reason := range slices.Sorted(maps.Keys(now)) {
		if n := now[reason] - r.drops[reason]; n > 0 && reason != string(vrrp.DropVRID) {
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
	e.tellAll(vrrp.Health{OK: e.tracker.Healthy()})
}
