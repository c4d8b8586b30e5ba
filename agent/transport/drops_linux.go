package transport

import (
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// Drops returns how many packets were dropped, by reason (vrrp.DropReason, and
// "overflow" when adverts came faster than they were read).
func (c *Conn) Drops() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.countKernelDrops()
	}
	drops := make(map[string]uint64, len(c.drops))
	for reason, n := range c.drops {
		drops[string(reason)] = n
	}
	return drops
}

// count is called with the verdict on each packet of a peer.
func (c *Conn) count(reason vrrp.DropReason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reason != vrrp.Accepted {
		c.drops[reason]++
	}
	c.countStrangers()
}

// countKernelDrops adds what the kernel has dropped since it was last asked. It
// counts what comes to a full buffer before it filters: so the strangers' counter
// takes in an advert that comes while their buffer is full, and "overflow"
// strangers that come while the adverts' buffer is.
func (c *Conn) countKernelDrops() {
	for i, from := range []struct {
		socket *socket
		reason vrrp.DropReason
	}{{c.peersOnly, dropOverflow}, {c.strangers, vrrp.DropPeer}} {
		// The call fails only on a kernel without SO_MEMINFO (before 4.12).
		if n, err := from.socket.overflows(); err == nil && n != c.counted[i] {
			c.drops[from.reason] += uint64(n - c.counted[i]) // modulo 2^32
			c.counted[i] = n
		}
	}
	c.countStrangers()
}

// countStrangers counts and removes the strangers' packets that wait. It is done
// after each advert, so that at any rate but a flood the buffer is not full and
// the count is exact.
func (c *Conn) countStrangers() {
	if n := c.strangers.discard(); n > 0 {
		c.drops[vrrp.DropPeer] += n
	}
}

// discard empties the socket and tells how many packets there were. The bound
// keeps a flood from holding the caller up; the rest is for the next time.
func (s *socket) discard() (n uint64) {
	const bound = 100
	// An error ends the count: the socket is empty, or closed.
	_ = s.control(func(fd int) error {
		for n < bound {
			if _, _, _, _, err := unix.Recvmsg(fd, nil, nil, unix.MSG_DONTWAIT); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n
}
