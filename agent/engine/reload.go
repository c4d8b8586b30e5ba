package engine

import (
	"cmp"
	"context"
	"fmt"
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

// Reload applies a valid configuration without a transition: interval,
// priority, preemption, peers and checks. When anything else differs it
// changes nothing and returns a *FixedError.
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
		r.cfg = cfg.Routers[i]
		if r.machine == nil {
			continue // open reads r.cfg
		}
		r.wire.SetPeers(r.cfg.Peers)
		r.handle(vrrp.Reconfigured{Config: machineConfig(r.cfg)})
	}
	if !slices.EqualFunc(e.cfg.Checks, cfg.Checks, config.Check.Equal) {
		changes = append(changes, "checks")
	}
	e.cfg, e.sha = cfg, sha
	e.tracker.Set(cfg.Checks)
	e.tellHealth() // a check that failed may be gone
	detail := "reloaded: no change"
	if len(changes) > 0 {
		detail = "reloaded: " + strings.Join(changes, ", ")
	}
	e.journal.Append(api.Event{Kind: "config", Detail: detail})
	return nil
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
	note("metrics", was.Metrics != is.Metrics)
	note("number of routers", len(was.Routers) != len(is.Routers))
	for i := range min(len(was.Routers), len(is.Routers)) {
		a, b := was.Routers[i], is.Routers[i]
		at := fmt.Sprintf("routers[%d].", i)
		note(at+"vrid", a.VRID != b.VRID)
		note(at+"version", a.Version != b.Version)
		note(at+"interface", a.Interface != b.Interface)
		note(at+"source", a.Source != b.Source)
		note(at+"addresses", !slices.Equal(a.Addresses, b.Addresses))
		note(at+"peers (unicast or multicast)", (len(a.Peers) == 0) != (len(b.Peers) == 0))
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
	note("peers", was.Peers, is.Peers)
	return out
}
