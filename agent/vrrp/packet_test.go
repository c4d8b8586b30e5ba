package vrrp

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var sameAddr = cmpopts.EquateComparable(netip.Addr{})

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// vector is an advertisement made by somebody else.
type vector struct {
	name     string
	hex      string
	src, dst string
	packet   Packet
}

var vectors = []vector{
	{
		"version 3, IPv4, pseudo-header, from a router",
		"31f0640100640608c0a800e6", "192.168.0.220", "224.0.0.18",
		Packet{3, 240, 100, time.Second, addrs("192.168.0.230"), ChecksumPseudo},
	},
	{
		"version 3, IPv4, unicast, from keepalived 2.2.7",
		"3133fa01001eb4e20a4d0064", "10.77.0.1", "10.77.0.2",
		Packet{3, 51, 250, 300 * ms, addrs("10.77.0.100"), ChecksumPseudo},
	},
	{
		"version 3, IPv6, multicast, from keepalived 2.2.7",
		"3134f90200649cdcfe800000000000000000000000050001fd000077000000000000000000000100",
		"fe80::14f7:14ff:fe39:152b", "ff02::12",
		Packet{3, 52, 249, time.Second, addrs("fe80::5:1", "fd00:77::100"), ChecksumPseudo},
	},
	{
		"version 2, two addresses, from keepalived 2.2.7",
		"2135c802000101620a4d00650a4d00660000000000000000", "10.77.0.1", "224.0.0.18",
		Packet{2, 53, 200, time.Second, addrs("10.77.0.101", "10.77.0.102"), ChecksumMessage},
	},
	{
		"version 2, from gopacket's capture of a router",
		"210164010001ba52c0a800010000000000000000", "192.168.0.30", "224.0.0.18",
		Packet{2, 1, 100, time.Second, addrs("192.168.0.1"), ChecksumMessage},
	},
	{
		// The first vector with the checksum that RFC 9568 section 5.2.8 asks for:
		// ffff - (31f0 + 6401 + 0064 + c0a8 + 00e6, carry added).
		"version 3, IPv4, message only, by hand",
		"31f064010064a81bc0a800e6", "192.168.0.220", "224.0.0.18",
		Packet{3, 240, 100, time.Second, addrs("192.168.0.230"), ChecksumMessage},
	},
}

func (v vector) bytes(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.hex)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v vector) expect() Expect {
	return Expect{Version: v.packet.Version, VRID: v.packet.VRID, Interval: v.packet.Interval}
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			src, dst := netip.MustParseAddr(v.src), netip.MustParseAddr(v.dst)
			got, reason := Decode(v.bytes(t), src, dst, 255, v.expect())
			if reason != Accepted {
				t.Fatalf("dropped: %s", reason)
			}
			if diff := cmp.Diff(v.packet, got, sameAddr); diff != "" {
				t.Errorf("packet (-want +got):\n%s", diff)
			}
			b, err := Encode(v.packet, src, dst)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b, v.bytes(t)) {
				t.Errorf("encoded as %x, want %s", b, v.hex)
			}
		})
	}
}

func TestTheUsualChecksumFormIsSent(t *testing.T) {
	v := vectors[0]
	v.packet.Checksum = ""
	b, err := Encode(v.packet, netip.MustParseAddr(v.src), netip.MustParseAddr(v.dst))
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(b) != v.hex {
		t.Errorf("encoded as %x, want %s with pseudo-header", b, v.hex)
	}
}

// sealed is a message with the checksum that fits.
func sealed(b []byte, src, dst netip.Addr) []byte {
	b[6], b[7] = 0, 0
	sum := checksum(b, checksumForms(int(b[0]>>4), src)[0], src, dst)
	b[6], b[7] = byte(sum>>8), byte(sum)
	return b
}

// drop is a change of a right advertisement, and what Decode says of it.
type drop struct {
	name   string
	base   vector
	change func(b []byte) []byte
	expect func(*Expect)
	src    string
	dst    string
	ttl    int
	seal   bool
	want   DropReason
}

