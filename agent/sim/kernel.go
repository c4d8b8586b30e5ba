package sim

import "time"

// The kernel's bounds.
const (
	socketSize = 256                    // packets that wait to be read, the default buffer's room for small ones
	ringSize   = 256                    // packets that wait for a guest that is paused
	expiryLate = 300 * time.Millisecond // measured: a lease of 3 s ends after up to 3.3 s
)

// vips are the VIPs of a router on the NIC.
type vips struct {
	held    bool
	renewed time.Time // on the server's clock
	expires time.Time
	most    time.Duration // after renewed they have to be gone
	lease   int           // counts the renewals
}

// kernel is what goes on on a server whether its agent runs or not.
type kernel struct {
	w      *world
	m      *member
	clock  clock
	on     bool // has power
	frozen bool // the guest is paused
	linkUp bool
	mute   bool // refuses to send
	vips   []vips
	ring   []packet // what arrived while the guest was paused
}

func (k *kernel) time() time.Time { return k.clock.read(k.w.now) }

// runs tells whether anything runs on the server.
func (k *kernel) runs() bool { return k.on && !k.frozen }

// serves tells whether the network finds all VIPs here.
func (k *kernel) serves() bool { return k.runs() && k.linkUp && k.holdsAll() }

func (k *kernel) holdsAll() bool {
	for i := range k.vips {
		if !k.vips[i].held {
			return false
		}
	}
	return true
}

func (k *kernel) holdsAny() bool {
	for i := range k.vips {
		if k.vips[i].held {
			return true
		}
	}
	return false
}

// put adds the VIPs of a router or renews their lease.
func (k *kernel) put(router int, lease time.Duration) {
	v := &k.vips[router]
	v.lease++
	v.held, v.renewed, v.expires = true, k.time(), k.time().Add(lease)
	_, v.most = leaseBounds(k.m.inForce)
	k.expireLater(router, v.lease, k.w.upTo(expiryLate))
}

// expireLater takes the VIPs away at the end of this lease, unless it was renewed.
func (k *kernel) expireLater(router, lease int, late time.Duration) {
	v := &k.vips[router]
	k.w.at(k.clock.when(v.expires)+late, func() {
		if v.lease == lease {
			k.expire(router, late)
		}
	})
}

func (k *kernel) expire(router int, late time.Duration) {
	v := &k.vips[router]
	switch {
	case !v.held || k.frozen: // thaw looks again
	case k.time().Before(v.expires):
		k.expireLater(router, v.lease, late)
	default:
		k.w.logf("%s  the lease has run out, VIPs off", k.m.name)
		v.held = false
		k.m.act(k.m.inspect)
	}
}

func (k *kernel) drop(router int) { k.vips[router].held = false }

// arrive takes a packet from the wire.
func (k *kernel) arrive(p packet) {
	switch {
	case !k.on || !k.linkUp:
	case k.frozen:
		if len(k.ring) < ringSize {
			k.ring = append(k.ring, p)
		}
	default:
		p.at = k.time()
		k.m.queue(p)
	}
}

// freeze pauses the guest; its clock stands still or runs on meanwhile.
func (k *kernel) freeze(stands bool) {
	k.frozen = true
	if stands {
		k.clock.hold(k.w.now)
	}
}

// thaw lets it go on: the timers that have come fire, and what waited for the
// guest arrives, as if just now.
func (k *kernel) thaw() {
	if !k.frozen {
		return
	}
	k.clock.release(k.w.now)
	k.frozen = false
	for i := range k.vips {
		k.expire(i, 0)
	}
	ring := k.ring
	k.ring = nil
	for _, p := range ring {
		k.arrive(p)
	}
	if k.m.waiting {
		k.m.start()
	}
	k.m.wake()
}

// powerOff loses all that is not on the disk.
func (k *kernel) powerOff() {
	k.thaw()
	k.on, k.m.waiting = false, false
	for i := range k.vips {
		k.vips[i].held = false
	}
}
