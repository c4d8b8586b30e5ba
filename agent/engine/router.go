package engine

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

const (
	// rivalEvery limits the events of a rival, who advertises often, and
	// sameAnnounceEvery those of announcements for the same reason by a member that
	// stays active. The first of each takeover is always one: a failover test reads it.
	rivalEvery        = 5 * time.Second
	sameAnnounceEvery = time.Minute
	// maxPeers bounds what is remembered of whom is heard in multicast.
	maxPeers = 64
)

// router is one virtual router: what its machine, which is in the group, acts on.
// wire and addrs are nil until the NICs of all routers were there.
type router struct {
	e     *Engine
	index int // in the group
	cfg   config.Router
	wire  Wire
	addrs Addresses
	nic   vip.NIC

	state   api.State
	since   time.Time
	reason  string
	linkUp  bool
	stopped bool
	// sourceMissing says that the NIC is well but the server's own address is
	// not on it; empty: it is there.
	sourceMissing string

	want        bool // the machine wants the VIPs on the NIC
	lease       time.Duration
	held        bool
	foreign     []netip.Prefix // as last seen
	peers       map[netip.Addr]*member
	counters    map[string]uint64
	transitions map[string]uint64 // by reason
	drops       map[string]uint64 // as last reported
	faults      map[string]*fault // by what failed
	rival       sighting
	conflict    sighting
	suspect     suspect
	met         acquaintances
	wasBlocked  bool // as last reported
	lastRival   time.Time
	lastYielded time.Time
	announced   announcement // as last reported
}

type announcement struct {
	why string
	at  time.Time
}

// member is another one that was heard.
type member struct {
	api.Peer
	mismatch     sighting
	mismatchNews news
}

func newRouter(e *Engine, index int, cfg config.Router) *router {
	return &router{
		e:           e,
		index:       index,
		cfg:         cfg,
		state:       api.Init,
		since:       e.started,
		reason:      "waiting for the interface",
		peers:       make(map[netip.Addr]*member),
		counters:    make(map[string]uint64),
		transitions: make(map[string]uint64),
		drops:       make(map[string]uint64),
		faults:      make(map[string]*fault),
	}
}

// machine is to be looked at; events go through tell.
func (r *router) machine() *vrrp.Machine { return r.e.group.Router(r.index) }

func (r *router) vips() []netip.Addr {
	out := make([]netip.Addr, 0, len(r.cfg.Addresses))
	for _, p := range r.cfg.Addresses {
		out = append(out, p.Addr())
	}
	return out
}

