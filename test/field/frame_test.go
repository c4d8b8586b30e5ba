package field

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAForgeryIsReadAsItWasMade(t *testing.T) {
	from, to := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	for _, addresses := range [][2]string{{"10.0.0.1", "224.0.0.18"}, {"fe80::1", "ff02::12"}} {
		source, dest := netip.MustParseAddr(addresses[0]), netip.MustParseAddr(addresses[1])
		at := time.Unix(1, 0)
		forged := Forgery{FromMAC: from, ToMAC: to, Source: source, To: dest, TTL: 3, Protocol: protocolVRRP, Payload: []byte{1, 2, 3}}
		want := Frame{At: at, From: from, Source: source, To: dest, TTL: 3, Protocol: protocolVRRP, Payload: []byte{1, 2, 3}}
		if diff := cmp.Diff(want, ParseFrame(at, forged.Frame()), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%v (-want +got):\n%s", source, diff)
		}
	}
}

// Reports as Linux sends them.
func TestMembershipsAreRead(t *testing.T) {
	igmp3 := func(kind byte, sources ...byte) []byte {
		record := append([]byte{kind, 0, 0, byte(len(sources) / 4), 224, 0, 0, 18}, sources...)
		return append([]byte{0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 224, 0, 0, 99}, record...)
	}
	group := netip.MustParseAddr("224.0.0.18")
	for name, tt := range map[string]struct {
		payload       []byte
		joins, leaves bool
	}{
		"a report that excludes nothing": {igmp3(4), true, false},
		"a report that includes nothing": {igmp3(3), false, true},
		"a report of one source":         {igmp3(3, 10, 0, 0, 1), false, false},
		"an answer to a query":           {igmp3(2), true, false},
		"version 2 joins":                {[]byte{0x16, 0, 0, 0, 224, 0, 0, 18}, true, false},
		"version 2 leaves":               {[]byte{0x17, 0, 0, 0, 224, 0, 0, 18}, false, true},
		"version 2 for another group":    {[]byte{0x16, 0, 0, 0, 224, 0, 0, 19}, false, false},
		"a report that is cut short":     {igmp3(4)[:20], false, false},
		"a report that counts too much":  {append([]byte{0x22, 0, 0, 0, 0, 0, 0, 9, 4, 9, 9, 9}, 224, 0, 0, 99), false, false},
		"nothing":                        {nil, false, false},
	} {
		f := Frame{Protocol: protocolIGMP, Payload: tt.payload}
		if f.Joins(group) != tt.joins || f.Leaves(group) != tt.leaves {
			t.Errorf("%s: joins %t, leaves %t; want %t, %t", name, f.Joins(group), f.Leaves(group), tt.joins, tt.leaves)
		}
	}
}
