package sim

import (
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// maxMembers bounds the tables of pairs.
const maxMembers = 5

// calmDelay is how long a packet is under way at most when the weather is fair.
const calmDelay = time.Millisecond

// table tells something of each pair: from, to.
type table [maxMembers][maxMembers]bool

// wire joins the members; each router has one of its own kind on it (IPv4 and
// IPv6), which fail together here.
type wire struct {
	w       *world
	weather Weather
	fair    bool                                  // packets keep their order
	cut     [maxRouters]table                     // nothing passes
	blocked [maxRouters]table                     // no advert passes, announcements do
	order   [maxMembers][maxMembers]time.Duration // from, to: when the last packet arrives
	near    [maxRouters]int                       // who announced last; nobody: it may be anywhere
	far     [maxRouters]int                       // who did while not cut off from all others
}

// packet is an advert or an announcement on its way or in a socket.
type packet struct {
	from   int
	router int
	advert vrrp.SendAdvert
	claim  bool          // an announcement, not an advert
	left   time.Duration // when, in true time
	at     time.Time     // of its receipt by the kernel, on the receiver's clock
}

func newWire(w *world) *wire {
	wire := &wire{w: w, weather: w.scenario.Weather}
	for r := range maxRouters {
		wire.near[r], wire.far[r] = nobody, nobody
	}
	return wire
}

// send puts a packet on the way to every other member.
func (w *wire) send(p packet) {
	p.left = w.w.now
	for to, m := range w.w.members {
		if to == p.from {
			continue
		}
		switch {
		case w.cut[p.router][p.from][to] || w.blocked[p.router][p.from][to] && !p.claim:
			continue
		case w.w.chance(w.weather.Loss):
			w.lose(p, to)
			continue
		}
		w.deliver(p, m)
		if w.w.chance(w.weather.Twice) {
			w.deliver(p, m)
		}
	}
}

// nobody is where the network looks for VIPs that it does not know, or where it cannot
// be helped.
const nobody = -1

// learn has the network look for the VIPs of a router where they are announced: one
// of its stations is cut off together with a member, the other is not. Who is cut off
// and has no rival is not told when that ends: then only the refresh helps.
func (w *wire) learn(router, from int) {
	w.near[router] = from
	for to := range w.w.members {
		if to != from && !w.cut[router][from][to] {
			w.far[router] = from
			return
		}
	}
	if at := w.far[router]; at != nobody && !w.w.members[at].leads() {
		w.far[router] = nobody
	}
}

// excuse has the network look for the VIPs of a router anywhere.
func (w *wire) excuse(router int) { w.near[router], w.far[router] = nobody, nobody }

// finds tells whether all the network looks for the VIPs at this member.
func (w *wire) finds(m *member) bool {
	for r := range m.vips {
		for _, at := range []int{w.near[r], w.far[r]} {
			if at != m.index && at != nobody {
				return false
			}
		}
	}
	return true
}

// forget excuses an active when another member goes that was active, and it may not
// hear of it: it cannot know that the network looks for the VIPs there. Only a goodbye
// on a wire that loses nothing is heard for certain.
func (w *world) forget(f Fault) {
	for _, other := range w.members {
		heard := f.Kind == Leave && w.members[f.Who].leads() && w.wire.passes(f.Who, other.index) && w.wire.weather.Loss == 0
		active := other.brain != nil && other.brain.all(api.Active) // it may be paused
		if !loses(f.Kind) || other.index == f.Who || !active || heard {
			continue
		}
		for r := range w.wire.near {
			for _, at := range []*int{&w.wire.near[r], &w.wire.far[r]} {
				if *at == f.Who {
					*at = nobody
				}
			}
		}
	}
}

func (w *wire) deliver(p packet, to *member) {
	delay := w.weather.Delay/10 + w.w.upTo(w.weather.Delay*9/10)
	at := w.w.now + delay
	if w.fair {
		at = max(at, w.order[p.from][to.index])
		w.order[p.from][to.index] = at
	}
	w.w.at(at, func() { to.arrive(p) })
}

func (w *wire) lose(p packet, to int) {
	w.w.watch.disturb(p.from, to)
	if p.claim {
		w.w.logf("%s  announcement to %s lost", name(p.from), name(to))
		return
	}
	w.w.logf("%s  advert %d to %s lost", name(p.from), p.advert.Priority, name(to))
}

// passes tells whether adverts of a router pass between the two, both ways.
func (w *wire) passes(a, b int) bool {
	for r := range w.w.members[a].vips {
		if w.passesOf(r, a, b) {
			return true
		}
	}
	return false
}

// passesOf tells whether those of this router do.
func (w *wire) passesOf(router, a, b int) bool {
	cut, blocked := &w.cut[router], &w.blocked[router]
	return !cut[a][b] && !cut[b][a] && !blocked[a][b] && !blocked[b][a]
}

// shows tells whether all announcements pass between the two, both ways.
func (w *wire) shows(a, b int) bool {
	for r := range w.w.members[a].vips {
		if w.cut[r][a][b] || w.cut[r][b][a] {
			return false
		}
	}
	return true
}

// clear makes the wire whole and its weather fair.
func (w *wire) clear() {
	w.weather, w.fair = Weather{Delay: calmDelay}, true
	w.cut, w.blocked = [maxRouters]table{}, [maxRouters]table{}
	w.w.watch.disturbAll()
}
