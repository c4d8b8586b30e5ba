package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// Send sends one advertisement to every peer, or to the group, never waiting. It
// returns when it began to, which no peer can have heard it before, or a zero time
// when it left for nobody; and an error for each that it did not leave for.
func (c *Conn) Send(priority int, interval time.Duration) (time.Time, error) {
	if c.closed() {
		return time.Time{}, net.ErrClosed
	}
	c.link.mu.Lock()
	cfg := c.cfg // its slices are replaced, never written to
	c.link.mu.Unlock()
	packet := vrrp.Packet{
		Version:   cfg.Version,
		VRID:      cfg.VRID,
		Priority:  priority,
		Interval:  interval,
		Addresses: cfg.Addresses,
		Checksum:  cfg.checksum(),
	}
	to := cfg.Peers
	if cfg.Multicast {
		to = []netip.Addr{c.link.family.group()}
	}

	at := time.Now()
	var errs []error
	for _, peer := range to {
		if err := c.sendTo(peer, packet); err != nil {
			errs = append(errs, fmt.Errorf("send advertisement from %s to %s: %w", cfg.Source, peer, c.closedError(err)))
		}
	}
	if len(errs) > 0 && len(errs) == len(to) {
		at = time.Time{}
	}
	return at, errors.Join(errs...)
}

func (c *Conn) sendTo(peer netip.Addr, packet vrrp.Packet) error {
	l, source := c.link, c.cfg.Source
	payload, err := vrrp.Encode(packet, source, peer)
	if err != nil {
		return err
	}
	return l.sockets[adverts].control(func(fd int) error {
		for {
			err := unix.Sendmsg(fd, payload, l.family.from(source, l.index), l.family.to(peer, l.index), unix.MSG_DONTWAIT)
			if err != unix.EINTR {
				return err
			}
		}
	})
}

// checksum is the configured form where there is a choice: version 3 over IPv4.
func (c Config) checksum() vrrp.ChecksumForm {
	if c.Version == 3 && c.Source.Is4() {
		return c.Checksum
	}
	return ""
}
