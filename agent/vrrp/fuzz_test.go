package vrrp

import (
	"encoding/hex"
	"net/netip"
	"testing"
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
