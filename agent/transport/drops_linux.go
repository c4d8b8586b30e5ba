package transport

import (
	"maps"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// Reasons of a transport, beside those of vrrp.
const (
	// dropOverflow: adverts came faster than they were read.
	dropOverflow vrrp.DropReason = "overflow"
	// dropMalformed: packets of a peer that are no advertisements came faster than
	// could be told what is wrong with them.
	dropMalformed vrrp.DropReason = "malformed"
)

// unread is why packets of a class are dropped when nobody has looked at them.
func (c class) unread() vrrp.DropReason {
	switch c {
	case foreign:
		return vrrp.DropVRID
	case strangers:
		return vrrp.DropPeer
	case malformed:
		return dropMalformed
	}
	return dropOverflow
}

// Drops returns how many packets were dropped, by reason: a vrrp.DropReason,
// "overflow" when adverts came faster than they were read, or "malformed" for what
// a peer sent that is no advertisement, when it was too much to be told apart.
// What no single router was meant by counts for all of the link.
func (c *Conn) Drops() map[string]uint64 {
	all := c.link.dropped(!c.closed())
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	drops := make(map[string]uint64)
	for reason, n := range all {
		if n > c.before[reason] {
			drops[string(reason)] = n - c.before[reason]
		}
	}
	for reason, n := range c.drops {
		drops[string(reason)] += n
	}
	return drops
}

// dropped is what was dropped on the link; look says to look for more first.
func (l *link) dropped(look bool) map[vrrp.DropReason]uint64 {
	if look {
		l.incoming.Lock()
		defer l.incoming.Unlock()
		l.countRejected()
		l.countOverflows()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.drops)
}

func (l *link) count(reason vrrp.DropReason, n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drops[reason] += n
}

// countOverflows adds what the kernel had no room for since it was last asked. It
// counts what comes to a full buffer before it filters: so while the buffer of one
// class is full, packets of others count there too.
func (l *link) countOverflows() {
	for i, s := range l.sockets {
		// The call fails only on a kernel without SO_MEMINFO (before 4.12).
		if n, err := s.overflows(); err == nil && n != l.counted[i] {
			l.count(class(i).unread(), uint64(n-l.counted[i])) // modulo 2^32
			l.counted[i] = n
		}
	}
}

// countRejected counts and removes the packets that wait in the sockets of all
// classes but adverts. It is called with incoming held.
func (l *link) countRejected() {
	for i, s := range l.sockets {
		if class(i) != adverts {
			// An error ends the count: the socket is empty, or closed.
			_ = s.control(func(fd int) error { return l.drain(class(i), fd) })
		}
	}
}

// drain counts what waits in one socket. The bound keeps a flood from holding the
// caller up; the rest is for the next time.
func (l *link) drain(of class, fd int) error {
	const bound = 100
	for range bound {
		n, oobn, _, from, err := syscall.Recvmsg(fd, l.buffer, l.ancillary, unix.MSG_DONTWAIT)
		if err != nil {
			return err
		}
		ancillary, err := unix.ParseSocketControlMessage(l.ancillary[:oobn])
		if err != nil {
			l.count(of.unread(), 1)
			continue
		}
		d, ok := l.family.parse(l.buffer[:n], ancillary, from)
		l.countOne(of, d, ok)
	}
	return nil
}

// countOne counts a packet that one socket was to drop.
func (l *link) countOne(of class, d datagram, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ok {
		l.drops[of.unread()]++
		return
	}
	if of == malformed { // its filter may not have looked at the sender
		of = l.adverts.audience.classOf(d)
	}
	l.drops[l.reason(of, d)]++
}

// reason says more exactly than its class why a packet is not taken. It is called with
// mu held.
func (l *link) reason(of class, d datagram) vrrp.DropReason {
	switch of {
	case foreign:
		vrid := int(d.payload[1]) // it has the shape of an advert
		if slices.ContainsFunc(l.conns, func(c *Conn) bool { return c.cfg.VRID == vrid }) {
			return vrrp.DropDestination
		}
	case malformed:
		for _, c := range l.conns {
			if _, reason := vrrp.Decode(d.payload, d.src, d.dst, d.ttl, c.expect); reason != vrrp.Accepted {
				return reason
			}
		}
	}
	return of.unread()
}