func drops() []drop {
	v3, v6, v2 := vectors[1], vectors[2], vectors[3]
	return []drop{
		{name: "a TTL of 254 was routed", base: v3, ttl: 254, want: DropTTL},
		{name: "a hop limit of 64 was routed", base: v6, ttl: 64, want: DropTTL},
		{name: "families of source and destination differ", base: v3, dst: "ff02::12", want: DropFamily},
		{name: "version 2 over IPv6", base: v2, src: "fe80::1", dst: "ff02::12", want: DropFamily},
		{name: "nothing", base: v3, change: func([]byte) []byte { return nil }, want: DropTruncated},
		{name: "half a header", base: v3, change: func(b []byte) []byte { return b[:7] }, want: DropTruncated},
		{name: "an address short of a byte", base: v3, change: func(b []byte) []byte { return b[:11] }, want: DropTruncated},
		{name: "IPv4 addresses in IPv6", base: v6, change: func(b []byte) []byte { return b[:16] }, want: DropTruncated},
		{name: "version 2 without authentication data", base: v2, change: func(b []byte) []byte { return b[:16] }, want: DropTruncated},
		{name: "another version", base: v3, expect: func(e *Expect) { e.Version = 2 }, want: DropVersion},
		{name: "a version that nobody knows", base: v3, change: set(0, 0x41), expect: func(e *Expect) { e.Version = 4 }, want: DropVersion},
		{name: "no advertisement", base: v3, change: set(0, 0x32), seal: true, want: DropType},
		{name: "no address", base: v3, change: set(3, 0), seal: true, want: DropCount},
		{name: "version 2 with a password", base: v2, change: set(4, 1), seal: true, want: DropAuth},
		{name: "a bit flipped", base: v3, change: set(2, 251), want: DropChecksum},
		{name: "another source than the pseudo-header's", base: v3, src: "10.77.0.9", want: DropChecksum},
		{name: "another virtual router", base: v3, expect: func(e *Expect) { e.VRID = 52 }, want: DropVRID},
		{name: "an interval of zero", base: v3, change: set(5, 0), seal: true, want: DropZero},
		{name: "an interval of zero beside reserved bits", base: v3, change: func(b []byte) []byte {
			b[4], b[5] = 0xf0, 0
			return b
		}, seal: true, want: DropZero},
		{name: "version 2 with an interval of zero", base: v2, change: set(5, 0), seal: true, want: DropZero},
		{name: "version 2 with another interval", base: v2, expect: func(e *Expect) { e.Interval = 2 * time.Second }, want: DropInterval},
		{name: "a global address first, in multicast", base: v6, change: func(b []byte) []byte {
			copy(b[8:24], b[24:40])
			return b
		}, expect: func(e *Expect) { e.LinkLocalFirst = true }, seal: true, want: DropLinkLocal},

		{name: "a global address first, in unicast, is kept", base: v6, change: func(b []byte) []byte {
			copy(b[8:24], b[24:40])
			return b
		}, seal: true, want: Accepted},
		{name: "a link-local address first is kept", base: v6, expect: func(e *Expect) { e.LinkLocalFirst = true }, want: Accepted},
		{name: "reserved bits are ignored", base: v3, change: set(4, 0xa0), seal: true, want: Accepted},
		{name: "version 3 with another interval is kept", base: v3, expect: func(e *Expect) { e.Interval = time.Second }, want: Accepted},
		{name: "what follows the message is ignored", base: v3, change: func(b []byte) []byte { return append(b, 1, 2, 3) }, want: Accepted},
	}
}

func TestDecodeDrops(t *testing.T) {
	for _, test := range drops() {
		t.Run(test.name, func(t *testing.T) {
			src, dst, ttl := netip.MustParseAddr(test.base.src), netip.MustParseAddr(test.base.dst), 255
			if test.src != "" {
				src = netip.MustParseAddr(test.src)
			}
			if test.dst != "" {
				dst = netip.MustParseAddr(test.dst)
			}
			if test.ttl != 0 {
				ttl = test.ttl
			}
			b, expect := test.base.bytes(t), test.base.expect()
			if test.change != nil {
				b = test.change(b)
			}
			if test.seal {
				b = sealed(b, src, dst)
			}
			if test.expect != nil {
				test.expect(&expect)
			}
			if _, got := Decode(b, src, dst, ttl, expect); got != test.want {
				t.Errorf("reason is %q, want %q", got, test.want)
			}
		})
	}
}

// set returns a change of one byte.
func set(i int, v byte) func([]byte) []byte {
	return func(b []byte) []byte {
		b[i] = v
		return b
	}
}

