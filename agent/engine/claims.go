package engine

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

// receiveRetry is the pause after a failed read of an ear's socket.
const receiveRetry = 100 * time.Millisecond

// ear hears who else announces VIPs on one NIC: the routers of a NIC share it, since
// the kernel shows each listener every packet.
type ear struct {
	nic    vip.NIC
	vips   []netip.Addr
	claims Claims

	routers map[netip.Addr]*router // by their VIPs
	failed  bool                   // as last reported
}

// earKey names an ear: the families have sockets of their own.
type earKey struct {
	index int // of the NIC
	ipv6  bool
}

// listenForClaims opens and closes ears, so that there is one for each VIP.
func (e *Engine) listenForClaims() {
	want := map[earKey]*ear{}
	for _, r := range e.routers {
		key := earKey{r.nic.Index, r.cfg.Source.Is6()}
		if want[key] == nil {
			want[key] = &ear{nic: r.nic, routers: make(map[netip.Addr]*router)}
		}
		for _, vip := range r.vips() {
			want[key].vips = append(want[key].vips, vip)
			want[key].routers[vip] = r
		}
	}
	for key, old := range e.ears {
		if is := want[key]; is == nil || !sameNIC(is.nic, old.nic) || !slices.Equal(is.vips, old.vips) {
			e.closeEar(key)
		}
	}
	for key, is := range want {
		if old := e.ears[key]; old != nil {
			old.routers = is.routers
			continue
		}
		claims, err := e.opts.Host.Claims(is.nic, is.vips)
		e.reportEar(is, err)
		if err == nil {
			is.claims = claims
			e.ears[key] = is
			e.listeners.Go(func() { e.hear(is) })
		}
	}
}

// closeEar closes an ear, if there is one.
func (e *Engine) closeEar(key earKey) {
	if is := e.ears[key]; is != nil {
		closeBeside(is.claims)
		delete(e.ears, key)
	}
}

func (e *Engine) closeEars() {
	for key, ear := range e.ears {
		_ = ear.claims.Close()
		delete(e.ears, key)
	}
}

// reportEar tells the routers of an ear of its error, or that it has ended.
func (e *Engine) reportEar(is *ear, err error) {
	for _, r := range e.routers {
		if r.nic.Index == is.nic.Index && r.cfg.Source.Is6() == is.vips[0].Is6() {
			r.fault("listen_for_claims", err)
		}
	}
}

// hear reads claims into the inbox until the ear is closed.
func (e *Engine) hear(is *ear) {
	for {
		claim, err := is.claims.Receive()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case e.inbox <- letter{ear: is, claim: claim, err: err}:
		case <-e.ended:
			return
		}
		if err != nil {
			time.Sleep(receiveRetry)
		}
	}
}

// hearClaim gives a claim to the router whose VIP it is of.
func (e *Engine) hearClaim(l letter) {
	if failed := l.err != nil; failed || l.ear.failed {
		l.ear.failed = failed
		e.reportEar(l.ear, l.err)
	}
	if l.err != nil || e.group == nil {
		return
	}
	if r := l.ear.routers[l.claim.Address]; r != nil {
		r.hearClaim(l.claim)
	}
}

// hearClaim tells the machine of a peer that is active. Anyone else is a problem
// that only people can solve: a stranger must not make the VIP move.
func (r *router) hearClaim(c vip.Claim) {
	if r.isVirtual(c.MAC) {
		r.tell(vrrp.Claimed{At: c.At})
		return
	}
	r.counters["claims"]++
	now := time.Now()
	peer, verdict := r.whose(c.MAC, now)
	switch verdict {
	case unasked:
		return
	case aStranger:
		r.suspect.note(r, c, now)
		return
	}
	r.drainWire() // the peer's advertisement went before its announcement
	r.tell(vrrp.Claimed{From: peer, Greater: bytes.Compare(c.MAC, r.nic.MAC) > 0, At: c.At})
	r.reportBlocked()
}

// isVirtual tells the MAC of the virtual router itself (RFC 9568 section 7.3): peers
// of other makers announce with it, whichever of them is active.
func (r *router) isVirtual(mac net.HardwareAddr) bool {
	family := byte(1)
	if r.cfg.Source.Is6() {
		family = 2
	}
	return bytes.Equal(mac, []byte{0x00, 0x00, 0x5e, 0x00, family, byte(r.cfg.VRID)})
}
