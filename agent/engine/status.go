package engine

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// RefusedError says why a request was not carried out; nothing has changed.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Status says how the agent is.
func (e *Engine) Status(ctx context.Context) (api.Status, error) {
	status := api.Status{
		Version: api.Version,
		Agent:   e.opts.Version,
		PID:     os.Getpid(),
		Started: e.started.Round(0),
	}
	err := e.do(ctx, func() {
		now := time.Now()
		status.Now = now.Round(0)
		status.Group = e.cfg.Group
		status.ConfigSHA256 = e.sha
		status.Checks = e.tracker.Checks()
		for _, r := range e.routers {
			status.Routers = append(status.Routers, r.status(now))
		}
	})
	return status, err
}

// status is one router's part.
func (r *router) status(now time.Time) api.Router {
	s := api.Router{
		VRID:      r.cfg.VRID,
		State:     r.state,
		Since:     r.since.Round(0),
		Reason:    r.reason,
		Priority:  r.cfg.Priority,
		Interval:  r.cfg.Interval,
		Preempt:   r.cfg.Preempt,
		Interface: r.nic.Name,
		Selector:  r.cfg.Interface.String(),
		Source:    r.cfg.Source,
		Addresses: slices.Clone(r.cfg.Addresses),
		Version:   r.cfg.Version,
		Mode:      r.cfg.Mode,
		Held:      r.held,
		Counters:  maps.Clone(r.counters),

		Problems:    r.problems(now),
		Transitions: maps.Clone(r.transitions),
	}
	for _, address := range r.members() {
		peer := api.Peer{Address: address}
		if heard := r.peers[address]; heard != nil {
			peer = heard.Peer
		}
		peer.LastAdvert = peer.LastAdvert.Round(0)
		s.Peers = append(s.Peers, peer)
	}
	if r.wire != nil {
		for reason, n := range r.wire.Drops() {
			s.Counters["dropped_"+reason] = n
		}
	}
	return s
}

// Switchover makes this member the active one. It is refused with a
// *RefusedError when the member could not serve. Done on the active it is
// nothing to do. While another switchover goes on it waits: the two would claim the
// VIP with one priority.
func (e *Engine) Switchover(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, switchoverPatience,
		&RefusedError{Reason: "another switchover has just been made; try again in a moment"})
	defer cancel()
	for {
		var refused error
		busy := false
		err := e.do(ctx, func() {
			if busy = slices.ContainsFunc(e.routers, (*router).awaitsSwitchover); !busy {
				refused = e.takeOver()
			}
		})
		switch {
		case err != nil:
			return err
		case !busy:
			return refused
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(switchoverPoll):
		}
	}
}

// switchoverPatience is less than a client's; switchoverPoll is the pause between two looks.
const (
	switchoverPatience = 4 * time.Second
	switchoverPoll     = 20 * time.Millisecond
)

// awaitsSwitchover tells whether another member was made active just now, and still
// claims the VIP with the priority of a switchover.
func (r *router) awaitsSwitchover() bool {
	if r.state != api.Backup {
		return false
	}
	for _, p := range r.peers {
		if p.Priority == vrrp.PrioritySwitchover && time.Since(p.LastAdvert) < 3*time.Duration(r.cfg.Interval) {
			return true
		}
	}
	return false
}

func (e *Engine) takeOver() error {
	if !e.stopBy.IsZero() {
		return &RefusedError{Reason: "this agent is stopping"}
	}
	for _, c := range e.tracker.Checks() {
		if !c.OK {
			return &RefusedError{Reason: fmt.Sprintf("health check %q fails: %s", c.Name, c.Why)}
		}
	}
	for _, r := range e.routers {
		if r.state == api.Init || !r.linkUp {
			return &RefusedError{Reason: fmt.Sprintf("%s is in init: %s", r.name(), r.reason)}
		}
	}
	e.tellAll(vrrp.TakeOver{})
	return nil
}

// showStatus gives the service manager a line for people.
func (e *Engine) showStatus() {
	e.statusOld = false
	var parts []string
	for _, r := range e.routers {
		var vips []string
		for _, p := range r.cfg.Addresses {
			vips = append(vips, p.Addr().String())
		}
		parts = append(parts, fmt.Sprintf("%s %s (%s)", strings.Join(vips, " "), r.state, r.reason))
	}
	e.opts.Notify("STATUS=" + strings.Join(parts, "; "))
}
