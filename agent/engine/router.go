package engine

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

const (
	// rivalEvery limits the events of a rival, who advertises often.
	rivalEvery = 5 * time.Second
	// receiveRetry is the pause after a failed read of the socket.
	receiveRetry = 100 * time.Millisecond
)

// router is one virtual router: its machine and what the machine acts on.
// machine, wire and addrs are nil until the NIC was there for the first time.
type router struct {
	e       *Engine
	cfg     config.Router
	machine *vrrp.Machine
	wire    Wire
	addrs   Addresses
	nic     vip.NIC

	state   api.State
	since   time.Time
	reason  string
	linkUp  bool
	stopped bool

	want      bool // the machine wants the VIPs on the NIC
	lease     time.Duration
	held      bool
	peers     map[netip.Addr]api.Peer
	counters  map[string]uint64
	drops     map[string]uint64 // as last reported
	faults    map[string]string // by what failed: the error that was reported
	lastRival time.Time
}

func newRouter(e *Engine, cfg config.Router) *router {
	return &router{
		e:        e,
		cfg:      cfg,
		state:    api.Init,
		since:    e.started,
		reason:   "waiting for the interface",
		peers:    make(map[netip.Addr]api.Peer),
		counters: make(map[string]uint64),
		drops:    make(map[string]uint64),
		faults:   make(map[string]string),
	}
}

// machineConfig is the part of a configuration that the machine knows.
func machineConfig(c config.Router) vrrp.Config {
	return vrrp.Config{
		VRID:     c.VRID,
		Priority: c.Priority,
		Interval: time.Duration(c.Interval),
		Preempt:  c.Preempt,
		Version:  c.Version,
		Source:   c.Source,

		PreemptDelay: time.Duration(c.PreemptDelay),
		StartDelay:   time.Duration(c.StartDelay),
		Refresh:      time.Duration(c.Announce.Refresh),
	}
}

// event appends to the journal.
func (r *router) event(kind, detail string) {
	r.e.journal.Append(api.Event{Kind: kind, VRID: r.cfg.VRID, Detail: detail})
}

// fault counts an error and reports it when it is news; a nil error ends it.
func (r *router) fault(what string, err error) {
	if err == nil {
		delete(r.faults, what)
		return
	}
	r.counters["failed_"+what]++
	if text := err.Error(); r.faults[what] != text {
		r.faults[what] = text
		r.event("fault", fmt.Sprintf("%s: %s", what, text))
	}
}

// handle gives the machine an event and carries out its effects in order.
func (r *router) handle(ev vrrp.Event) {
	if r.machine == nil {
		return
	}
	todo := r.machine.Handle(time.Now(), ev)
	for len(todo) > 0 {
		effect := todo[0]
		todo = append(todo[1:], r.perform(effect)...)
	}
}

// perform carries out one effect and returns those that follow from it.
func (r *router) perform(effect vrrp.Effect) []vrrp.Effect {
	switch f := effect.(type) {
	case vrrp.SendAdvert:
		at, err := r.wire.Send(f.Priority, f.Interval)
		r.fault("send", err)
		if at.IsZero() {
			return nil // the machine counts the time since the last Sent
		}
		r.counters["adverts_sent"]++
		return r.machine.Handle(time.Now(), vrrp.Sent{At: at})
	case vrrp.AddVIPs:
		err := r.addrs.Add(f.Lease)
		r.fault("add_vip", err)
		r.want, r.lease, r.held = true, f.Lease, err == nil
		r.counters["renewals"]++
	case vrrp.RemoveVIPs:
		r.remove()
	case vrrp.Announce:
		r.announce(f.Why)
	case vrrp.Transition:
		r.transition(f)
	case vrrp.Rival:
		r.counters["rivals"]++
		if now := time.Now(); now.Sub(r.lastRival) >= rivalEvery {
			r.lastRival = now
			r.event("rival", fmt.Sprintf("%v is active too, with priority %d", f.From, f.Priority))
		}
	case vrrp.Stopped:
		r.stopped = true
	}
	return nil
}

// remove takes the VIPs off and no longer wants them.
func (r *router) remove() {
	err := r.addrs.Remove()
	r.fault("remove_vip", err)
	r.want, r.held = false, err != nil
}

// announce tells the network where the VIPs are.
func (r *router) announce(why string) {
	err := r.addrs.Announce()
	r.fault("announce", err)
	if err == nil {
		r.counters["announcements"]++
		r.event("announce", why)
	}
}

// transition notes a change of state.
func (r *router) transition(t vrrp.Transition) {
	r.state, r.since, r.reason = t.To, time.Now(), string(t.Reason)
	r.counters["transitions"]++
	r.e.journal.Append(api.Event{
		Kind:   "transition",
		VRID:   r.cfg.VRID,
		From:   t.From,
		To:     t.To,
		Reason: string(t.Reason),
		Detail: t.Detail,
	})
	r.e.showStatus()
}

// receive takes what a receiver handed over.
func (r *router) receive(l letter) {
	r.fault("receive", l.err)
	if l.err != nil {
		return
	}
	a := l.advert
	r.counters["adverts_received"]++
	r.peers[a.From] = api.Peer{Address: a.From, LastAdvert: a.At, Priority: a.Priority}
	// RFC 9568 section 7.1: a mismatch of the address list is logged; the
	// advertisement counts nevertheless.
	if !r.sameAddresses(a.Addresses) {
		r.counters["address_mismatches"]++
		r.fault("address_list", fmt.Errorf("%v advertises other addresses: %v", a.From, a.Addresses))
	} else {
		r.fault("address_list", nil)
	}
	r.handle(vrrp.Received{From: a.From, Priority: a.Priority, Interval: a.Interval, At: a.At})
}

// sameAddresses compares an advertised list with the configured one,
// regardless of order.
func (r *router) sameAddresses(list []netip.Addr) bool {
	var own []netip.Addr
	for _, p := range r.cfg.Addresses {
		own = append(own, p.Addr())
	}
	list = slices.Clone(list)
	slices.SortFunc(own, netip.Addr.Compare)
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Equal(own, list)
}

// listen reads a wire into the inbox until the wire is closed.
func (r *router) listen(w Wire) {
	for {
		a, err := w.Receive()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case r.e.inbox <- letter{to: r, advert: a, err: err}:
		case <-r.e.ended:
			return
		}
		if err != nil {
			time.Sleep(receiveRetry)
		}
	}
}
