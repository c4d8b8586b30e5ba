package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
)

// Announce broadcasts one gratuitous ARP request for each VIP, so that the
// neighbours and switches learn that the VIP is at this NIC now (RFC 5227
// section 3: ARP announcement; RFC 9568 section 8.1.1). The request form is the
// one that moves a VIP on every back end of Neutron.
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
	if !vip.Is4() {
		return fmt.Errorf("neighbour advertisement: %w", errors.ErrUnsupported)
	}
	frame, err := gratuitousARP(s.nic.MAC, vip)
	if err != nil {
		return err
	}
	conn, err := s.openARP()
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
		s.closeARP() // the NIC may have been replaced: the next call opens it anew
		return err
	}
	return nil
}

// openARP opens the socket once. It is kept, because closing a packet socket
// waits for all CPUs to pass through the kernel (synchronize_net), up to tens
// of milliseconds. Protocol 0: it only sends, nothing is queued on it.
func (s *Set) openARP() (*packet.Conn, error) {
	if s.arp != nil {
		return s.arp, nil
	}
	nic := &net.Interface{Index: s.nic.Index, Name: s.nic.Name, HardwareAddr: s.nic.MAC}
	conn, err := packet.Listen(nic, packet.Raw, 0, nil)
	if err != nil {
		return nil, err
	}
	s.arp = conn
	return conn, nil
}

func (s *Set) closeARP() {
	if s.arp != nil {
		_ = s.arp.Close() // nothing is buffered that could be lost
		s.arp = nil
	}
}

// gratuitousARP is the whole Ethernet frame: sender and target protocol address
// are the VIP, the target hardware address is ignored and zero (RFC 5227
// section 2.3).
func gratuitousARP(mac net.HardwareAddr, vip netip.Addr) ([]byte, error) {
	request, err := arp.NewPacket(arp.OperationRequest, mac, vip, make(net.HardwareAddr, len(mac)), vip)
	if err != nil {
		return nil, err
	}
	payload, err := request.MarshalBinary()
	if err != nil {
		return nil, err
	}
	frame := ethernet.Frame{
		Destination: ethernet.Broadcast,
		Source:      mac,
		EtherType:   ethernet.EtherTypeARP,
		Payload:     payload,
	}
	return frame.MarshalBinary()
}
