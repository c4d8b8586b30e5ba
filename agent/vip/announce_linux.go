package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/packet"
)

// Announce tells neighbours and switches that the VIPs are at this NIC now (RFC
// 9568 section 8.1.1, 8.2.2): by one gratuitous ARP request for each, which is the
// form that moves a VIP on every back end of Neutron, and a reply if that is
// configured; or by an unsolicited neighbour advertisement.
func (s *Set) Announce() error {
	var errs []error
	for _, vip := range s.all {
		if err := s.announce(vip); err != nil {
			errs = append(errs, fmt.Errorf("announce address %s on %q: %w", vip, s.nic.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Set) announce(vip netip.Addr) error {
	frames, err := frames(s.nic.MAC, vip, s.replies)
	if err != nil {
		return err
	}
	conn, err := s.openAnnouncer()
	if err != nil {
		return err
	}
	for _, frame := range frames {
		b, err := frame.MarshalBinary()
		if err != nil {
			return err
		}
		if _, err := conn.WriteTo(b, &packet.Addr{HardwareAddr: frame.Destination}); err != nil {
			s.closeAnnouncer() // the NIC may have been replaced: the next call opens it anew
			return err
		}
	}
	return nil
}

// openAnnouncer opens the socket once. It is kept, because closing a packet socket
// waits for all CPUs to pass through the kernel (synchronize_net), up to tens
// of milliseconds. Protocol 0: it only sends, nothing is queued on it.
func (s *Set) openAnnouncer() (*packet.Conn, error) {
	if s.announcer != nil {
		return s.announcer, nil
	}
	nic := &net.Interface{Index: s.nic.Index, Name: s.nic.Name, HardwareAddr: s.nic.MAC}
	conn, err := packet.Listen(nic, packet.Raw, 0, nil)
	if err != nil {
		return nil, err
	}
	s.announcer = conn
	return conn, nil
}

func (s *Set) closeAnnouncer() {
	if s.announcer != nil {
		_ = s.announcer.Close() // nothing is buffered that could be lost
		s.announcer = nil
	}
}