func TestIPv4MappedAddressesAreIPv4(t *testing.T) {
	v := vectors[1]
	src, dst := netip.MustParseAddr("::ffff:"+v.src), netip.MustParseAddr("::ffff:"+v.dst)
	if _, reason := Decode(v.bytes(t), src, dst, 255, v.expect()); reason != Accepted {
		t.Errorf("dropped: %s", reason)
	}
}

func TestEncodeRefusesWhatTheFieldsCannotHold(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Packet)
		dst    string
		want   string
	}{
		{"an unknown version", func(p *Packet) { p.Version = 4 }, "", "version 4"},
		{"two families", nil, "ff02::12", "not of one family"},
		{"a vrid of 0", func(p *Packet) { p.VRID = 0 }, "", "vrid"},
		{"a vrid of 256", func(p *Packet) { p.VRID = 256 }, "", "vrid"},
		{"a priority of 256", func(p *Packet) { p.Priority = 256 }, "", "priority 256"},
		{"a negative priority", func(p *Packet) { p.Priority = -1 }, "", "priority -1"},
		{"no address", func(p *Packet) { p.Addresses = nil }, "", "0 addresses"},
		{"256 addresses", func(p *Packet) { p.Addresses = make([]netip.Addr, 256) }, "", "256 addresses"},
		{"an address of the other family", func(p *Packet) { p.Addresses = addrs("fd00::1") }, "", "fd00::1"},
		{"an invalid address", func(p *Packet) { p.Addresses = make([]netip.Addr, 1) }, "", "invalid IP"},
		{"an interval of zero", func(p *Packet) { p.Interval = 0 }, "", "interval 0s"},
		{"an interval between centiseconds", func(p *Packet) { p.Interval = 15 * ms }, "", "interval 15ms"},
		{"an interval over 12 bits", func(p *Packet) { p.Interval = 40960 * ms }, "", "interval 40.96s"},
		{"an unknown form of checksum", func(p *Packet) { p.Checksum = "crc" }, "", `"crc"`},
		{"version 2 with a pseudo-header", func(p *Packet) {
			p.Version, p.Interval, p.Checksum = 2, time.Second, ChecksumPseudo
		}, "", `"pseudo-header"`},
		{"version 2 below a second", func(p *Packet) { p.Version, p.Checksum = 2, "" }, "", "interval 300ms"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := vectors[1]
			p, dst := v.packet, netip.MustParseAddr(v.dst)
			if test.change != nil {
				test.change(&p)
			}
			if test.dst != "" {
				dst = netip.MustParseAddr(test.dst)
			}
			b, err := Encode(p, netip.MustParseAddr(v.src), dst)
			if err == nil {
				t.Fatalf("encoded as %x", b)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q, want it to name %q", err, test.want)
			}
		})
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ipv6 := rapid.Bool().Draw(t, "ipv6")
		addr := func(name string) netip.Addr {
			n := 4
			if ipv6 {
				n = 16
			}
			b := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, name)
			b[0] |= 0x80 // not IPv4-mapped: as a source that would be IPv4
			a, _ := netip.AddrFromSlice(b)
			return a
		}
		p := Packet{
			Version:  3,
			VRID:     rapid.IntRange(1, 255).Draw(t, "vrid"),
			Priority: rapid.IntRange(0, 255).Draw(t, "priority"),
			Interval: time.Duration(rapid.IntRange(1, 4095).Draw(t, "centiseconds")) * centisecond,
			Checksum: ChecksumPseudo,
		}
		if !ipv6 {
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 1:
				p.Checksum = ChecksumMessage
			case 2:
				p.Version, p.Checksum = 2, ChecksumMessage
				p.Interval = time.Duration(rapid.IntRange(1, 255).Draw(t, "seconds")) * time.Second
			}
		}
		for range rapid.IntRange(1, 255).Draw(t, "count") {
			p.Addresses = append(p.Addresses, addr("address"))
		}
		src, dst := addr("source"), addr("destination")
		b, err := Encode(p, src, dst)
		if err != nil {
			t.Fatal(err)
		}
		got, reason := Decode(b, src, dst, TTL, Expect{Version: p.Version, VRID: p.VRID, Interval: p.Interval})
		if reason != Accepted {
			t.Fatalf("dropped: %s", reason)
		}
		if diff := cmp.Diff(p, got, sameAddr); diff != "" {
			t.Fatalf("decoded (-want +got):\n%s", diff)
		}
	})
}