// members are the others, as far as they are known: the peers, and in multicast
// those that were heard.
func (r *router) members() []netip.Addr {
	out := slices.Clone(r.cfg.Peers)
	for address := range r.peers {
		if !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	slices.SortFunc(out[len(r.cfg.Peers):], netip.Addr.Compare)
	return out
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

func (r *router) family() api.Family { return api.FamilyOf(r.cfg.Source) }

// name tells it from the others of the agent, for people.
func (r *router) name() string { return fmt.Sprintf("router %d/%s", r.cfg.VRID, r.family()) }

// event appends to the journal.
func (r *router) event(kind, detail string) {
	r.e.journal.Append(api.Event{Kind: kind, VRID: r.cfg.VRID, Family: r.family(), Detail: detail})
}

// fault counts an error and reports it when it is news; a nil error ends it.
func (r *router) fault(what string, err error) {
	f := r.faults[what]
	switch {
	case err == nil && f == nil:
		return
	case err == nil:
		f.text = ""
		return
	case f == nil:
		f = &fault{}
		r.faults[what] = f
	}
	r.counters["failed_"+what]++
	now, text := time.Now(), err.Error()
	if f.text == "" {
		f.since = now
	}
	lasts := f.text == text && f.news.detail == text
	if f.text = text; !lasts && f.news.fresh(now, text) {
		r.event("fault", fmt.Sprintf("%s: %s", what, text))
	}
}

// tell gives the router's machine an event, tellAll all machines, and what follows
// is carried out in order.
func (r *router) tell(ev vrrp.Event) {
	if r.e.group != nil {
		r.e.perform(r.e.group.Handle(time.Now(), r.index, ev))
	}
}

func (e *Engine) tellAll(ev vrrp.Event) {
	if e.group != nil {
		e.perform(e.group.HandleAll(time.Now(), ev))
	}
}

func (e *Engine) perform(acts []vrrp.Act) {
	for len(acts) > 0 {
		act := acts[0]
		acts = append(acts[1:], e.routers[act.Router].perform(act.Effect)...)
	}
}

// perform carries out one effect and returns what follows from it.
func (r *router) perform(effect vrrp.Effect) []vrrp.Act {
	switch f := effect.(type) {
	case vrrp.SendAdvert:
		at, err := r.wire.Send(f.Priority, f.Interval)
		r.fault("send", err)
		if at.IsZero() {
			return nil // the machine counts the time since the last Sent
		}
		r.counters["adverts_sent"]++
		if f.Priority == vrrp.PriorityLeave {
			r.counters["priority_zero_sent"]++
		}
		return r.e.group.Handle(time.Now(), r.index, vrrp.Sent{At: at})
	case vrrp.AddVIPs:
		written, err := r.addrs.Add(f.Lease)
		r.fault("add_vip", err)
		r.e.moved = r.e.moved || !r.want
		r.want, r.lease, r.held = true, f.Lease, err == nil
		if written {
			r.counters["renewals"]++
		}
	case vrrp.RemoveVIPs:
		r.e.moved = true
		r.remove()
	case vrrp.Announce:
		// RFC 9568 sections 8.1.2 and 8.2.2: not before the address is there. Once it
		// is put back, it is announced (inspect).
		if r.held {
			r.announce(f.Why)
		}
	case vrrp.Transition:
		r.transition(f)
	case vrrp.Rival:
		r.noteRival(f)
	case vrrp.Yielded:
		r.noteYielded(f)
	case vrrp.Stopped:
		r.stopped = true
	}
	return nil
}

func (r *router) noteRival(f vrrp.Rival) {
	r.counters["rivals"]++
	now := time.Now()
	r.rival.see(now, f.From, fmt.Sprintf("%v is active too, with priority %d", f.From, f.Priority))
	if now.Sub(r.lastRival) >= rivalEvery {
		r.lastRival = now
		r.event("rival", r.rival.detail)
	}
}

// noteYielded ends a rival, or tells of one that was not heard lately.
func (r *router) noteYielded(f vrrp.Yielded) {
	now := time.Now()
	if r.rival.current(now) && r.rival.peer == f.From {
		r.rival = sighting{}
	} else {
		r.counters["rivals"]++
	}
	if now.Sub(r.lastYielded) >= rivalEvery {
		r.lastYielded = now
		r.event("rival", fmt.Sprintf("%v was active too, and has yielded", f.From))
	}
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
	if err != nil {
		return
	}
	r.counters["announcements"]++
	if now := time.Now(); why != r.announced.why || now.Sub(r.announced.at) >= sameAnnounceEvery {
		r.announced = announcement{why, now}
		r.event("announce", why)
	}
}

// transition notes a change of state.
func (r *router) transition(t vrrp.Transition) {
	r.state, r.since, r.reason = t.To, time.Now(), string(t.Reason)
	if t.Reason == vrrp.LinkDown {
		r.reason = unusable(t.Detail)
	}
	r.counters["transitions"]++
	r.transitions[string(t.Reason)]++
	if t.To != api.Active {
		r.announced = announcement{}
	}
	r.e.journal.Append(api.Event{
		Kind:   "transition",
		VRID:   r.cfg.VRID,
		Family: r.family(),
		From:   t.From,
		To:     t.To,
		Reason: string(t.Reason),
		Detail: t.Detail,
	})
	r.e.statusOld = true
}

// receive takes an advertisement.
func (r *router) receive(a transport.Advert) {
	r.fault("receive", nil)
	r.count(a)
	if p := r.remember(a); p != nil {
		r.compare(p, a)
	}
	r.tell(vrrp.Received{From: a.From, Priority: a.Priority, Interval: a.Interval, At: a.At})
	r.reportBlocked()
	if r.state == api.Backup {
		r.forget("send", "add_vip", "announce")
	}
}

// forget ends faults of what only an active does, once another active is heard: what
// this member could not do as active is the past then, and nobody tries it again.
func (r *router) forget(what ...string) {
	for _, w := range what {
		r.fault(w, nil)
	}
}

func (r *router) count(a transport.Advert) {
	r.counters["adverts_received"]++
	if a.Priority == vrrp.PriorityLeave {
		r.counters["priority_zero_received"]++
	}
	switch a.Checksum {
	case vrrp.ChecksumPseudo:
		r.counters["checksum_pseudo_header"]++
	case vrrp.ChecksumMessage:
		r.counters["checksum_message"]++
	}
	// RFC 9568 section 5.2.9 wants a link-local address first. A VIP of a cloud is one
	// global address, so in unicast this is counted only.
	if len(a.Addresses) > 0 && a.Addresses[0].Is6() && !a.Addresses[0].IsLinkLocalUnicast() {
		r.counters["first_not_link_local"]++
	}
}

// remember notes who was heard. In multicast that can be anybody: when there are too
// many, the one that has been silent longest is forgotten.
func (r *router) remember(a transport.Advert) *member {
	p := r.peers[a.From]
	if p == nil {
		if len(r.peers) >= maxPeers {
			oldest := slices.MinFunc(slices.Collect(maps.Keys(r.peers)), func(a, b netip.Addr) int {
				return r.peers[a].LastAdvert.Compare(r.peers[b].LastAdvert)
			})
			delete(r.peers, oldest)
		}
		p = &member{}
		r.peers[a.From] = p
	}
	p.Peer = api.Peer{Address: a.From, LastAdvert: a.At, Priority: a.Priority}
	return p
}

// compare reports an advertisement that tells of another configuration. It counts
// nevertheless (RFC 9568 section 7.1).
func (r *router) compare(p *member, a transport.Advert) {
	var differs string
	switch own := time.Duration(r.cfg.Interval); {
	case !r.sameAddresses(a.Addresses):
		r.counters["address_mismatches"]++
		differs = fmt.Sprintf("%v advertises other addresses: %v", a.From, a.Addresses)
	case a.Interval != own && a.Interval != 0:
		r.counters["interval_mismatches"]++
		differs = fmt.Sprintf("%v advertises every %s, this member every %s", a.From, a.Interval, own)
	default:
		p.mismatch = sighting{}
		return
	}
	now := time.Now()
	p.mismatch.see(now, a.From, differs)
	if p.mismatchNews.fresh(now, differs) {
		r.event("mismatch", differs)
	}
}

// sameAddresses compares an advertised list with the configured one,
// regardless of order.
func (r *router) sameAddresses(list []netip.Addr) bool {
	own := r.vips()
	if slices.Equal(own, list) { // as with a member of the same configuration
		return true
	}
	list = slices.Clone(list)
	slices.SortFunc(own, netip.Addr.Compare)
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Equal(own, list)
}
