package field

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/ethernet"
)

// Forgery is an IP packet that somebody makes by hand: nothing in it need be
// true but the lengths and the checksum of an IPv4 header.
type Forgery struct {
	FromMAC, ToMAC net.HardwareAddr
	Source, To     netip.Addr // of one family
	TTL            int        // or hop limit
	Protocol       int
	Payload        []byte
}

// Frame is the packet on Ethernet.
func (f Forgery) Frame() []byte {
	var b []byte
	b = append(b, f.ToMAC...)
	b = append(b, f.FromMAC...)
	if f.Source.Is6() {
		b = binary.BigEndian.AppendUint16(b, uint16(ethernet.EtherTypeIPv6))
		b = append(b, 6<<4, 0, 0, 0) // RFC 8200 section 3
		b = binary.BigEndian.AppendUint16(b, uint16(len(f.Payload)))
		b = append(b, byte(f.Protocol), byte(f.TTL))
		b = append(b, f.Source.AsSlice()...)
		b = append(b, f.To.AsSlice()...)
		return append(b, f.Payload...)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(ethernet.EtherTypeIPv4))
	header := make([]byte, 0, 20) // RFC 791 section 3.1
	header = append(header, 4<<4|5, 0)
	header = binary.BigEndian.AppendUint16(header, uint16(20+len(f.Payload)))
	header = append(header, 0, 0, 0, 0, byte(f.TTL), byte(f.Protocol), 0, 0)
	header = append(header, f.Source.AsSlice()...)
	header = append(header, f.To.AsSlice()...)
	var sum uint32
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(header[10:], ^uint16(sum))
	return append(append(b, header...), f.Payload...)
}
