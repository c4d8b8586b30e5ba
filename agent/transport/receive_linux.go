package transport

import (
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/arrival"
	"github.com/havip/havip/agent/vrrp"
)

const (
	// batch is how many packets are read before others have their turn.
	batch = 64
	// fetchLimit is how many batches a Fetch reads at most: in a flood there is no end.
	fetchLimit = 16
	// countEvery is how often what the filters reject is counted while adverts come.
	countEvery = time.Second
	// gather is how long a reader that had something to drop lets more come: in a
	// flood each packet would wake it, and that costs more than to look at it. What
	// is right has its time of arrival from the kernel.
	gather = time.Millisecond
	// receiveRetry is the pause after a failed read of the socket.
	receiveRetry = 100 * time.Millisecond
)

// Take returns the next valid advertisement of a peer that has come in; false when
// there is none. Everything else is dropped and counted. After Close it returns
// net.ErrClosed.
func (c *Conn) Take() (advert Advert, got bool, err error) {
	if c.closed() {
		return Advert{}, false, net.ErrClosed
	}
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if len(c.inbox) > 0 {
		advert = c.inbox[0]
		c.inbox = append(c.inbox[:0], c.inbox[1:]...)
		return advert, true, nil
	}
	err, c.failed = c.failed, nil
	return Advert{}, false, err
}

// Fetch makes all that waits in the socket ready to be taken, and what a reader has
// read and not handed out yet. A loop that wakes up late calls it before it lets a
// timer expire.
func (c *Conn) Fetch() error {
	for range fetchLimit {
		var more bool
		for _, in := range c.link.inlets() {
			err := in.socket.control(func(fd int) error {
				some, _, err := c.link.pump(in, fd)
				more = more || some
				return err
			})
			if err != nil {
				return c.closedError(fmt.Errorf("receive advertisement: %w", err))
			}
		}
		if !more {
			break
		}
	}
	return nil
}

// put is called with link.mu held.
func (c *Conn) put(advert Advert) {
	if len(c.inbox) == inboxSize {
		c.drops[dropOverflow]++
		c.inbox = append(c.inbox[:0], c.inbox[1:]...)
	}
	if c.inbox = append(c.inbox, advert); len(c.inbox) == 1 {
		c.arrived()
	}
}

func (c *Conn) arrived() {
	if c.cfg.Arrived != nil {
		c.cfg.Arrived()
	}
}

// read hands out what comes in until the link is closed.
func (l *link) read(in *inlet) {
	for {
		var more, junk bool
		var failed error
		err := in.socket.readable(func(fd int) bool {
			more, junk, failed = l.pump(in, fd)
			return more || junk || failed != nil
		})
		switch {
		case err != nil:
			return // closed
		case failed != nil:
			l.fail(fmt.Errorf("receive advertisement: %w", failed))
			time.Sleep(receiveRetry)
		case junk:
			time.Sleep(gather)
		}
	}
}

// fail tells all routers of an error.
func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.failed = err
		c.arrived()
	}
}

// pump reads a batch of adverts and hands them out; more tells whether others may
// wait, junk whether some were dropped and no more wait. What the other sockets hold
// is counted now and then on the way, so that they are not full but in a flood, and
// the counts exact.
func (l *link) pump(in *inlet, fd int) (more, junk bool, err error) {
	l.incoming.Lock()
	defer l.incoming.Unlock()
	more = true
	dropped := false
	for range batch {
		n, ancillary, from, err := l.recvmsg(in, fd)
		if err == unix.EAGAIN || err == unix.ENETDOWN && in == l.owner {
			more, junk = false, dropped
			break // a packet socket tells once that its NIC went down
		}
		if err != nil {
			return false, false, err
		}
		d, ok := l.family.parse(l.buffer[:n], ancillary, from)
		if !l.deliver(in, d, ok, arrival.Time(time.Now(), arrival.Stamp(ancillary), in.empty)) {
			dropped = true
		}
	}
	if now := time.Now(); now.Sub(l.rejected) >= countEvery {
		l.rejected = now
		l.countRejected()
	}
	return more, junk, nil
}

// recvmsg reads without waiting, and notes when there was nothing to read.
func (l *link) recvmsg(in *inlet, fd int) (n int, ancillary []unix.SocketControlMessage, from syscall.Sockaddr, err error) {
	for {
		before := time.Now()
		var oobn int
		// Not unix.Recvmsg, which asks the kernel for the socket's protocol each time.
		n, oobn, _, from, err = syscall.Recvmsg(fd, l.buffer, l.ancillary, unix.MSG_DONTWAIT)
		switch err {
		case nil:
			ancillary, err = unix.ParseSocketControlMessage(l.ancillary[:oobn])
			return n, ancillary, from, err
		case unix.EAGAIN:
			in.empty = before
			return 0, nil, nil, err
		case unix.EINTR:
		default:
			return 0, nil, nil, err
		}
	}
}

// deliver gives a packet to the routers that it is of, and tells whether none had
// to drop it. The filter lets through only what has the shape of an advert, may not
// have looked at its addresses, and may have changed since.
func (l *link) deliver(in *inlet, d datagram, ok bool, at time.Time) (good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ok || len(d.payload) < 2 {
		l.drops[vrrp.DropTruncated]++
		return false
	}
	if of := in.audience.classOf(d); of != adverts {
		if in == l.adverts { // what the owner's socket hears of others, this one does too
			l.drops[l.reason(of, d)]++
		}
		return false
	}
	ours := l.byVRID[d.payload[1]]
	good = len(ours) > 0
	for _, c := range ours {
		fromOwner := in == l.adverts && c.cfg.isOwner(d.src)
		if fromOwner && l.ownerKnown {
			continue // it comes in through the owner's socket as well
		}
		advert, reason := c.check(d)
		if reason != vrrp.Accepted {
			c.drops[reason]++
			good = false
			continue
		}
		if fromOwner {
			l.meetOwner()
		}
		advert.At = at
		c.put(advert)
	}
	if len(ours) == 0 {
		l.drops[vrrp.DropVRID]++
	}
	return good
}

// check tells whether the packet is an advert of a peer for this router.
func (c *Conn) check(d datagram) (Advert, vrrp.DropReason) {
	switch {
	case d.dst != c.cfg.destination(c.link.family.group()):
		return Advert{}, vrrp.DropDestination
	case !c.cfg.hears(d.src):
		return Advert{}, vrrp.DropPeer
	}
	packet, reason := vrrp.Decode(d.payload, d.src, d.dst, d.ttl, c.expect)
	return Advert{
		From:      d.src,
		Priority:  packet.Priority,
		Interval:  packet.Interval,
		Addresses: packet.Addresses,
		Checksum:  packet.Checksum,
	}, reason
}
