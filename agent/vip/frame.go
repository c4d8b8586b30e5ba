package vip

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
)

// frames are the Ethernet frames that announce a VIP: where it is, to everybody.
func frames(mac net.HardwareAddr, vip netip.Addr, replies bool) ([]*ethernet.Frame, error) {
	if vip.Is6() {
		frame, err := unsolicitedNA(mac, vip)
		return []*ethernet.Frame{frame}, err
	}
	// RFC 5227 section 3: an ARP announcement is a request. Its target hardware
	// address is ignored, and zero.
	request, err := gratuitousARP(arp.OperationRequest, mac, vip, make(net.HardwareAddr, len(mac)))
	if err != nil || !replies {
		return []*ethernet.Frame{request}, err
	}
	// RFC 5944 section 4.6: in a gratuitous reply it is the sender's.
	reply, err := gratuitousARP(arp.OperationReply, mac, vip, mac)
	return []*ethernet.Frame{request, reply}, err
}

// gratuitousARP has the VIP as sender and as target protocol address.
func gratuitousARP(op arp.Operation, mac net.HardwareAddr, vip netip.Addr, target net.HardwareAddr) (*ethernet.Frame, error) {
	p, err := arp.NewPacket(op, mac, vip, target, vip)
	if err != nil {
		return nil, err
	}
	payload, err := p.MarshalBinary()
	return &ethernet.Frame{
		Destination: ethernet.Broadcast,
		Source:      mac,
		EtherType:   ethernet.EtherTypeARP,
		Payload:     payload,
	}, err
}

// unsolicitedNA tells all nodes of the link, with the Override flag, so that those
// who know the VIP under another MAC take this one (RFC 4861 section 7.2.6, RFC
// 9568 section 6.4.1 for the flags). The source is the VIP itself: it is an address
// of the NIC, and one that Neutron's port security lets out.
func unsolicitedNA(mac net.HardwareAddr, vip netip.Addr) (*ethernet.Frame, error) {
	allNodes := netip.IPv6LinkLocalAllNodes()
	message, err := ndp.MarshalMessageChecksum(&ndp.NeighborAdvertisement{
		Router:        true,
		Override:      true,
		TargetAddress: vip,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}, vip, allNodes)
	if err != nil {
		return nil, err
	}
	const version6 = 6 << 4
	packet := make([]byte, ipv6Header, ipv6Header+len(message))
	packet[0] = version6
	binary.BigEndian.PutUint16(packet[4:], uint16(len(message)))
	packet[ipv6NextHeader], packet[ipv6HopLimit] = icmpv6, 255 // RFC 4861 section 4.4
	copy(packet[8:], vip.AsSlice())
	copy(packet[24:], allNodes.AsSlice())
	return &ethernet.Frame{
		// RFC 2464 section 7: 33:33 and the last four bytes of the group.
		Destination: net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1},
		Source:      mac,
		EtherType:   ethernet.EtherTypeIPv6,
		Payload:     append(packet, message...),
	}, nil
}
