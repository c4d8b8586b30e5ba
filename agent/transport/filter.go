package transport

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// What a filter returns is how many bytes of the packet to keep.
const (
	keepNone   = 0
	keepHeader = 20
	keepAll    = 0xffff
)

// dropAll is the filter of a socket that is not set up yet. A raw socket hears
// the whole server from its first moment, before it is bound to a device.
func dropAll() ([]bpf.RawInstruction, error) {
	return bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: keepNone}})
}

// ipv4SourceFilter keeps ofPeers bytes of a packet whose source is a peer, and
// ofOthers of any other. A raw IPv4 socket's filter sees the IP header, with the
// source at offset 12 (RFC 791 section 3.1).
//
// A jump reaches 255 instructions; so each comparison has its own return.
func ipv4SourceFilter(peers []netip.Addr, ofPeers, ofOthers uint32) ([]bpf.RawInstruction, error) {
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 4}}
	for _, p := range peers {
		if !p.Is4() {
			continue // never the source of an IPv4 packet
		}
		a := p.As4()
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(a[:]), SkipFalse: 1},
			bpf.RetConstant{Val: ofPeers})
	}
	return bpf.Assemble(append(program, bpf.RetConstant{Val: ofOthers}))
}
