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

func (c *Conn) drop(reason vrrp.DropReason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops[reason]++
}

// countKernelDrops adds what the kernel has dropped since it was last asked.
// Strangers' packets are those that wait in their socket and those that found it
// full.
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
