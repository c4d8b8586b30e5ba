package transport

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
)

// packet is an IP packet of protocol 112, as far as the filters look.
type packet struct {
	src, dst netip.Addr
	hops     byte
	payload  []byte
}

// bytes is the packet as the layout of its family has it in these tests: for IPv6
// with the header in front, because the filter's machine in Go has no kernel that
// keeps it. options are words of them in an IPv4 header.
func (p packet) bytes(options int) []byte {
	if p.src.Is6() {
		b := make([]byte, 40)
		b[7] = p.hops
		copy(b[8:], p.src.AsSlice())
		copy(b[24:], p.dst.AsSlice())
		return append(b, p.payload...)
	}
	b := make([]byte, 20+4*options)
	b[0] = byte(0x45 + options)
	b[8] = p.hops
	copy(b[12:], p.src.AsSlice())
	copy(b[16:], p.dst.AsSlice())
	return append(b, p.payload...)
}

// datagram is the packet as the reader has it.
func (p packet) datagram() datagram {
	return datagram{src: p.src, dst: p.dst, ttl: int(p.hops), payload: p.payload}
}

// seenBy is the class that the filters give a packet: without regard to its addresses
// where the audience has too many.
func (a audience) seenBy(t *testing.T, ipv6 bool, p packet) class {
	t.Helper()
	l := ipv4Layout
	if ipv6 {
		l = ipv6LayoutAt(0, 40)
	}
	if list := append(member(slotTo, l.destination, a.to), a.sender(l)...); len(a.program(l, list, adverts, 100)) > filterLimit {
		a.to, a.from, a.anyone = []netip.Addr{p.dst}, []netip.Addr{p.src}, false
	}
	return a.classOf(p.datagram())
}

// machines runs the filters of all classes.
func machines(t *testing.T, a audience, ipv6 bool) [classes]*bpf.VM {
	t.Helper()
	l := ipv4Layout
	if ipv6 {
		l = ipv6LayoutAt(0, 40)
	}
	var vms [classes]*bpf.VM
	for class := range classes {
		raw, err := a.classFilter(l, class, 100)
		if err != nil || len(raw) > filterLimit {
			t.Fatalf("%d instructions, %v", len(raw), err)
		}
		program, all := bpf.Disassemble(raw)
		if !all {
			t.Fatal("the filter has instructions that nobody knows")
		}
		if vms[class], err = bpf.NewVM(program); err != nil {
			t.Fatal(err)
		}
	}
	return vms
}

// verdict is the one class whose filter keeps the packet.
func verdict(t *testing.T, vms [classes]*bpf.VM, b []byte) class {
	t.Helper()
	kept := classes
	for i, vm := range vms {
		class := class(i)
		n, err := vm.Run(b)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case n == 0:
		case kept != classes:
			t.Fatalf("classes %d and %d both keep %x", kept, class, b)
		default:
			kept = class
		}
	}
	return kept
}

// addresses returns n of a family, all different.
func addresses(ipv6 bool, n int) []netip.Addr {
	list := make([]netip.Addr, n)
	for i := range list {
		list[i] = netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		if ipv6 {
			list[i] = netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 7: byte(i), 14: byte(i >> 8), 15: byte(i)})
		}
	}
	return list
}

