package vrrp

import (
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode: no payload makes Decode panic or read beyond its end, and what it
// accepts is what Encode would have sent but for reserved bits and a tail.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		b, err := hex.DecodeString(v.hex)
		if err != nil {
			f.Fatal(err)
		}
		src := netip.MustParseAddr(v.src)
		f.Add(b, src.Is6(), v.packet.Version, v.packet.VRID)
	}
	f.Fuzz(func(t *testing.T, payload []byte, ipv6 bool, version, vrid int) {
		vrid = max(vrid, 1) // no router has 0
		src, dst := netip.MustParseAddr("10.77.0.1"), netip.MustParseAddr("10.77.0.2")
		if ipv6 {
			src, dst = netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::12")
		}
		// A fuzzer seldom finds a checksum: with the right one it gets further.
		sealedPayload := append([]byte(nil), payload...)
		if len(payload) >= headerLen {
			if n := headerLen + int(payload[3])*addrLen(src); payload[0]>>4 == 3 && len(payload) >= n {
				sealed(sealedPayload[:n], src, dst)
			}
		}
		for _, b := range [][]byte{payload, sealedPayload} {
			p, reason := Decode(b[:len(b):len(b)], src, dst, TTL, Expect{Version: version, VRID: vrid, Interval: 1e9})
			if reason != Accepted {
				continue
			}
			again, err := Encode(p, src, dst)
			if err != nil {
				t.Fatalf("accepted %x, but cannot encode %+v: %v", b, p, err)
			}
			if _, reason := Decode(again, src, dst, TTL, Expect{Version: version, VRID: vrid, Interval: 1e9}); reason != Accepted {
				t.Fatalf("encoded as %x, which is dropped: %s", again, reason)
			}
		}
	})
}

// FuzzEncode: what Encode takes, Decode gives back, and the rest is refused rather
// than sent as something else.
func FuzzEncode(f *testing.F) {
	f.Add(uint8(3), 51, 250, int64(300*ms), []byte{10, 77, 0, 100}, false, "")
	f.Add(uint8(3), 52, 249, int64(time.Second), make([]byte, 32), true, string(ChecksumPseudo))
	f.Add(uint8(2), 53, 200, int64(time.Second), []byte{10, 77, 0, 101, 10, 77, 0, 102}, false, string(ChecksumMessage))
	f.Fuzz(func(t *testing.T, version uint8, vrid, priority int, interval int64, list []byte, ipv6 bool, form string) {
		src, dst := netip.MustParseAddr("10.77.0.1"), netip.MustParseAddr("10.77.0.2")
		if ipv6 {
			src, dst = netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::12")
		}
		want := Packet{
			Version: int(version), VRID: vrid, Priority: priority,
			Interval: time.Duration(interval), Checksum: ChecksumForm(form),
		}
		for n := addrLen(src); len(list) >= n; list = list[n:] {
			addr, _ := netip.AddrFromSlice(list[:n])
			want.Addresses = append(want.Addresses, addr)
		}
		b, err := Encode(want, src, dst)
		if err != nil {
			return
		}
		got, reason := Decode(b, src, dst, TTL, Expect{Version: want.Version, VRID: vrid, Interval: want.Interval})
		if reason != Accepted {
			t.Fatalf("encoded %+v as %x, which is dropped: %s", want, b, reason)
		}
		if want.Checksum == "" {
			want.Checksum = checksumForms(want.Version, src)[0]
		}
		if diff := cmp.Diff(want, got, sameAddr); diff != "" {
			t.Fatalf("decoded (-want +got):\n%s", diff)
		}
	})
}
