package vip

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ndp"
	"golang.org/x/net/bpf"
)

var (
	claimed4 = []netip.Addr{netip.MustParseAddr("10.99.0.100"), netip.MustParseAddr("10.99.0.101")}
	claimed6 = []netip.Addr{netip.MustParseAddr("fd00:99::100"), netip.MustParseAddr("fe80::1")}
	someMAC  = net.HardwareAddr{0xfa, 0x16, 0x3e, 1, 2, 3}
)

// kept is how much of a packet a filter keeps.
func kept(t *testing.T, filter func([]netip.Addr) ([]bpf.RawInstruction, error), vips []netip.Addr, b []byte) int {
	t.Helper()
	raw, err := filter(vips)
	if err != nil {
		t.Fatal(err)
	}
	program, _ := bpf.Disassemble(raw)
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func arpPacket(t testing.TB, op arp.Operation, sender, target netip.Addr) []byte {
	t.Helper()
	p, err := arp.NewPacket(op, someMAC, sender, someMAC, target)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// naPacket is an unsolicited neighbour advertisement in IPv6.
func naPacket(t testing.TB, vip netip.Addr, change func(*ndp.NeighborAdvertisement)) []byte {
	t.Helper()
	na := &ndp.NeighborAdvertisement{
		Override: true, TargetAddress: vip,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: someMAC}},
	}
	change(na)
	message, err := ndp.MarshalMessage(na)
	if err != nil {
		t.Fatal(err)
	}
	header := make([]byte, ipv6Header)
	header[0], header[ipv6NextHeader], header[ipv6HopLimit] = 6<<4, icmpv6, 255
	return append(header, message...)
}

func TestAnARPClaimIsGratuitousAndOfAVIP(t *testing.T) {
	vip, other := claimed4[1], netip.MustParseAddr("10.99.0.2")
	tests := map[string]struct {
		packet []byte
		want   bool
	}{
		"a request":               {arpPacket(t, arp.OperationRequest, vip, vip), true},
		"a reply":                 {arpPacket(t, arp.OperationReply, vip, vip), true},
		"somebody asks for it":    {arpPacket(t, arp.OperationRequest, other, vip), false},
		"it asks for somebody":    {arpPacket(t, arp.OperationRequest, vip, other), false},
		"one of somebody else":    {arpPacket(t, arp.OperationRequest, other, other), false},
		"a probe (RFC 5227)":      {arpPacket(t, arp.OperationRequest, netip.IPv4Unspecified(), vip), false},
		"cut short":               {arpPacket(t, arp.OperationRequest, vip, vip)[:27], false},
		"an address of six bytes": {slices.Concat([]byte{0, 1, 8, 0, 6, 6}, make([]byte, 40)), false},
	}
	for name, tt := range tests {
		if got := kept(t, arpClaimFilter, claimed4, tt.packet) > 0; got != tt.want {
			t.Errorf("%s: the filter keeps it: %v, want %v", name, got, tt.want)
		}
		claim, ok := parseARPClaim(tt.packet)
		if tt.want && (!ok || claim.Address != vip || claim.MAC.String() != someMAC.String()) {
			t.Errorf("%s: got %+v, %v", name, claim, ok)
		}
	}
}

func TestAnNDClaimIsUnsolicitedAndOfAVIP(t *testing.T) {
	vip := claimed6[1]
	no := func(*ndp.NeighborAdvertisement) {}
	withByte := func(i int, v byte) []byte {
		b := naPacket(t, vip, no)
		b[i] = v
		return b
	}
	tests := map[string]struct {
		packet []byte
		filter bool
		parse  bool
	}{
		"unsolicited":         {naPacket(t, vip, no), true, true},
		"solicited":           {naPacket(t, vip, func(na *ndp.NeighborAdvertisement) { na.Solicited = true }), false, false},
		"of somebody else":    {naPacket(t, netip.MustParseAddr("fe80::2"), no), false, true},
		"another ICMPv6 type": {withByte(ndType, 135), false, false},
		"not ICMPv6":          {withByte(ipv6NextHeader, 17), false, false},
		"routed":              {withByte(ipv6HopLimit, 254), true, false},
		"cut short":           {naPacket(t, vip, no)[:60], false, false},
	}
	for name, tt := range tests {
		if got := kept(t, ndClaimFilter, claimed6, tt.packet) > 0; got != tt.filter {
			t.Errorf("%s: the filter keeps it: %v, want %v", name, got, tt.filter)
		}
		claim, ok := parseNDClaim(tt.packet)
		if ok != tt.parse || ok && claim.MAC.String() != someMAC.String() {
			t.Errorf("%s: got %+v, %v; want %v", name, claim, ok, tt.parse)
		}
	}
	bare := naPacket(t, vip, func(na *ndp.NeighborAdvertisement) { na.Options = nil })
	if claim, ok := parseNDClaim(bare); !ok || claim.MAC != nil || claim.Address != vip {
		t.Errorf("without the option: got %+v, %v; want no MAC", claim, ok)
	}
}

