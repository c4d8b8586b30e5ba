package vip

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ndp"
	"golang.org/x/net/bpf"
)

// claimKeep is how much of a packet is read: an IPv6 header and a neighbour
// advertisement with its options.
const claimKeep = 256

// The layout of an ARP packet for IPv4 over Ethernet (RFC 826), of an IPv6 header
// (RFC 8200 section 3) and of the neighbour advertisement behind it (RFC 4861
// section 4.4).
const (
	arpSender = 14 // protocol address of the sender
	arpTarget = 24 // and of the target

	ipv6Header     = 40
	ipv6NextHeader = 6
	ipv6HopLimit   = 7
	icmpv6         = 58

	ndType      = ipv6Header
	ndFlags     = ipv6Header + 4
	ndTarget    = ipv6Header + 8
	ndAdvert    = 136
	ndSolicited = 0x40
)

// filterLimit is how many instructions a filter has at most. The kernel makes up to 56
// bytes of each, out of what it allows a socket (net.core.optmem_max: 20 KiB by
// default, more since Linux 6.8). With this many it needs half of that.
const filterLimit = 180

// arpClaimFilter keeps gratuitous ARP for one of the VIPs: sender and target are
// the same address (RFC 5227 section 3). Requests and replies are alike.
func arpClaimFilter(vips []netip.Addr) ([]bpf.RawInstruction, error) {
	return claimFilter([]bpf.Instruction{
		bpf.LoadAbsolute{Off: arpTarget, Size: 4},
		bpf.TAX{},
		bpf.LoadAbsolute{Off: arpSender, Size: 4},
		bpf.JumpIfX{Cond: bpf.JumpEqual, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}, vips, keepARP)
}

// ndClaimFilter keeps unsolicited neighbour advertisements for one of the VIPs.
func ndClaimFilter(vips []netip.Addr) ([]bpf.RawInstruction, error) {
	return claimFilter([]bpf.Instruction{
		bpf.LoadAbsolute{Off: ipv6NextHeader, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmpv6, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: ndType, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: ndAdvert, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: ndFlags, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: ndSolicited, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}, vips, keepND)
}

// claimFilter keeps, of the packets that get through a program, those of the VIPs. When
// these are too many for a filter it keeps all, and Receive tells them apart.
func claimFilter(program []bpf.Instruction, vips []netip.Addr, keep func(netip.Addr) []bpf.Instruction) ([]bpf.RawInstruction, error) {
	exact := slices.Clone(program)
	for _, vip := range vips {
		exact = append(exact, keep(vip)...)
	}
	exact = append(exact, bpf.RetConstant{Val: 0})
	if len(exact) > filterLimit {
		return bpf.Assemble(append(program, bpf.RetConstant{Val: claimKeep}))
	}
	return bpf.Assemble(exact)
}

// keepARP keeps the claims of one VIP. The sender is in A.
func keepARP(vip netip.Addr) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(vip.AsSlice()), SkipFalse: 1},
		bpf.RetConstant{Val: claimKeep},
	}
}

// keepND keeps the claims of one VIP. A mismatch goes on with the next VIP.
func keepND(vip netip.Addr) (program []bpf.Instruction) {
	a := vip.As16()
	for word := range 4 {
		program = append(program,
			bpf.LoadAbsolute{Off: uint32(ndTarget + 4*word), Size: 4},
			bpf.JumpIf{
				Cond:      bpf.JumpEqual,
				Val:       binary.BigEndian.Uint32(a[4*word:]),
				SkipFalse: uint8(2*(3-word) + 1),
			})
	}
	return append(program, bpf.RetConstant{Val: claimKeep})
}

// parseARPClaim reads a gratuitous ARP packet.
func parseARPClaim(payload []byte) (Claim, bool) {
	var p arp.Packet
	if err := p.UnmarshalBinary(payload); err != nil || p.SenderIP != p.TargetIP {
		return Claim{}, false
	}
	return Claim{MAC: slices.Clone(p.SenderHardwareAddr), Address: p.SenderIP}, true
}

// parseNDClaim reads an unsolicited neighbour advertisement in an IPv6 packet. A
// hop limit below 255 has come from another link (RFC 4861 section 7.1.2). Without
// the option that names it, the MAC is nil: it is the frame's.
func parseNDClaim(packet []byte) (Claim, bool) {
	if len(packet) < ipv6Header || packet[ipv6NextHeader] != icmpv6 || packet[ipv6HopLimit] != 255 {
		return Claim{}, false
	}
	message, err := ndp.ParseMessage(packet[ipv6Header:])
	if err != nil {
		return Claim{}, false
	}
	na, ok := message.(*ndp.NeighborAdvertisement)
	if !ok || na.Solicited {
		return Claim{}, false
	}
	return Claim{MAC: targetLinkAddress(na), Address: na.TargetAddress}, true
}

func targetLinkAddress(na *ndp.NeighborAdvertisement) net.HardwareAddr {
	for _, option := range na.Options {
		if link, ok := option.(*ndp.LinkLayerAddress); ok && link.Direction == ndp.Target {
			return link.Addr
		}
	}
	return nil
}
