package transport

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/arrival"
	"github.com/havip/havip/agent/vrrp"
)

const (
	// batch is how many packets are read before others have their turn.
	batch = 64
	// tryLimit is how many batches a TryReceive reads at most: in a flood there is
	// no end.
	tryLimit = 16
	// gather is how long a reader that had something to drop lets more come: in a
	// flood each packet would wake it, and that costs more than to look at it. What
	// is right has its time of arrival from the kernel.
	gather = time.Millisecond
	// receiveRetry is the pause after a failed read of the socket.
	receiveRetry = 100 * time.Millisecond
)

// Receive waits for the next valid advertisement of a peer. It drops and counts
// everything else. After Close it returns net.ErrClosed.
func (c *Conn) Receive() (Advert, error) {
	for {
		if advert, got, err := c.take(); got || err != nil {
			return advert, err
		}
		select {
		case <-c.ready:
		case <-c.done:
		}
	}
}

// TryReceive returns an advertisement that waits in the socket, without waiting
// for one. A loop that wakes up late takes these before it lets a timer expire; it
// may be called while another goroutine is in Receive.
func (c *Conn) TryReceive() (Advert, bool, error) {
	for range tryLimit {
		if advert, got, err := c.take(); got || err != nil {
			return advert, got, err
		}
		var some bool
		for _, in := range c.link.inlets() {
			err := in.socket.control(func(fd int) error {
				more, _, err := c.link.pump(in, fd)
				some = some || more
				return err
			})
			if err != nil {
				return Advert{}, false, c.closedError(fmt.Errorf("receive advertisement: %w", err))
			}
		}
		if !some {
			break
		}
	}
	return c.take()
}

// take takes what the link has put into the inbox.
func (c *Conn) take() (advert Advert, got bool, err error) {
	if c.closed() {
		return Advert{}, false, net.ErrClosed
	}
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if len(c.inbox) > 0 {
		advert, got = c.inbox[0], true
		c.inbox = append(c.inbox[:0], c.inbox[1:]...)
		return advert, true, nil
	}
	err, c.failed = c.failed, nil
	return Advert{}, false, err
}

// put is called with link.mu held.
func (c *Conn) put(advert Advert) {
	if len(c.inbox) == inboxSize {
		c.drops[dropOverflow]++
		c.inbox = append(c.inbox[:0], c.inbox[1:]...)
	}
	c.inbox = append(c.inbox, advert)
	c.wake()
}

func (c *Conn) wake() {
	select {
	case c.ready <- struct{}{}:
	default: // it has not looked since the last time
	}
}

// read hands out what comes in until the link is closed.
func (l *link) read(in *inlet) {
	for {
		var junk bool
		var failed error
		err := in.socket.readable(func(fd int) (some bool) {
			some, junk, failed = l.pump(in, fd)
			return some || failed != nil
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
		c.wake()
	}
}

// pump reads a batch of adverts and hands them out; some tells whether there were
// any, junk whether some were dropped and no more wait. What the other sockets hold
// is counted on the way, so that they are not full but in a flood, and the counts
// exact.
func (l *link) pump(in *inlet, fd int) (some, junk bool, err error) {
	l.incoming.Lock()
	defer l.incoming.Unlock()
	dropped := false
	for range batch {
		n, ancillary, from, err := l.recvmsg(in, fd)
		if err == unix.EAGAIN || err == unix.ENETDOWN && in == l.owner {
			junk = dropped
			break // a packet socket tells once that its NIC went down
		}
		if err != nil {
			return some, false, err
		}
		some = true
		d, ok := l.family.parse(l.buffer[:n], ancillary, from)
		if !l.deliver(in, d, ok, arrival.Time(time.Now(), arrival.Stamp(ancillary), in.empty)) {
			dropped = true
		}
	}
	l.countRejected()
	return some, junk, nil
}

// recvmsg reads without waiting, and notes when there was nothing to read.
func (l *link) recvmsg(in *inlet, fd int) (n int, ancillary []unix.SocketControlMessage, from unix.Sockaddr, err error) {
	for {
		before := time.Now()
		var oobn int
		n, oobn, _, from, err = unix.Recvmsg(fd, l.buffer, l.ancillary, unix.MSG_DONTWAIT)
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
// to drop it. The filter lets through only what has the shape of an advert, and may
// have changed since.
func (l *link) deliver(in *inlet, d datagram, ok bool, at time.Time) (good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ok || len(d.payload) < 2 {
		l.drops[vrrp.DropTruncated]++
		return false
	}
	vrid, ours := int(d.payload[1]), false
	good = true
	for _, c := range l.conns {
		if c.cfg.VRID != vrid {
			continue
		}
		ours = true
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
	if !ours {
		l.drops[vrrp.DropVRID]++
	}
	return good && ours
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
