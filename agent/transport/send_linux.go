package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// Send sends one advertisement to every peer, never waiting. It returns when it
// began to, which no peer can have heard it before, or a zero time when it left for
// no peer; and an error for each peer that it did not leave for.
func (c *Conn) Send(priority int, interval time.Duration) (time.Time, error) {
	c.mu.Lock()
	peers := slices.Clone(c.peers)
	packet := vrrp.Packet{
		Version:   c.expect.Version,
		VRID:      c.expect.VRID,
		Priority:  priority,
		Interval:  interval,
		Addresses: c.addresses, // replaced, never written to
	}
	c.mu.Unlock()

	at := time.Now()
	var errs []error
	for _, peer := range peers {
		if err := c.sendTo(peer, packet); err != nil {
			errs = append(errs, fmt.Errorf("send advertisement from %s to %s: %w", c.source, peer, c.closedError(err)))
		}
	}
	if len(errs) > 0 && len(errs) == len(peers) {
		at = time.Time{}
	}
	return at, errors.Join(errs...)
}

func (c *Conn) sendTo(peer netip.Addr, packet vrrp.Packet) error {
	payload, err := vrrp.Encode(packet, c.source, peer)
	if err != nil {
		return err
	}
	return c.peersOnly.control(func(fd int) error {
		for {
			err := unix.Sendmsg(fd, payload, c.family.from(c.source), c.family.to(peer), unix.MSG_DONTWAIT)
			if err != unix.EINTR {
				return err
			}
		}
	})
}
