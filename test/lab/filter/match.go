package filter

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
)

// Match compares a part of a frame, or what the kernel knows of it.
type Match struct {
	text string
	load load
	// offset and size say which bytes, where they are loaded from a header.
	offset, size uint32
	mask         []byte // nil: all bits
	from, to     []byte // to is nil but for a range
}

func (m Match) String() string { return m.text }

// load is where a Match finds its bytes.
type load int

const (
	inPort load = iota
	outPort
	mark
	protocol
	link
	network
	transport
)

// established marks what belongs to a connection that was let through.
const established = 1

// Numbers of the protocols that are looked into.
const (
	icmp   = 1
	tcp    = 6
	udp    = 17
	icmpv6 = 58
)

func from(device string) Match {
	return Match{text: fmt.Sprintf("iifname %q", device), load: inPort, from: name(device)}
}

func towards(device string) Match {
	return Match{text: fmt.Sprintf("oifname %q", device), load: outPort, from: name(device)}
}

// name is a device's as the kernel compares it.
func name(device string) []byte {
	b := make([]byte, 16)
	copy(b, device)
	return b
}

func marked() Match {
	return Match{text: "ct state established,related", load: mark, from: binary.NativeEndian.AppendUint32(nil, established)}
}

func proto(number int) Match {
	return Match{text: fmt.Sprintf("meta l4proto %d", number), load: protocol, from: []byte{byte(number)}}
}

func etherType(text string, number uint16) Match {
	return Match{text: "ether type " + text, load: link, offset: 12, size: 2, from: binary.BigEndian.AppendUint16(nil, number)}
}

func arp() Match { return etherType("arp", 0x0806) }
func ip4() Match { return etherType("ip", 0x0800) }
func ip6() Match { return etherType("ip6", 0x86dd) }

func senderMAC(mac net.HardwareAddr) Match {
	return Match{text: fmt.Sprintf("ether saddr %s", mac), load: link, offset: 6, size: 6, from: mac}
}

func arpSenderMAC(mac net.HardwareAddr) Match {
	return Match{text: fmt.Sprintf("arp saddr ether %s", mac), load: network, offset: 8, size: 6, from: mac}
}

func arpSender(p netip.Prefix) Match { return address("arp saddr ip", 14, p) }

// source and destination compare the address of an IP header; the frame's
// type is compared by another Match.
func source(p netip.Prefix) Match {
	if p.Addr().Is4() {
		return address("ip saddr", 12, p)
	}
	return address("ip6 saddr", 8, p)
}

func destination(p netip.Prefix) Match {
	if p.Addr().Is4() {
		return address("ip daddr", 16, p)
	}
	return address("ip6 daddr", 24, p)
}

// ndTarget is the address that a neighbour advertisement is about.
func ndTarget(p netip.Prefix) Match {
	m := address("icmpv6 taddr", 8, p)
	m.load = transport
	return m
}

func address(field string, offset uint32, p netip.Prefix) Match {
	p = p.Masked()
	text := p.String()
	if p.IsSingleIP() {
		text = p.Addr().String()
	}
	m := Match{text: field + " " + text, load: network, offset: offset, size: uint32(p.Addr().BitLen() / 8), from: p.Addr().AsSlice()}
	if !p.IsSingleIP() {
		m.mask = net.CIDRMask(p.Bits(), p.Addr().BitLen())
	}
	return m
}

func sourcePort(n uint16) Match { return port("sport", 0, n, n) }

func destinationPort(low, high uint16) Match { return port("dport", 2, low, high) }

func port(field string, offset uint32, low, high uint16) Match {
	m := Match{text: fmt.Sprintf("th %s %d", field, low), load: transport, offset: offset, size: 2, from: binary.BigEndian.AppendUint16(nil, low)}
	if high != low {
		m.text += fmt.Sprintf("-%d", high)
		m.to = binary.BigEndian.AppendUint16(nil, high)
	}
	return m
}

func icmpType(n int) Match {
	return Match{text: fmt.Sprintf("icmp type %d", n), load: transport, size: 1, from: []byte{byte(n)}}
}

func icmpCode(n int) Match {
	return Match{text: fmt.Sprintf("icmp code %d", n), load: transport, offset: 1, size: 1, from: []byte{byte(n)}}
}