// manyVIPs are more than a filter has room for.
func manyVIPs(like netip.Addr) []netip.Addr {
	list := []netip.Addr{like}
	for len(list) < 5000 {
		list = append(list, list[len(list)-1].Next())
	}
	return list
}

func TestAFilterOfManyVIPsLooksAtTheKindOfPacketOnly(t *testing.T) {
	no := func(*ndp.NeighborAdvertisement) {}
	vip4, other4 := claimed4[0], netip.MustParseAddr("10.100.0.2")
	vip6, other6 := claimed6[0], netip.MustParseAddr("fe80::2")
	tests := map[string]struct {
		filter func([]netip.Addr) ([]bpf.RawInstruction, error)
		vip    netip.Addr
		packet []byte
		want   bool
	}{
		"a claim of a VIP":          {arpClaimFilter, vip4, arpPacket(t, arp.OperationRequest, vip4, vip4), true},
		"of another address":        {arpClaimFilter, vip4, arpPacket(t, arp.OperationRequest, other4, other4), true},
		"somebody asks for a VIP":   {arpClaimFilter, vip4, arpPacket(t, arp.OperationRequest, other4, vip4), false},
		"an IPv6 claim of a VIP":    {ndClaimFilter, vip6, naPacket(t, vip6, no), true},
		"of another IPv6 address":   {ndClaimFilter, vip6, naPacket(t, other6, no), true},
		"an answer for an IPv6 VIP": {ndClaimFilter, vip6, naPacket(t, vip6, func(na *ndp.NeighborAdvertisement) { na.Solicited = true }), false},
	}
	for name, tt := range tests {
		many := manyVIPs(tt.vip)
		if got := kept(t, tt.filter, many, tt.packet) > 0; got != tt.want {
			t.Errorf("%s: the filter keeps it: %v, want %v", name, got, tt.want)
		}
		for n := range 200 { // through the limit
			raw, err := tt.filter(many[:n+1])
			if err != nil || len(raw) > filterLimit {
				t.Fatalf("%s: %d instructions for %d VIPs, %v", name, len(raw), n+1, err)
			}
		}
	}
}

// FuzzClaim: no packet makes a parser panic, and what filter and parser both take
// is a claim of one of the VIPs.
func FuzzClaim(f *testing.F) {
	f.Add(arpPacket(f, arp.OperationRequest, claimed4[0], claimed4[0]))
	f.Add(naPacket(f, claimed6[0], func(*ndp.NeighborAdvertisement) {}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		b = slices.Clip(b)
		if claim, ok := parseARPClaim(b); ok && kept(t, arpClaimFilter, claimed4, b) > 0 {
			// A packet of another kind of address has other offsets; Receive asks again.
			if binary.BigEndian.Uint16(b[4:]) == 0x0604 && !slices.Contains(claimed4, claim.Address) {
				t.Errorf("took %+v out of %x", claim, b)
			}
		}
		if claim, ok := parseNDClaim(b); ok && kept(t, ndClaimFilter, claimed6, b) > 0 {
			if !slices.Contains(claimed6, claim.Address) || b[ndFlags]&ndSolicited != 0 {
				t.Errorf("took %+v out of %x", claim, b)
			}
		}
	})
}
