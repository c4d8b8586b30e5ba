// Package track runs the health checks of a member and counts their results
// into a verdict: healthy until a check has failed as often in a row as its
// configuration allows.
package track

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

// Change is a check that changed its verdict.
type Change struct {
	Name string
	OK   bool
	Why  string // the failure; empty when OK
}

// commandsAtOnce is how many commands of exec checks run at a time. Each takes a
// thread and processes, of which the unit has a number (TasksMax), and an agent that
// gets no thread ends.
const commandsAtOnce = 8

// Tracker runs a set of checks, one goroutine each.
type Tracker struct {
	probe    func(config.Check) Probe
	changes  chan Change
	commands chan struct{} // holds one for each command that runs
	wg       sync.WaitGroup

	mu     sync.Mutex
	checks []*check
}

// check is one running check. Its verdict is guarded by the Tracker's mutex.
type check struct {
	cfg     config.Check
	cancel  context.CancelFunc
	verdict api.Check
}

// New makes a Tracker without checks. probe makes the probe of a check;
// NewProbe is the one for production.
func New(probe func(config.Check) Probe) *Tracker {
	return &Tracker{
		probe:    probe,
		changes:  make(chan Change),
		commands: make(chan struct{}, commandsAtOnce),
	}
}

// Changes delivers each change of a verdict, in order per check. It is never
// closed.
func (t *Tracker) Changes() <-chan Change { return t.changes }

// Set replaces the set of checks. A check that stays the same runs on and
// keeps its verdict; one that is changed, or only called by another name, starts
// from the verdict that it had, so that a reload alone neither moves the VIP nor
// makes a member healthy whose service is dead. A new one is healthy until it has
// failed Fall times, so that an agent's start does not move the VIP.
func (t *Tracker) Set(checks []config.Check) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.checks
	t.checks = nil
	for _, cfg := range checks {
		verdict := api.Check{OK: true, Since: time.Now()}
		i := predecessor(old, cfg, checks)
		if i >= 0 {
			if old[i].cfg.Equal(cfg) {
				t.checks = append(t.checks, old[i])
				old = slices.Delete(old, i, i+1)
				continue
			}
			verdict = old[i].verdict
		}
		verdict.Name = cfg.Name
		t.checks = append(t.checks, t.start(cfg, verdict))
	}
	for _, c := range old {
		c.cancel()
	}
}

// predecessor finds, among the old checks, what a new one was: that of its name
// or, where there is none, one that asks the same and whose name is gone. -1 is none.
func predecessor(old []*check, cfg config.Check, checks []config.Check) int {
	i := slices.IndexFunc(old, func(c *check) bool { return c.cfg.Name == cfg.Name })
	if i >= 0 {
		return i
	}
	return slices.IndexFunc(old, func(c *check) bool {
		renamed := c.cfg
		renamed.Name = cfg.Name
		gone := !slices.ContainsFunc(checks, func(is config.Check) bool { return is.Name == c.cfg.Name })
		return gone && renamed.Equal(cfg)
	})
}

// start begins one check. The caller holds t.mu.
func (t *Tracker) start(cfg config.Check, verdict api.Check) *check {
	ctx, cancel := context.WithCancel(context.Background())
	c := &check{cfg: cfg, cancel: cancel, verdict: verdict}
	t.wg.Go(func() { t.run(ctx, c, t.probe(cfg), verdict.OK) })
	return c
}

// run probes until ctx ends. ok is the verdict at its start.
func (t *Tracker) run(ctx context.Context, c *check, probe Probe, ok bool) {
	ticker := time.NewTicker(time.Duration(c.cfg.Interval))
	defer ticker.Stop()
	streak := counter{ok: ok, fall: c.cfg.Fall, rise: c.cfg.Rise}
	for {
		err := t.ask(ctx, c.cfg, probe)
		if ctx.Err() != nil {
			return
		}
		changed := streak.count(err == nil)
		t.record(c, streak.ok, changed, err)
		if changed {
			ch := Change{Name: c.cfg.Name, OK: streak.ok}
			if err != nil {
				ch.Why = err.Error()
			}
			select {
			case t.changes <- ch:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask probes once. A command's time begins with its turn: that others are slow is no
// failure of its own. One that cannot be killed has had its turn when its time is up.
func (t *Tracker) ask(ctx context.Context, cfg config.Check, probe Probe) error {
	if len(cfg.Exec) > 0 {
		select {
		case t.commands <- struct{}{}:
			defer func() { <-t.commands }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return probeOnce(ctx, probe, time.Duration(cfg.Timeout))
}

// record notes what a probe said.
func (t *Tracker) record(c *check, ok, changed bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.verdict.OK = ok
	if changed {
		c.verdict.Since = time.Now()
	}
	if err != nil {
		c.verdict.Why = err.Error()
	}
}

// Checks returns the verdicts in the order of the configuration.
func (t *Tracker) Checks() []api.Check {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []api.Check
	for _, c := range t.checks {
		out = append(out, c.verdict)
	}
	return out
}

// Healthy reports whether no check has failed.
func (t *Tracker) Healthy() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !slices.ContainsFunc(t.checks, func(c *check) bool { return !c.verdict.OK })
}

// Close ends all checks and waits for them.
func (t *Tracker) Close() {
	t.Set(nil)
	t.wg.Wait()
}

// counter turns single results into a verdict.
type counter struct {
	ok         bool
	fall, rise int // results in a row that change the verdict
	streak     int // results in a row against it
}

// count takes one result and reports whether the verdict changed.
func (c *counter) count(ok bool) (changed bool) {
	if ok == c.ok {
		c.streak = 0
		return false
	}
	c.streak++
	limit := c.rise
	if c.ok {
		limit = c.fall
	}
	if c.streak < limit {
		return false
	}
	c.ok, c.streak = ok, 0
	return true
}
