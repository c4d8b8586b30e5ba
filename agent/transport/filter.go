package transport

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/havip/havip/agent/vrrp"
)

// class is what a packet of protocol 112 is to a link, as far as the kernel can
// tell. Each class has a socket of its own, so that none can fill the buffer of
// another, and each is counted.
type class int

const (
	adverts   class = iota // by a peer, for one of our routers: to be looked at
	foreign                // a proper one that is not for our routers: normal on a link with others
	strangers              // by somebody who is no peer
	malformed              // by a peer, but no advertisement
	classes                // how many there are
)

// filterLimit is how many instructions a filter has at most. The kernel makes up to 28
// bytes of each, out of what it allows a socket (net.core.optmem_max: 20 KiB by
// default, more since Linux 6.8), which has to hold a filter and the one that replaces it.
const filterLimit = 256

// datagram is a received packet of protocol 112.
type datagram struct {
	src, dst netip.Addr
	ttl      int // or hop limit
	payload  []byte
}

// What a filter returns is how many bytes of the packet to keep.
const (
	keepNone = 0
	keepHead = 128 // IP header with options, VRRP header, an address or two: enough to tell the reason
	keepAll  = 0xffff
)

// layout says where a filter finds the headers, which differs between the raw
// sockets of the two IP versions.
type layout struct {
	source, destination, hops uint32
	payload                   bpf.Instruction // loads the offset of the VRRP header into X
}

// ipv4Layout: the packet begins with the IP header (raw(7), RFC 791 section 3.1).
var ipv4Layout = layout{source: 12, destination: 16, hops: 8, payload: bpf.LoadMemShift{Off: 0}}

// ipv6Layout: it begins with the VRRP header. The IP header (RFC 8200 section 3) is
// where the kernel keeps it, at an offset of SKF_NET_OFF (linux/filter.h).
var ipv6Layout = ipv6LayoutAt(skfNetOff, 0)

const skfNetOff = 0xfff00000

func ipv6LayoutAt(header, payload uint32) layout {
	return layout{
		source: header + 8, destination: header + 24, hops: header + 7,
		payload: bpf.LoadConstant{Dst: bpf.RegX, Val: payload},
	}
}

// A VRRP header, and how that of an advertisement begins: with version and type.
const (
	vrrpHeader = 8
	v2Advert   = 2<<4 | 1
	v3Advert   = 3<<4 | 1
)

// The scratch registers of a filter.
const (
	slotProper = iota // it has the shape of an advertisement
	slotVRID
	slotTo
	slotFrom
)

// dropAll is the filter of a socket that is not set up yet. A raw socket hears
// the whole server from its first moment, before it is bound to a device.
func dropAll() ([]bpf.RawInstruction, error) {
	return bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: keepNone}})
}

// classFilter keeps the packets of one class: keep bytes of each. When the addresses are
// too many for a filter it takes each for one of ours, and who reads asks classOf.
func (a audience) classFilter(l layout, of class, keep uint32) ([]bpf.RawInstruction, error) {
	addresses := append(member(slotTo, l.destination, a.to), a.sender(l)...)
	program := a.program(l, addresses, of, keep)
	if len(program) > filterLimit {
		program = a.program(l, append(set(slotTo, 1), set(slotFrom, 1)...), of, keep)
	}
	return bpf.Assemble(program)
}

// program is a filter with the part that looks at the addresses.
func (a audience) program(l layout, addresses []bpf.Instruction, of class, keep uint32) []bpf.Instruction {
	var verdict [classes]uint32
	verdict[of] = keep
	program := append(l.proper(), a.ours(l)...)
	program = append(program, addresses...)
	return append(program,
		// foreign: proper, but neither to us nor of a router of ours
		bpf.LoadScratch{Dst: bpf.RegA, N: slotProper},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 5},
		bpf.LoadScratch{Dst: bpf.RegA, N: slotVRID},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 2},
		bpf.LoadScratch{Dst: bpf.RegA, N: slotTo},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: verdict[foreign]},

		bpf.LoadScratch{Dst: bpf.RegA, N: slotFrom},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: verdict[strangers]},

		bpf.LoadScratch{Dst: bpf.RegA, N: slotProper},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: verdict[malformed]},

		bpf.RetConstant{Val: verdict[adverts]})
}

