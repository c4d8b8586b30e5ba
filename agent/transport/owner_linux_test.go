package transport_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/agent/vrrp"
)

// RFC 9568 section 6.4.3: an active yields to the owner of its VIP, who sends from
// the VIP itself.
func TestTheOwnerIsHeardWhileItsAddressIsOurs(t *testing.T) {
	for _, name := range []string{"IPv4 multicast", "IPv6 multicast"} {
		w := ways[name]
		for how, tt := range map[string]struct {
			peers []netip.Addr
			vips  int
		}{
			"as anybody":               {nil, 1},
			"as anybody, of many VIPs": {nil, 80}, // more than a filter has room for
			"as a peer":                {[]netip.Addr{w.a}, 1},
			"as a peer, of many VIPs":  {[]netip.Addr{w.a}, 80},
		} {
			peers, vips := tt.peers, tt.vips
			t.Run(name+", "+how, func(t *testing.T) {
				nsA, nsB := cable(t)
				cfgA, cfgB := w.config(w.a), w.config(w.b, peers...)
				cfgA.Addresses = []netip.Addr{w.a}
				for i := range vips - 1 {
					b := w.a.AsSlice()
					b[len(b)-2], b[len(b)-1] = 100, byte(i)
					another, _ := netip.AddrFromSlice(b)
					cfgA.Addresses = append(cfgA.Addresses, another)
				}
				cfgB.Addresses = cfgA.Addresses
				nsB.Do(t, func() { netnstest.LittleRoomForFilters(t) })
				if peers != nil { // the backup may have the address when it starts
					put(t, nsB, w.a)
				}
				owner, backup := open(t, nsA, cfgA), open(t, nsB, cfgB)
				hears := func(when string, priority int) {
					t.Helper()
					send(t, owner, priority)
					if got := receive(t, backup); got.Priority != priority || got.From != w.a {
						t.Errorf("%s: got %+v, want priority %d", when, got, priority)
					}
				}
				if peers == nil {
					hears("while we are backup", 1)
					hears("while we are backup", 2)
					put(t, nsB, w.a)
				}
				hears("while we have the address", 3)
				hears("while we have the address", 4)
				nsB.Do(t, func() { netnstest.Must(t, netlink.AddrDel(netnstest.Link(t, netnstest.Device), owned(t, w.a))) })
				hears("when we have yielded", 5)
				hears("when we have yielded", 6) // and each but once
				if diff := cmp.Diff(map[string]uint64{}, backup.Drops()); diff != "" {
					t.Errorf("drops (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// What pretends to come from the VIP is held to the same rules, and a flood of it
// bounded.
func TestWhoPretendsToBeTheOwnerIsDroppedAndCounted(t *testing.T) {
	w := ways["IPv4 multicast"]
	nsA, nsB := cable(t)
	cfg := w.config(w.b, w.a)
	cfg.Addresses = []netip.Addr{w.a}
	put(t, nsB, w.a)
	backup := open(t, nsB, cfg)
	forge := newForger(t, nsA, w.destination())
	forge.send(w.a, 3, w.forged(t, func([]byte) {}))
	forge.send(w.a, 255, w.forged(t, func(b []byte) { b[1]++ }))
	forge.send(w.a, 255, w.forged(t, func(b []byte) { b[4], b[5] = 0, 0 }))
	forge.send(w.a, 255, w.forged(t, func(b []byte) { b[2] = 77 }))
	if got := receive(t, backup); got.Priority != 77 {
		t.Errorf("got %+v, want the right one, with priority 77", got)
	}
	// The others that are no adverts of this router do not get past the filter.
	if diff := cmp.Diff(map[string]uint64{"zero": 1}, backup.Drops()); diff != "" {
		t.Errorf("drops (-want +got):\n%s", diff)
	}
}

// Another VLAN of the cable is another network.
func TestAnOwnerInAnotherVLANIsNotHeard(t *testing.T) {
	w := ways["IPv4 multicast"]
	nsA, nsB := cable(t)
	cfg := w.config(w.b, w.a)
	cfg.Addresses = []netip.Addr{w.a}
	put(t, nsB, w.a)
	backup := open(t, nsB, cfg)
	tagged := func(vlan, priority byte) {
		payload := w.forged(t, func(b []byte) { b[2] = priority })
		header := []byte{0x45, 0, 0, byte(20 + len(payload)), 0, 0, 0, 0, 255, vrrp.Protocol, 0, 0}
		header = slices.Concat(header, w.a.AsSlice(), w.destination().AsSlice())
		binary.BigEndian.PutUint16(header[10:], internetChecksum(header))
		group, station := []byte{1, 0, 0x5e, 0, 0, 18}, []byte{2, 0, 0, 0, 0, 7}
		nsA.Do(t, func() {
			conn, err := packet.Listen(&net.Interface{Index: netnstest.Link(t, netnstest.Device).Attrs().Index}, packet.Raw, 0, nil)
			netnstest.Must(t, err)
			defer conn.Close()
			frame := slices.Concat(group, station, []byte{0x81, 0, 0xe0, vlan, 8, 0}, header, payload)
			_, err = conn.WriteTo(frame, &packet.Addr{HardwareAddr: group})
			netnstest.Must(t, err)
		})
	}
	tagged(77, 77)
	tagged(0, 78) // of no VLAN, with a priority
	if got := receive(t, backup); got.Priority != 78 {
		t.Errorf("got %+v, want the one of our network, with priority 78", got)
	}
}

// put puts an address on the device as a VIP is.
func put(t *testing.T, ns *netnstest.Namespace, a netip.Addr) {
	t.Helper()
	ns.Do(t, func() { netnstest.Must(t, netlink.AddrAdd(netnstest.Link(t, netnstest.Device), owned(t, a))) })
}

func owned(t *testing.T, a netip.Addr) *netlink.Addr {
	t.Helper()
	address, err := netlink.ParseAddr(netip.PrefixFrom(a, a.BitLen()).String())
	netnstest.Must(t, err)
	if a.Is6() {
		address.Flags = unix.IFA_F_NODAD
	}
	return address
}
