// Package witness tells what happens on a server while a failover is tested:
// the agent's events, the VIPs that come and go, and whether addresses that the
// server asks answer. It writes api.Testimony as lines of JSON and changes nothing.
package witness

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/pulse"
)

// again is the pause before an agent that did not answer is asked again.
const again = 20 * time.Millisecond

// Ask is one address that is asked at a fixed pace.
type Ask struct {
	Run     string // the name of its beats
	Target  pulse.Target
	Address netip.Addr
	Every   time.Duration
}

// Options are what a witness looks at.
type Options struct {
	VIPs []netip.Addr
	Asks []Ask
	// Events hands over the agent's events, the kept ones first, until ctx ends
	// or the agent does. Nil: there is no agent here.
	Events func(ctx context.Context, event func(api.Event) error) error
	// Changes signals that addresses may have come or gone.
	Changes <-chan struct{}
}

// Run witnesses until in ends or ctx does. Each line of in is answered by an
// Echo. The first line of out tells when it began.
func Run(ctx context.Context, o Options, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &writer{start: time.Now(), out: json.NewEncoder(out), failed: cancel}
	w.write(api.Testimony{})

	asks := make([]pulse.Opened, len(o.Asks))
	for i, a := range o.Asks {
		asker, err := a.Target.Open(a.Address)
		if err != nil {
			w.write(api.Testimony{Trouble: "ask " + a.Address.String() + ": " + err.Error()})
			continue
		}
		defer asker.Close()
		asks[i] = asker
	}

	var tasks sync.WaitGroup
	defer tasks.Wait()
	for i, a := range o.Asks {
		if asks[i] == nil {
			continue
		}
		tasks.Go(func() {
			err := pulse.Run(ctx, asks[i], a.Every, w.start, func(b api.Beat) {
				b.Run = a.Run
				w.write(api.Testimony{Beat: &b})
			})
			if err != nil {
				w.write(api.Testimony{Trouble: err.Error()})
			}
		})
	}
	tasks.Go(func() { w.watch(ctx, o.VIPs, o.Changes) })
	if o.Events != nil {
		tasks.Go(func() { w.follow(ctx, o.Events) })
	}
	// A reader that waits cannot be cancelled: when ctx ends first, it is left
	// to the end of the process.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			w.write(api.Testimony{Echo: lines.Text()})
		}
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	cancel()
	return w.error()
}

// writer stamps the lines and writes one at a time.
type writer struct {
	start  time.Time
	failed func()

	mu  sync.Mutex
	out *json.Encoder
	err error
}

func (w *writer) write(t api.Testimony) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.Time = w.start.Round(0).Add(time.Since(w.start))
	if w.err == nil {
		if w.err = w.out.Encode(t); w.err != nil {
			w.failed() // nobody reads
		}
	}
}

func (w *writer) error() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// watch tells at once which VIPs are on the server, and then each that comes or
// goes.
func (w *writer) watch(ctx context.Context, vips []netip.Addr, changes <-chan struct{}) {
	known := map[netip.Addr]bool{}
	for first := true; ; first = false {
		here, err := addresses()
		if err != nil {
			w.write(api.Testimony{Trouble: err.Error()})
		}
		for _, v := range vips {
			if held := slices.Contains(here, v); err == nil && (first || held != known[v]) {
				known[v] = held
				w.write(api.Testimony{Held: &api.Held{Address: v, Held: held}})
			}
		}
		select {
		case _, ok := <-changes:
			if !ok {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func addresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var here []netip.Addr
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				here = append(here, addr.Unmap())
			}
		}
	}
	return here, nil
}

// follow reads the agent's events, also those of the agents that come after it.
// What an agent keeps from before the witness began, or has told before, is left
// out.
func (w *writer) follow(ctx context.Context, events func(context.Context, func(api.Event) error) error) {
	last := api.Event{Time: w.start}
	silent := false
	for ctx.Err() == nil {
		err := events(ctx, func(ev api.Event) error {
			silent = false
			if ev.Time.After(last.Time) || ev.Time.Equal(last.Time) && ev.Seq > last.Seq {
				last = ev
				w.write(api.Testimony{Event: &ev})
			}
			return nil
		})
		if err != nil && ctx.Err() == nil && !silent {
			silent = true
			w.write(api.Testimony{Trouble: "the agent: " + err.Error()})
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}
