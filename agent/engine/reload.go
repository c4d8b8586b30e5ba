package engine

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vrrp"
)

// FixedError says which settings of a new configuration cannot be applied
// while the agent runs. The old configuration stays in force as a whole.
type FixedError struct{ Fields []string }

func (e *FixedError) Error() string {
	return fmt.Sprintf("reload configuration: %s cannot change while the agent runs (restart it: the VIP may move)",
		strings.Join(e.Fields, ", "))
}

// Reload applies a valid configuration without a transition. When something differs
// that cannot change while the agent runs, it changes nothing and returns a
// *FixedError.
func (e *Engine) Reload(ctx context.Context, cfg config.Config, sha string) error {
	var refused error
	err := e.do(ctx, func() { refused = e.reload(cfg, sha) })
	return cmp.Or(err, refused)
}

func (e *Engine) reload(cfg config.Config, sha string) error {
	if fixed := fixedDifferences(e.cfg, cfg); len(fixed) > 0 {
		err := &FixedError{Fields: fixed}
		e.journal.Append(api.Event{Kind: "config", Detail: err.Error()})
		return err
	}
	if !e.stopBy.IsZero() {
		return ErrStopped
	}
	changes := []string{}
	for i, r := range e.routers {
		changes = append(changes, differences(r.cfg, cfg.Routers[i])...)
		r.dropAddresses(cfg.Routers[i])
	}
	for i, r := range e.routers { // which may have what another one has dropped
		r.reload(cfg.Routers[i])
	}
	if e.group != nil {
		e.listenForClaims()
	}
	if !slices.EqualFunc(e.cfg.Checks, cfg.Checks, config.Check.Equal) {
		changes = append(changes, "checks")
	}
	if e.cfg.Metrics != cfg.Metrics { // which the owner of the engine serves
		changes = append(changes, "metrics")
	}
	e.cfg, e.sha = cfg, sha
	e.tracker.Set(cfg.Checks)
	e.tellHealth() // a check that failed may be gone; one that was changed has not become well by that
	detail := "reloaded: no change"
	if len(changes) > 0 {
		detail = "reloaded: " + strings.Join(changes, ", ")
	}
	e.journal.Append(api.Event{Kind: "config", Detail: detail})
	return nil
}

// reload applies what is new, if the protocol has begun; open reads r.cfg.
func (r *router) reload(is config.Router) {
	was := r.cfg
	r.cfg = is
	if len(is.Peers) > 0 {
		maps.DeleteFunc(r.peers, func(a netip.Addr, _ *member) bool { return !slices.Contains(is.Peers, a) })
	}
	if r.e.group == nil {
		return
	}
	r.reloadWire(was)
	added := r.reloadAddresses(was)
	r.tell(vrrp.Reconfigured{Config: machineConfig(is)})
	if len(added) > 0 && r.want {
		r.with(added, func(addrs Addresses) { r.fault("announce", addrs.Announce()) })
	}
}

// reloadWire changes the wire in use where it can be, or goes on with another. The
// old one is open until the new one is: nothing that is on the way is lost.
func (r *router) reloadWire(was config.Router) {
	is := r.cfg
	// RFC 3768 section 7.1: version 2 drops what has another interval.
	if is.Checksum != was.Checksum || is.Version == 2 && is.Interval != was.Interval {
		wire, err := r.dial(r.nic)
		r.fault("dial", err)
		if err == nil {
			r.attach(wire)
			return
		}
	}
	r.wire.SetPeers(is.Peers)
	r.wire.SetAddresses(r.vips())
}

// dropAddresses takes VIPs that are no longer the router's off the NIC.
func (r *router) dropAddresses(is config.Router) {
	removed := missingFrom(is.Addresses, r.cfg.Addresses)
	if len(removed) > 0 && r.e.group != nil {
		r.with(removed, func(addrs Addresses) { r.fault("remove_vip", addrs.Remove()) })
	}
}

// reloadAddresses puts new VIPs on the NIC of an active; the others are not touched. It
// returns the new ones.
func (r *router) reloadAddresses(was config.Router) []netip.Prefix {
	is := r.cfg
	if slices.Equal(is.Addresses, was.Addresses) && is.Announce.Replies == was.Announce.Replies {
		return nil
	}
	closeBeside(r.addrs)
	r.addrs = r.e.opts.Host.Addresses(r.nic, is)
	if r.want {
		_, err := r.addrs.Add(r.lease)
		r.fault("add_vip", err)
		r.held = err == nil
	}
	return missingFrom(was.Addresses, is.Addresses)
}

// with does something with some addresses only.
func (r *router) with(some []netip.Prefix, do func(Addresses)) {
	cfg := r.cfg
	cfg.Addresses = some
	addrs := r.e.opts.Host.Addresses(r.nic, cfg)
	do(addrs)
	closeBeside(addrs)
}

// closeBeside closes without keeping the loop: a packet socket can take the kernel
// tens of milliseconds. What it says when closed helps nobody.
func closeBeside(c io.Closer) { go func() { _ = c.Close() }() }

// missingFrom returns what of list is not in others.
func missingFrom(others, list []netip.Prefix) (out []netip.Prefix) {
	for _, p := range list {
		if !slices.Contains(others, p) {
			out = append(out, p)
		}
	}
	return out
}

// fixedDifferences names what differs and cannot be applied in memory.
func fixedDifferences(was, is config.Config) []string {
	var fields []string
	note := func(field string, differs bool) {
		if differs {
			fields = append(fields, field)
		}
	}
	note("group", was.Group != is.Group)
	note("control", was.Control != is.Control)
	note("number of routers", len(was.Routers) != len(is.Routers))
	for i := range min(len(was.Routers), len(is.Routers)) {
		a, b := was.Routers[i], is.Routers[i]
		at := fmt.Sprintf("routers[%d].", i)
		note(at+"vrid", a.VRID != b.VRID)
		note(at+"version", a.Version != b.Version)
		note(at+"interface", a.Interface != b.Interface)
		note(at+"source", a.Source != b.Source)
		note(at+"mode", a.Mode != b.Mode)
	}
	return fields
}

// differences says, for people, what changes in a router.
func differences(was, is config.Router) []string {
	var out []string
	note := func(field string, a, b any) {
		if a, b := fmt.Sprint(a), fmt.Sprint(b); a != b {
			out = append(out, fmt.Sprintf("%s %s -> %s", field, a, b))
		}
	}
	note("priority", was.Priority, is.Priority)
	note("interval", time.Duration(was.Interval), time.Duration(is.Interval))
	note("preempt", was.Preempt, is.Preempt)
	note("preempt_delay", time.Duration(was.PreemptDelay), time.Duration(is.PreemptDelay))
	note("start_delay", time.Duration(was.StartDelay), time.Duration(is.StartDelay))
	note("peers", was.Peers, is.Peers)
	note("addresses", was.Addresses, is.Addresses)
	note("checksum", was.Checksum, is.Checksum)
	note("announce.replies", was.Announce.Replies, is.Announce.Replies)
	note("announce.refresh", time.Duration(was.Announce.Refresh), time.Duration(is.Announce.Refresh))
	return out
}