func TestEachPacketIsOfOneClass(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		all := addresses(ipv6, 400)
		self, group := all[0], all[1]
		a := audience{to: []netip.Addr{self, group}, from: all[390:], own: []netip.Addr{self}}
		a.vrids[51], a.vrids[255] = true, true
		many := a
		many.from = all[100:] // more than a filter has room for
		good := packet{src: all[399], dst: self, hops: 255, payload: []byte{0x31, 51, 100, 1, 0, 100, 0, 0, 10, 0, 0, 1}}
		tests := map[string]struct {
			change func(*packet)
			want   class
		}{
			"a peer's, to us":                      {func(*packet) {}, adverts},
			"of the first peer, to the group":      {func(p *packet) { p.src, p.dst = all[390], group }, adverts},
			"of another router of ours":            {func(p *packet) { p.payload[1] = 255 }, adverts},
			"of the other version":                 {func(p *packet) { p.payload[0] = 0x21 }, adverts},
			"only a header":                        {func(p *packet) { p.payload = p.payload[:8] }, adverts},
			"of a router that is not ours":         {func(p *packet) { p.payload[1] = 50 }, foreign},
			"of that router, by a stranger":        {func(p *packet) { p.payload[1], p.src = 50, all[2] }, foreign},
			"to somebody else":                     {func(p *packet) { p.dst = all[2] }, foreign},
			"by a stranger":                        {func(p *packet) { p.src = all[99] }, strangers},
			"by ourselves":                         {func(p *packet) { p.src = self }, strangers},
			"by a stranger, and no advertisement":  {func(p *packet) { p.src, p.hops = all[2], 3 }, strangers},
			"nothing, by a stranger":               {func(p *packet) { p.src, p.payload = all[2], nil }, strangers},
			"with a TTL of 3":                      {func(p *packet) { p.hops = 3 }, malformed},
			"nothing":                              {func(p *packet) { p.payload = nil }, malformed},
			"half a header":                        {func(p *packet) { p.payload = p.payload[:7] }, malformed},
			"of a version that nobody knows":       {func(p *packet) { p.payload[0] = 0x41 }, malformed},
			"of a type that nobody knows":          {func(p *packet) { p.payload[0] = 0x32 }, malformed},
			"a TTL of 3 for a router not of ours":  {func(p *packet) { p.payload[1], p.hops = 50, 3 }, malformed},
			"a TTL of 3 to somebody else":          {func(p *packet) { p.dst, p.hops = all[2], 3 }, malformed},
			"half a header, of a router not of us": {func(p *packet) { p.payload = []byte{0x31, 50} }, malformed},
		}
		vms, vmsOfMany := machines(t, a, ipv6), machines(t, many, ipv6)
		for name, tt := range tests {
			p := good
			p.payload = slices.Clone(good.payload)
			tt.change(&p)
			if got := verdict(t, vms, p.bytes(3)); got != tt.want {
				t.Errorf("IPv6 %v, %s: got class %d, want %d", ipv6, name, got, tt.want)
			}
			if got, want := verdict(t, vmsOfMany, p.bytes(3)), many.seenBy(t, ipv6, p); got != want {
				t.Errorf("IPv6 %v, %s, with many peers: got class %d, want %d", ipv6, name, got, want)
			}
			for _, a := range []audience{a, many} {
				if got := a.classOf(p.datagram()); got != tt.want {
					t.Errorf("IPv6 %v, %s: the reader of %d peers says %d, want %d", ipv6, name, len(a.from), got, tt.want)
				}
			}
		}
	}
}

func TestWithoutPeersEverybodyButUsIsOne(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		all := addresses(ipv6, 4)
		a := audience{to: all[1:2], own: all[:1], anyone: true}
		a.vrids[51] = true
		p := packet{src: all[2], dst: all[1], hops: 255, payload: []byte{0x31, 51, 100, 1, 0, 100, 0, 0}}
		vms := machines(t, a, ipv6)
		if got := verdict(t, vms, p.bytes(0)); got != adverts {
			t.Errorf("IPv6 %v: the advert of anyone is of class %d", ipv6, got)
		}
		p.src = all[0]
		if got := verdict(t, vms, p.bytes(0)); got != strangers {
			t.Errorf("IPv6 %v: our own advert, sent back, is of class %d", ipv6, got)
		}
	}
}

// FuzzFilter compares the filters with what they mean. Some have too many addresses.
func FuzzFilter(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(1), uint8(255), []byte{0x31, 51, 100, 1, 0, 100, 0, 0, 10, 0, 0, 1})
	f.Add(uint64(2), uint8(9), uint8(0), uint8(255), []byte{0x21, 7, 100, 1, 0, 100, 0, 0})
	f.Add(uint64(3), uint8(3), uint8(2), uint8(64), []byte{})
	f.Fuzz(func(t *testing.T, seed uint64, src, dst, hops uint8, payload []byte) {
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, ipv6 := range []bool{false, true} {
			all := addresses(ipv6, 16)
			some := func() (list []netip.Addr) {
				for _, addr := range all {
					if rng.IntN(3) == 0 {
						list = append(list, addr)
					}
				}
				return list
			}
			a := audience{to: some(), from: some(), own: some(), anyone: rng.IntN(2) == 0}
			for i := range a.vrids {
				a.vrids[i] = rng.IntN(2) == 0
			}
			p := packet{src: all[src%16], dst: all[dst%16], hops: hops, payload: payload}
			if got, want := verdict(t, machines(t, a, ipv6), p.bytes(int(seed%11))), a.seenBy(t, ipv6, p); got != want {
				t.Errorf("IPv6 %v: %+v: got class %d, want %d", ipv6, p, got, want)
			}
		}
	})
}