// classOf says in Go what the filters say in BPF.
func (a audience) classOf(d datagram) class {
	proper := len(d.payload) >= vrrpHeader && d.ttl == vrrp.TTL && (d.payload[0] == v2Advert || d.payload[0] == v3Advert)
	peer := slices.Contains(a.from, d.src)
	if a.anyone {
		peer = !slices.Contains(a.own, d.src)
	}
	switch {
	case proper && (!a.vrids[d.payload[1]] || !slices.Contains(a.to, d.dst)):
		return foreign
	case !peer:
		return strangers
	case !proper:
		return malformed
	}
	return adverts
}

// set stores a constant in a register.
func set(slot int, value uint32) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadConstant{Dst: bpf.RegA, Val: value},
		bpf.StoreScratch{Src: bpf.RegA, N: slot},
	}
}

// proper notes whether the packet has the shape of an advertisement: a whole
// header (RFC 9568 section 5.2), a hop limit of 255, a known version and type. It
// leaves X at the VRRP header.
func (l layout) proper() []bpf.Instruction {
	program := set(slotProper, 0)
	return append(program,
		l.payload,
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.ALUOpX{Op: bpf.ALUOpSub},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: vrrpHeader, SkipTrue: 7},
		bpf.LoadAbsolute{Off: l.hops, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: vrrp.TTL, SkipTrue: 5},
		bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: v3Advert, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: v2Advert, SkipTrue: 2},
		bpf.LoadConstant{Dst: bpf.RegA, Val: 1},
		bpf.StoreScratch{Src: bpf.RegA, N: slotProper})
}

// ours notes whether the packet is of one of our virtual routers: a bit out of 256,
// in eight words.
func (a audience) ours(l layout) []bpf.Instruction {
	const vrid, perWord, words = 1, 32, 8
	program := append(set(slotVRID, 0),
		bpf.LoadScratch{Dst: bpf.RegA, N: slotProper}, // else it may have no VRID
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 1},
		bpf.Jump{Skip: 5 + 3*words + 4},
		bpf.LoadIndirect{Off: vrid, Size: 1},
		bpf.StoreScratch{Src: bpf.RegA, N: slotVRID},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: perWord - 1},
		bpf.TAX{},
		bpf.LoadScratch{Dst: bpf.RegA, N: slotVRID},
	)
	for i := range words {
		var word uint32
		for bit := range perWord {
			if a.vrids[i*perWord+bit] {
				word |= 1 << bit
			}
		}
		last := uint32((i+1)*perWord - 1)
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: last, SkipTrue: 2},
			bpf.LoadConstant{Dst: bpf.RegA, Val: word},
			bpf.Jump{Skip: uint32(3*(words-1-i) + 1)})
	}
	return append(program,
		bpf.LoadConstant{Dst: bpf.RegA, Val: 0}, // not reached: a byte is at most 255
		bpf.ALUOpX{Op: bpf.ALUOpShiftRight},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 1},
		bpf.StoreScratch{Src: bpf.RegA, N: slotVRID})
}

// sender notes whether the source is a peer.
func (a audience) sender(l layout) []bpf.Instruction {
	if !a.anyone {
		return member(slotFrom, l.source, a.from)
	}
	return append(member(slotFrom, l.source, a.own), // everybody but us
		bpf.LoadScratch{Dst: bpf.RegA, N: slotFrom},
		bpf.ALUOpConstant{Op: bpf.ALUOpXor, Val: 1},
		bpf.StoreScratch{Src: bpf.RegA, N: slotFrom})
}

// member notes whether the address at off is one of the list. A conditional jump
// reaches 255 instructions; so each comparison leaves by a jump of its own.
func member(slot int, off uint32, list []netip.Addr) []bpf.Instruction {
	program := set(slot, 0)
	for i, addr := range list {
		words := addressWords(addr)
		for w, word := range words {
			program = append(program,
				bpf.LoadAbsolute{Off: off + uint32(4*w), Size: 4},
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: word, SkipTrue: uint8(2*(len(words)-1-w) + 3)})
		}
		left := uint32(0)
		for _, next := range list[i+1:] {
			left += uint32(2*len(addressWords(next)) + 3)
		}
		program = append(program,
			bpf.LoadConstant{Dst: bpf.RegA, Val: 1},
			bpf.StoreScratch{Src: bpf.RegA, N: slot},
			bpf.Jump{Skip: left})
	}
	return program
}

func addressWords(addr netip.Addr) (words []uint32) {
	for b := addr.AsSlice(); len(b) > 0; b = b[4:] {
		words = append(words, binary.BigEndian.Uint32(b))
	}
	return words
}
