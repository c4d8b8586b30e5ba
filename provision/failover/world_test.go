package failover

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/provision/server"
)

// world is a group of two whose VIP is where active says, and whose ways are silent
// until a time; a server with the ID 3 is away. What a test has happen in it happens in its hooks.
type world struct {
	mu     sync.Mutex
	active string               // ID of the server
	dark   map[string]time.Time // until when a way is silent, by name
	away   time.Time            // until when there is no way to server 2, which asks inside
	made   []time.Time          // the faults

	observed, struck, undone func(*world)
	refuses                  error       // what a switchover comes to
	bend                     func(*Test) // changes the test before it begins
}

// forever is beyond every test.
const forever = 1000 * time.Hour

// darken has a way silent for so long from now on.
func (w *world) darken(way string, long time.Duration) { w.dark[way] = time.Now().Add(long) }

// happen is a hook's turn; a change of it may come first.
func (w *world) happen(hook func(*world), change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	if hook != nil {
		hook(w)
	}
}

func (w *world) Guest(_ context.Context, id string) (Guest, error) {
	if id == "3" {
		return nil, errors.New("no route to host")
	}
	return guest{w, id}, nil
}

func (w *world) Forget(string) {}

// guest is one of its servers.
type guest struct {
	*world
	id string
}

func (g guest) holds() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.active == g.id
}

func (g guest) Status(context.Context, string) (api.Status, error) {
	is := api.Backup
	if g.holds() {
		is = api.Active
	}
	return says(g.id, is, time.Now().Add(-time.Hour))(), nil
}

func (g guest) Switchover(context.Context, string) error {
	if g.refuses != nil {
		return g.refuses
	}
	g.happen(nil, func() { g.active = g.id })
	return nil
}

func (g guest) Provoke(context.Context, server.Provocation) error {
	g.happen(g.struck, func() {
		g.active = map[string]string{"1": "2", "2": "1"}[g.id]
		g.made = append(g.made, time.Now())
	})
	return nil
}

func (g guest) Mend(context.Context, string) (bool, error) {
	g.happen(g.undone, func() { g.active = g.id })
	return true, nil
}

func (g guest) lost() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.id == "2" && time.Now().Before(g.away)
}

// Witness tells the time, whether the VIP is here, when it comes and goes, and what is
// answered inside.
func (g guest) Witness(ctx context.Context, _ string, vips []netip.Addr, every time.Duration, asks []string, in io.Reader, out io.Writer) error {
	if g.lost() {
		return errors.New("no route to host")
	}
	ctx, end := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer end()
	var mu sync.Mutex
	lines := json.NewEncoder(out)
	tell := func(t api.Testimony) {
		mu.Lock()
		defer mu.Unlock()
		t.Time = time.Now()
		_ = lines.Encode(t) // who no longer listens has ended it
	}
	began := time.Now()
	tell(api.Testimony{})
	tasks.Go(func() {
		first, held := true, false
		for ; ctx.Err() == nil; _ = sleep(ctx, 10*time.Millisecond) {
			if now := g.holds(); first || now != held {
				first, held = false, now
				tell(api.Testimony{Held: &api.Held{Address: vips[0], Held: held}})
			}
		}
	})
	if len(asks) > 0 {
		g.happen(g.observed, func() {})
		tasks.Go(func() {
			_ = pulse.Run(ctx, way{g.world, Inside}, every, began, func(b api.Beat) {
				b.Run = Inside
				tell(api.Testimony{Beat: &b})
			})
		})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for words := bufio.NewScanner(in); words.Scan(); {
			tell(api.Testimony{Echo: words.Text()})
		}
	}()
	for !g.lost() {
		select {
		case <-ended:
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("no route to host")
}

// way asks the VIP.
type way struct {
	*world
	name string
}

func (a way) Ask(ctx context.Context) error {
	a.mu.Lock()
	dark := time.Now().Before(a.dark[a.name])
	a.mu.Unlock()
	if dark {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	time.Sleep(time.Millisecond)
	return nil
}

func (way) Close() error { return nil }

// told is what a test is told while it runs.
type told struct{ t *testing.T }

func (p told) Step(name, detail string, _ time.Duration) { p.t.Log(name, detail) }
func (p told) Warn(message, hint string)                 { p.t.Log(message, hint) }

// run makes the fault agent-stop in a world so often.
func (w *world) run(t *testing.T, rounds int, check func(Report, error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w.active = "1"
		if w.dark == nil {
			w.dark = map[string]time.Time{}
		}
		stop, _ := Find(AgentStop)
		test := &Test{
			Group: "bastion", Interval: 300 * ms, Every: 50 * ms, Pause: 12 * time.Second, Rounds: rounds, Faults: []Fault{stop},
			Members: []Member{{Name: "one", ServerID: "1"}, {Name: "two", ServerID: "2"}},
			VIP:     netip.MustParseAddr("10.0.0.136"), Outside: netip.MustParseAddr("203.0.113.10"), Target: "icmp",
			Limits: Limits{Downtime: 5 * time.Second, Lost: -1, TwoOwners: -1}, Guests: w, Progress: told{t},
			open: func(netip.Addr) (pulse.Opened, error) { return way{w, Outside}, nil },
		}
		if w.bend != nil {
			w.bend(test)
		}
		check(test.Run(t.Context()))
	})
}

// near compares two times, by what a witness and a pace are late.
func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if d := got - want; d < -150*ms || d > 150*ms {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// judged compares what a round came to.
func judged(t *testing.T, r Round, v Verdict, why string) {
	t.Helper()
	if all := strings.Join(r.Why, "; "); r.Verdict != v || all != why {
		t.Errorf("round %d is %s: %q; want %s: %q", r.Number, r.Verdict, all, v, why)
	}
}
