package engine

import (
	"slices"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// shutDown asks the machines to hand over.
func (e *Engine) shutDown() {
	e.stopBy = time.Now().Add(stopLimit)
	e.opts.Notify("STOPPING=1")
	e.tellAll(vrrp.Shutdown{})
}

// stopped tells whether the loop may end.
func (e *Engine) stopped() bool {
	if e.stopBy.IsZero() {
		return false
	}
	if !time.Now().Before(e.stopBy) {
		return true
	}
	return e.group == nil || !slices.ContainsFunc(e.routers, func(r *router) bool { return !r.stopped })
}

// closeRouters takes off VIPs that a machine has not, and ends the ears.
func (e *Engine) closeRouters() {
	e.closeEars()
	for _, r := range e.routers {
		if r.wire == nil {
			continue
		}
		if r.want {
			if r.remove(); !r.held {
				r.event("vip", "removed: the agent ends")
			}
		}
		r.fault("close", r.wire.Close())
		r.fault("close", r.addrs.Close())
	}
	e.discardMail()
}

// discardMail empties the inbox until no ear is left to fill it.
func (e *Engine) discardMail() {
	gone := make(chan struct{})
	go func() {
		e.listeners.Wait()
		close(gone)
	}()
	for {
		select {
		case <-e.inbox:
		case <-gone:
			return
		}
	}
}
