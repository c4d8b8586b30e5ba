package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
)

// wire is a virtual network with virtual time for a few machines: just enough
// for the conversations and properties in this package.
type wire struct {
	now   time.Time
	nodes []*node
	// deliver tells how long an advertisement takes, or that it is lost.
	deliver func(from, to *node) (delay time.Duration, ok bool)
	log     func(line string)
}

// node is one machine with its server.
type node struct {
	name    string
	m       *Machine
	paused  bool
	dead    bool
	arrived []Received // with At in the future while under way
	lease   time.Time  // until when the kernel keeps the VIPs
	last    int        // priority of the last advertisement that was shown
}

func newWire(log func(string)) *wire {
	return &wire{
		now:     epoch,
		deliver: func(_, _ *node) (time.Duration, bool) { return ms, true },
		log:     log,
	}
}

// add puts a machine on the wire; addresses rise in the order of addition.
func (w *wire) add(name string, cfg Config) *node {
	cfg.VRID, cfg.Version = 51, 3
	cfg.Source = netip.AddrFrom4([4]byte{10, 0, 0, byte(len(w.nodes) + 1)})
	n := &node{name: name, m: New(cfg, uint64(len(w.nodes))), last: -1}
	w.nodes = append(w.nodes, n)
	return n
}

// handle gives an event to a machine and does what it asks for.
func (w *wire) handle(n *node, ev Event) {
	if n.dead {
		return
	}
	effects := n.m.Handle(w.now, ev)
	w.show(n, ev, effects)
	for _, e := range effects {
		switch e := e.(type) {
		case SendAdvert:
			w.send(n, e)
			w.handle(n, Sent{At: w.now})
		case AddVIPs:
			n.lease = w.now.Add(e.Lease)
		case RemoveVIPs:
			n.lease = time.Time{}
		case Stopped:
			n.dead = true
		}
	}
}

func (w *wire) send(from *node, e SendAdvert) {
	for _, to := range w.nodes {
		delay, ok := w.deliver(from, to)
		if to == from || !ok {
			continue
		}
		to.arrived = append(to.arrived, Received{
			From: from.m.Config().Source, Priority: e.Priority, Interval: e.Interval, At: w.now.Add(delay),
		})
		slices.SortStableFunc(to.arrived, func(a, b Received) int { return a.At.Compare(b.At) })
	}
}

// run lets time pass. A machine hears what has arrived before its timer fires.
func (w *wire) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		at := w.next()
		if at.IsZero() || at.After(end) {
			w.now = end
			return
		}
		w.now = at
		for _, n := range w.nodes {
			w.wake(n)
		}
	}
}

// next is when something happens to a node that runs; never before now.
func (w *wire) next() time.Time {
	var at time.Time
	for _, n := range w.nodes {
		if n.dead || n.paused {
			continue
		}
		at = earliest(at, n.m.Deadline())
		if len(n.arrived) > 0 {
			at = earliest(at, n.arrived[0].At)
		}
	}
	if at.Before(w.now) && !at.IsZero() {
		return w.now
	}
	return at
}

func (w *wire) wake(n *node) {
	if n.dead || n.paused {
		return
	}
	for len(n.arrived) > 0 && !n.arrived[0].At.After(w.now) {
		ev := n.arrived[0]
		n.arrived = n.arrived[1:]
		w.handle(n, ev)
	}
	if due(n.m.Deadline(), w.now) {
		w.handle(n, Tick{})
	}
}

func (w *wire) node(name string) *node {
	i := slices.IndexFunc(w.nodes, func(n *node) bool { return n.name == name })
	if i < 0 {
		panic("no machine is called " + name)
	}
	return w.nodes[i]
}

// holds tells whether the kernel of n has the VIPs now.
func (w *wire) holds(n *node) bool { return w.now.Before(n.lease) }

// actives are the machines in Active that are running.
func (w *wire) actives() []*node {
	return slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool {
		return n.dead || n.m.State() != api.Active
	})
}

// show writes the effects for people. The advertisements and renewals that a
// tick repeats are left out.
func (w *wire) show(n *node, ev Event, effects []Effect) {
	var words []string
	for _, e := range effects {
		_, tick := ev.(Tick)
		switch e := e.(type) {
		case SendAdvert:
			if !tick || e.Priority != n.last || !w.holds(n) {
				words = append(words, fmt.Sprintf("advert %d", e.Priority))
			}
			n.last = e.Priority
		case AddVIPs:
			if !w.holds(n) {
				words = append(words, fmt.Sprintf("VIPs on for %s", e.Lease))
			}
		case RemoveVIPs:
			words = append(words, "VIPs off")
		case Announce:
			words = append(words, "announce ("+e.Why+")")
		case Rival:
			words = append(words, fmt.Sprintf("rival %s at %d", e.From, e.Priority))
		case Transition:
			line := fmt.Sprintf("%s -> %s: %s", e.From, e.To, e.Reason)
			if e.Detail != "" {
				line += " [" + e.Detail + "]"
			}
			words = append(words, line)
		case Stopped:
			words = append(words, "stopped")
		}
	}
	if len(words) > 0 {
		at := w.now.Sub(epoch).Truncate(100 * time.Microsecond)
		w.log(fmt.Sprintf("%8.4fs %s  %s", at.Seconds(), n.name, strings.Join(words, "; ")))
	}
}
