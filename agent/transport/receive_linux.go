package transport

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/arrival"
	"github.com/havip/havip/agent/vrrp"
)

// Receive waits for the next valid advertisement of a peer. It drops and counts
// everything else. After Close it returns net.ErrClosed.
func (c *Conn) Receive() (Advert, error) {
	for {
		var advert Advert
		var got bool
		var failed error
		err := c.peersOnly.readable(func(fd int) bool {
			var some bool
			advert, got, some, failed = c.next(fd)
			return some || failed != nil
		})
		switch {
		case err != nil:
			return Advert{}, c.closedError(err)
		case failed != nil:
			return Advert{}, fmt.Errorf("receive advertisement: %w", failed)
		case got:
			return advert, nil
		}
	}
}

// TryReceive returns an advertisement that waits in the socket, without waiting
// for one. A loop that wakes up late takes these before it lets a timer expire; it
// may be called while another goroutine is in Receive.
func (c *Conn) TryReceive() (Advert, bool, error) {
	for {
		var advert Advert
		var got, some bool
		err := c.peersOnly.control(func(fd int) (err error) {
			advert, got, some, err = c.next(fd)
			return err
		})
		if err != nil {
			return Advert{}, false, c.closedError(err)
		}
		if got || !some {
			return advert, got, nil
		}
	}
}

// next takes one packet from the socket: some tells whether there was one, got
// whether it was an advert to be used.
func (c *Conn) next(fd int) (advert Advert, got, some bool, err error) {
	c.incoming.Lock()
	defer c.incoming.Unlock()
	n, oobn, from, err := c.recvmsg(fd)
	if err == unix.EAGAIN {
		return Advert{}, false, false, nil
	}
	if err != nil {
		return Advert{}, false, false, err
	}
	ancillary, err := unix.ParseSocketControlMessage(c.ancillary[:oobn])
	if err != nil {
		return Advert{}, false, true, err
	}
	advert, reason := c.check(c.buffer[:n], ancillary, from)
	c.count(reason)
	if reason != vrrp.Accepted {
		return Advert{}, false, true, nil
	}
	advert.At = arrival.Time(time.Now(), arrival.Stamp(ancillary), c.empty)
	return advert, true, true, nil
}

// recvmsg reads without waiting, and notes when there was nothing to read.
func (c *Conn) recvmsg(fd int) (n, oobn int, from unix.Sockaddr, err error) {
	for {
		before := time.Now()
		n, oobn, _, from, err = unix.Recvmsg(fd, c.buffer, c.ancillary, unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			c.empty = before
		}
		if err != unix.EINTR {
			return n, oobn, from, err
		}
	}
}

// check tells whether the packet is an advert of a peer for this router. The
// filter has let only peers through; but it may have changed since.
func (c *Conn) check(data []byte, ancillary []unix.SocketControlMessage, from unix.Sockaddr) (Advert, vrrp.DropReason) {
	d, ok := c.family.parse(data, ancillary, from)
	if !ok {
		return Advert{}, vrrp.DropTruncated
	}
	c.mu.Lock()
	known := slices.Contains(c.peers, d.src)
	c.mu.Unlock()
	if !known {
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
