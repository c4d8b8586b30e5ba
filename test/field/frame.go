package field

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
)

// Numbers of protocols in IP.
const (
	hopByHop      = 0
	protocolIGMP  = 2
	protocolICMP6 = 58
	protocolVRRP  = 112 // RFC 9568 section 5.1.1.4
)

// Frame is what passed a node's cable.
type Frame struct {
	At   time.Time
	From net.HardwareAddr

	ARP *arp.Packet // nil: not ARP
	// Of an IP packet: its addresses, TTL or hop limit, and what it carries.
	// Protocol is -1 where there is none.
	Source, To netip.Addr
	TTL        int
	Protocol   int
	Payload    []byte
}

// ParseFrame reads an Ethernet frame. What is not understood has no fields.
func ParseFrame(at time.Time, data []byte) Frame {
	f := Frame{At: at, Protocol: -1}
	var e ethernet.Frame
	if e.UnmarshalBinary(data) != nil {
		return f
	}
	f.From = e.Source
	switch p := e.Payload; e.EtherType {
	case ethernet.EtherTypeARP:
		var a arp.Packet
		if a.UnmarshalBinary(p) == nil {
			f.ARP = &a
		}
	case ethernet.EtherTypeIPv4:
		if len(p) < 20 {
			return f
		}
		header, total := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
		if header < 20 || total < header || len(p) < total {
			return f
		}
		f.Source, f.To = netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
		f.TTL, f.Protocol, f.Payload = int(p[8]), int(p[9]), p[header:total]
	case ethernet.EtherTypeIPv6:
		if len(p) < 40 || len(p) < 40+int(binary.BigEndian.Uint16(p[4:])) {
			return f
		}
		f.Source, f.To = netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40]))
		f.TTL, f.Protocol, f.Payload = int(p[7]), int(p[6]), p[40:40+int(binary.BigEndian.Uint16(p[4:]))]
		// MLD comes behind a hop-by-hop header (RFC 3810 section 5).
		if f.Protocol == hopByHop && len(f.Payload) >= 8 && len(f.Payload) >= 8+8*int(f.Payload[1]) {
			f.Protocol, f.Payload = int(f.Payload[0]), f.Payload[8+8*int(f.Payload[1]):]
		}
	}
	return f
}

// Advert tells whether it is VRRP.
func (f Frame) Advert() bool { return f.Protocol == protocolVRRP }

// Announces tells whether it claims an address for its sender: gratuitous ARP,
// as request or reply, or an unsolicited neighbour advertisement.
func (f Frame) Announces(a netip.Addr) bool {
	if f.ARP != nil {
		return f.ARP.SenderIP == a && f.ARP.TargetIP == a
	}
	const neighbourAdvertisement = 136 // RFC 4861 section 4.4
	return f.Protocol == protocolICMP6 && len(f.Payload) >= 24 && f.Payload[0] == neighbourAdvertisement &&
		netip.AddrFrom16([16]byte(f.Payload[8:24])) == a && f.To.IsMulticast()
}

// Joins tells whether it asks for a multicast group: an IGMP (version 2 or 3)
// or MLD (version 2) report that has it.
func (f Frame) Joins(group netip.Addr) bool { return f.membership(group) == joins }

// Leaves tells whether it gives a multicast group back.
func (f Frame) Leaves(group netip.Addr) bool { return f.membership(group) == leaves }

type membership int

const (
	nothing membership = iota
	joins
	leaves
)

func (f Frame) membership(group netip.Addr) membership {
	p := f.Payload
	if len(p) < 8 {
		return nothing
	}
	const (
		igmp2Report, igmp2Leave, igmp3Report = 0x16, 0x17, 0x22 // RFC 2236, RFC 3376
		mld2Report                           = 143              // RFC 3810
	)
	size := 4
	switch {
	case f.Protocol == protocolIGMP && group.Is4() && p[0] == igmp3Report:
	case f.Protocol == protocolICMP6 && group.Is6() && p[0] == mld2Report:
		size = 16
	case f.Protocol == protocolIGMP && group.Is4() && netip.AddrFrom4([4]byte(p[4:8])) == group:
		switch p[0] {
		case igmp2Report:
			return joins
		case igmp2Leave:
			return leaves
		}
		return nothing
	default:
		return nothing
	}
	for p = p[8:]; len(p) >= 4+size; {
		address, _ := netip.AddrFromSlice(p[4 : 4+size])
		if address == group {
			return change(p[0], binary.BigEndian.Uint16(p[2:]))
		}
		skip := 4 + size*(1+int(binary.BigEndian.Uint16(p[2:]))) + 4*int(p[1])
		p = p[min(skip, len(p)):]
	}
	return nothing
}

// change is what a group record says (RFC 3376 section 4.2.12): whether all
// sources are wanted, or none.
func change(kind byte, sources uint16) membership {
	const isExclude, toInclude, toExclude = 2, 3, 4
	switch {
	case kind == isExclude, kind == toExclude:
		return joins
	case kind == toInclude && sources == 0:
		return leaves
	}
	return nothing
}
