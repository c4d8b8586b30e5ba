package vip

import (
	"net"
	"net/netip"
	"testing"

	"github.com/havip/havip/agent/vip/netnstest"
)

func TestTheKernelIsMadeAcquaintedWithMembers(t *testing.T) {
	for name, pair := range map[string][2]string{
		"IPv4": {"10.0.0.1/24", "10.0.0.2/24"},
		"IPv6": {"2001:db8::1/64", "2001:db8::2/64"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := netnstest.Pair(t, pair[0], pair[1])
			var mac net.HardwareAddr
			b.Do(t, func() { mac = netnstest.Link(t, netnstest.Device).Attrs().HardwareAddr })
			peer := netip.MustParsePrefix(pair[1]).Addr()
			a.Do(t, func() {
				link := netnstest.Link(t, netnstest.Device).Attrs()
				nic := NIC{Index: link.Index, Name: link.Name, MAC: link.HardwareAddr}
				if _, known, err := Neighbour(nic, mac, []netip.Addr{peer}); known || err != nil {
					t.Fatalf("known before: %v, %v", known, err)
				}
				netnstest.Eventually(t, "the MAC is known", func() bool {
					// Again: a fresh IPv6 address is not used before it is found to be free.
					netnstest.Must(t, Acquaint(nic, []netip.Addr{peer}))
					got, known, err := Neighbour(nic, mac, []netip.Addr{peer})
					return err == nil && known && got == peer
				})
			})
		})
	}
}
