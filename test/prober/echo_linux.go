package prober

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// echo is ICMP echo in one address family (RFC 792, RFC 4443 section 4).
type echo struct {
	domain, protocol int
	etherType        uint16
	to               unix.Sockaddr
	source           []byte // of the answers: the target's address
	id               uint16 // tells this prober's from those of others

	ask, answer byte // ICMP types
	ipHeader    int  // length; an answer has no options
	protocolAt  uint32
	sourceAt    uint32
}

const (
	ethernetHeader = 14
	icmpHeader     = 8
	slotBytes      = 8 // of payload: the number of the slot
)

func newEcho(target netip.Addr) echo {
	e := echo{source: target.AsSlice(), id: uint16(rand.Uint32())}
	if target.Is4() {
		e.domain, e.protocol, e.etherType = unix.AF_INET, unix.IPPROTO_ICMP, unix.ETH_P_IP
		e.to = &unix.SockaddrInet4{Addr: target.As4()}
		e.ask, e.answer = 8, 0
		e.ipHeader, e.protocolAt, e.sourceAt = 20, 9, 12
	} else {
		e.domain, e.protocol, e.etherType = unix.AF_INET6, unix.IPPROTO_ICMPV6, unix.ETH_P_IPV6
		e.to = &unix.SockaddrInet6{Addr: target.As16()}
		e.ask, e.answer = 128, 129
		e.ipHeader, e.protocolAt, e.sourceAt = 40, 6, 8
	}
	return e
}

// request is the ICMP message of a slot. The kernel fills in the checksum of
// IPv6, which covers a pseudo-header.
func (e echo) request(slot uint64) []byte {
	m := make([]byte, icmpHeader+slotBytes)
	m[0] = e.ask
	binary.BigEndian.PutUint16(m[4:], e.id)
	binary.BigEndian.PutUint16(m[6:], uint16(slot))
	binary.BigEndian.PutUint64(m[icmpHeader:], slot)
	if e.domain == unix.AF_INET {
		binary.BigEndian.PutUint16(m[2:], checksum(m))
	}
	return m
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// filter lets only answers of the target to this prober through.
func (e echo) filter() []bpf.Instruction {
	var program []bpf.Instruction
	require := func(off uint32, size int, value uint32) {
		program = append(program,
			bpf.LoadAbsolute{Off: off, Size: size},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: value, SkipTrue: 1},
			bpf.RetConstant{Val: 0})
	}
	icmp := uint32(ethernetHeader + e.ipHeader)
	require(ethernetHeader+e.protocolAt, 1, uint32(e.protocol))
	for i := 0; i < len(e.source); i += 4 {
		require(ethernetHeader+e.sourceAt+uint32(i), 4, binary.BigEndian.Uint32(e.source[i:]))
	}
	require(icmp, 1, uint32(e.answer))
	require(icmp+4, 2, uint32(e.id))
	return append(program, bpf.RetConstant{Val: 1 << 16})
}

// reply reads a frame that the filter has let through.
func (e echo) reply(frame []byte) (slot uint64, by net.HardwareAddr, ok bool) {
	if len(frame) < ethernetHeader+e.ipHeader+icmpHeader+slotBytes {
		return 0, nil, false
	}
	by = append(by, frame[6:12]...)
	return binary.BigEndian.Uint64(frame[ethernetHeader+e.ipHeader+icmpHeader:]), by, true
}
