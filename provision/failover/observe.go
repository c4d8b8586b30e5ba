package failover

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/pulse"
)

// observation is what watches a round.
type observation struct {
	start   time.Time // of the test
	watches []*watch
	paths   []*Path
	end     context.CancelFunc
	tasks   sync.WaitGroup

	mu sync.Mutex // of the paths' beats
}

// connect opens the long connection; nil: there is none.
func (t *Test) connect(ctx context.Context) *connection {
	if t.SessionPort == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c, err := openSession(ctx, netip.AddrPortFrom(t.Outside, t.SessionPort))
	if err != nil {
		return nil // reported as none
	}
	return c
}

// answers asks who answers outside, more than once where nobody does: a member's
// name where what it says is known.
func (t *Test) answers(ctx context.Context, rec *Record) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	word, err := t.Identify.Who(ctx, t.Outside)
	for err != nil && sleep(ctx, pollEvery) == nil {
		word, err = t.Identify.Who(ctx, t.Outside)
	}
	name, ok := t.Known[word]
	switch {
	case err != nil:
		rec.Silent = err.Error()
	case ok:
		rec.Answers = name
	case len(t.Known) == 0:
		rec.Says = word // it cannot be compared with anything
	default:
		rec.Answers = "an unknown server (" + word + ")"
	}
}

// observe starts a witness on every server, and asks from here.
func (t *Test) observe(ctx context.Context, start time.Time, active Member) *observation {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o := &observation{start: start}
	o.end = func() { cancel(); o.tasks.Wait() }
	vantage := t.vantage(active)
	for _, m := range t.Members {
		var asks []string
		if m.ServerID == vantage.ServerID {
			asks = []string{fmt.Sprintf("%s=%s@%s", Inside, t.Target, t.VIP)}
			o.paths = append(o.paths, &Path{Name: Inside, From: m.Name, To: fmt.Sprintf("%s %s", t.VIP, t.Target), Every: t.Every})
		}
		w := &watch{name: m.Name, start: start, forget: func() { t.Guests.Forget(m.ServerID) }}
		w.stream = func(ctx context.Context, in io.Reader, out io.Writer) error {
			g, err := t.Guests.Guest(ctx, m.ServerID)
			if err != nil {
				return err
			}
			return g.Witness(ctx, t.Group, []netip.Addr{t.VIP}, t.Every, asks, in, out)
		}
		o.watches = append(o.watches, w)
		o.tasks.Go(func() { w.run(ctx) })
	}
	t.ask(ctx, o, &Path{Name: Outside, From: "here", To: fmt.Sprintf("%s %s", t.Outside, t.Target), Every: t.Every}, t.Outside)
	if t.Control.IsValid() {
		t.ask(ctx, o, &Path{Name: Outside, From: "here", To: fmt.Sprintf("%s %s", t.Control, t.Target), Every: t.Every, Control: true}, t.Control)
	}
	return o
}

// vantage is the member that asks inside: one that has no part in the failover,
// where there is one, else a backup. Over IPv6 it is none that could become
// active: on OVN its solicitation would claim the VIP.
func (t *Test) vantage(active Member) Member {
	var backups []Member
	for _, m := range t.Members {
		if m.ServerID != active.ServerID {
			backups = append(backups, m)
		}
	}
	if len(backups) == 0 || t.VIP.Is6() {
		return Member{}
	}
	return backups[len(backups)-1]
}

// ask asks an address from here while the round lasts.
func (t *Test) ask(ctx context.Context, o *observation, p *Path, addr netip.Addr) {
	o.paths = append(o.paths, p)
	asker, err := t.opened(addr)
	if err != nil {
		t.Progress.Warn(fmt.Sprintf("cannot ask %s: %v", addr, err), "choose another way: --probe")
		return
	}
	o.tasks.Go(func() {
		defer asker.Close()
		_ = pulse.Run(ctx, asker, t.Every, o.start, func(b api.Beat) { // the pace was checked
			o.mu.Lock()
			defer o.mu.Unlock()
			p.Beats = append(p.Beats, b)
		})
	})
}

// answered is when a way was answered last, since the start of the test; zero: never.
func (o *observation) answered(p *Path) time.Duration {
	if p.Name == Inside {
		i := slices.IndexFunc(o.watches, func(w *watch) bool { return w.name == p.From })
		return o.watches[i].answered(Inside)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range slices.Backward(p.Beats) {
		if b.Answered() {
			return time.Duration(b.Heard)
		}
	}
	return 0
}

// hears tells whether the witness on a member's server was heard just now.
func (o *observation) hears(m Member) func() bool {
	return func() bool {
		return slices.ContainsFunc(o.watches, func(w *watch) bool { return w.name == m.Name && w.told(time.Now()) })
	}
}

// ready waits until all witnesses tell. One that does not is named in the round.
func (t *Test) ready(ctx context.Context, o *observation) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		if !slices.ContainsFunc(o.watches, func(w *watch) bool { return !w.told(time.Now()) }) {
			return
		}
		if sleep(ctx, pollEvery) != nil {
			return
		}
	}
}

// collect ends the observation and takes what it saw into the record.
func (t *Test) collect(o *observation, rec *Record) {
	o.end()
	whole := Span{rec.Began, rec.Ended}
	inside := map[string][]api.Beat{}
	for _, w := range o.watches {
		m, beats, trouble := w.witnessed(whole)
		rec.Members = append(rec.Members, m)
		rec.Trouble = append(rec.Trouble, trouble...)
		for run, b := range beats {
			inside[run] = append(inside[run], b...)
		}
	}
	for _, p := range o.paths {
		if p.Name == Inside {
			p.Beats = inside[Inside]
		}
		// A way that was closed before the fault, by a security group for instance,
		// tells nothing of the failover.
		if p.LeftOut {
			rec.Trouble = append(rec.Trouble, fmt.Sprintf("%s is left out: %s did not answer from %s before the fault either", p.Name, p.To, p.From))
			continue
		}
		rec.Paths = append(rec.Paths, *p)
	}
}
