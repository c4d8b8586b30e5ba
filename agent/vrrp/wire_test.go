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
	// deliver tells how long an advertisement or an announcement takes, or that it
	// is lost.
	deliver func(from, to *node, what kind, router int) (delay time.Duration, ok bool)
	log     func(line string)
}

type kind int

const (
	advertisement kind = iota
	announcement
)

// node is one member: a group of machines with their server.
type node struct {
	name    string
	mac     int
	g       *Group
	m       *Machine // of its first router
	paused  bool
	dead    bool
	arrived []letter // with at in the future while under way
	routers []routerOfNode
}

// routerOfNode is what the server keeps for one router.
type routerOfNode struct {
	lease   time.Time // until when the kernel keeps the VIPs
	last    int       // priority of the last advertisement that was shown
	stopped bool
}

// letter is an event that is under way to a router.
type letter struct {
	router int
	at     time.Time
	ev     Event
}

func newWire(log func(string)) *wire {
	return &wire{
		now:     epoch,
		deliver: func(_, _ *node, _ kind, _ int) (time.Duration, bool) { return ms, true },
		log:     log,
	}
}

// add puts a member on the wire; addresses and MACs rise in the order of addition.
func (w *wire) add(name string, cfgs ...Config) *node {
	for i := range cfgs {
		cfgs[i].VRID = 51 + i
		cfgs[i].Source = netip.AddrFrom4([4]byte{10, 0, byte(i), byte(len(w.nodes) + 1)})
	}
	n := &node{name: name, mac: len(w.nodes)}
	for range cfgs {
		n.routers = append(n.routers, routerOfNode{last: -1})
	}
	n.boot(cfgs, uint64(len(w.nodes)))
	w.nodes = append(w.nodes, n)
	return n
}

func (n *node) boot(cfgs []Config, seed uint64) {
	n.g = NewGroup(cfgs, seed)
	n.m = n.g.Router(0)
}

// tell gives an event to one router, all an event to the whole member.
func (w *wire) tell(n *node, router int, ev Event) {
	if !n.dead {
		w.perform(n, ev, n.g.Handle(w.now, router, ev))
	}
}

func (w *wire) all(n *node, ev Event) {
	if !n.dead {
		w.perform(n, ev, n.g.HandleAll(w.now, ev))
	}
}

// perform does what the machines ask for.
func (w *wire) perform(n *node, cause Event, acts []Act) {
	w.show(n, cause, acts)
	for _, act := range acts {
		r := &n.routers[act.Router]
		switch e := act.Effect.(type) {
		case SendAdvert:
			w.send(n, act.Router, e)
			w.tell(n, act.Router, Sent{At: w.now})
		case AddVIPs:
			r.lease = w.now.Add(e.Lease)
		case RemoveVIPs:
			r.lease = time.Time{}
		case Announce:
			w.announce(n, act.Router)
		case Stopped:
			r.stopped = true
			n.dead = !slices.ContainsFunc(n.routers, func(r routerOfNode) bool { return !r.stopped })
		}
	}
}

func (w *wire) send(from *node, router int, e SendAdvert) {
	w.broadcast(from, advertisement, router, func(_ *node, at time.Time) Event {
		return Received{From: from.address(router), Priority: e.Priority, Interval: e.Interval, At: at}
	})
}

func (w *wire) announce(from *node, router int) {
	w.broadcast(from, announcement, router, func(to *node, at time.Time) Event {
		return Claimed{From: from.address(router), Greater: from.mac > to.mac, At: at}
	})
}

func (n *node) address(router int) netip.Addr { return n.g.Router(router).Config().Source }

func (w *wire) broadcast(from *node, what kind, router int, event func(to *node, at time.Time) Event) {
	for _, to := range w.nodes {
		delay, ok := w.deliver(from, to, what, router)
		if to == from || !ok {
			continue
		}
		at := w.now.Add(delay)
		to.arrive(letter{router, at, event(to, at)})
	}
}

func (n *node) arrive(l letter) {
	n.arrived = append(n.arrived, l)
	slices.SortStableFunc(n.arrived, func(a, b letter) int { return a.at.Compare(b.at) })
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
		at = earliest(at, n.g.Deadline())
		if len(n.arrived) > 0 {
			at = earliest(at, n.arrived[0].at)
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
	for len(n.arrived) > 0 && !n.arrived[0].at.After(w.now) {
		l := n.arrived[0]
		n.arrived = n.arrived[1:]
		w.tell(n, l.router, l.ev)
	}
	if due(n.g.Deadline(), w.now) {
		w.all(n, Tick{})
	}
}

func (w *wire) node(name string) *node {
	i := slices.IndexFunc(w.nodes, func(n *node) bool { return n.name == name })
	if i < 0 {
		panic("no machine is called " + name)
	}
	return w.nodes[i]
}

// holds tells whether the kernel of n has VIPs now.
func (w *wire) holds(n *node) bool {
	return slices.ContainsFunc(n.routers, func(r routerOfNode) bool { return w.now.Before(r.lease) })
}

// actives are the machines in Active that are running.
func (w *wire) actives() []*node {
	return slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool {
		return n.dead || n.m.State() != api.Active
	})
}

// show writes the effects for people, a line for each router. The advertisements
// and renewals that a tick repeats are left out.
func (w *wire) show(n *node, cause Event, acts []Act) {
	for i := range n.routers {
		var words []string
		for _, act := range acts {
			if act.Router != i {
				continue
			}
			if word := w.word(n, i, cause, act.Effect); word != "" {
				words = append(words, word)
			}
		}
		if len(words) == 0 {
			continue
		}
		name := n.name
		if len(n.routers) > 1 {
			name = fmt.Sprintf("%s/%d", n.name, n.g.Router(i).Config().VRID)
		}
		at := w.now.Sub(epoch).Truncate(100 * time.Microsecond)
		w.log(fmt.Sprintf("%8.4fs %s  %s", at.Seconds(), name, strings.Join(words, "; ")))
	}
}

func (w *wire) word(n *node, router int, cause Event, e Effect) string {
	r := &n.routers[router]
	held := w.now.Before(r.lease)
	switch e := e.(type) {
	case SendAdvert:
		_, tick := cause.(Tick)
		news := !tick || e.Priority != r.last || !held
		if r.last = e.Priority; news {
			return fmt.Sprintf("advert %d", e.Priority)
		}
	case AddVIPs:
		if !held {
			return fmt.Sprintf("VIPs on for %s", e.Lease)
		}
	case RemoveVIPs:
		return "VIPs off"
	case Announce:
		return "announce (" + e.Why + ")"
	case Rival:
		return fmt.Sprintf("rival %s at %d", e.From, e.Priority)
	case Yielded:
		return fmt.Sprintf("%s has yielded", e.From)
	case Transition:
		line := fmt.Sprintf("%s -> %s: %s", e.From, e.To, e.Reason)
		if e.Detail != "" {
			line += " [" + e.Detail + "]"
		}
		return line
	case Stopped:
		return "stopped"
	}
	return ""
}
