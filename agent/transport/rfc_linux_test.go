package transport_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/agent/vrrp"
)

// onWire is what RFC 9568 sections 5.1 and 7.2 say of a packet that is sent.
type onWire struct {
	From, To             netip.Addr
	TTL, Protocol, Class byte
	MACFrom, MACTo       string
	Advert               vrrp.Packet
}

// The packets as another station sees them, taken apart by its own hand.
func TestWhatIsTransmitted(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		versions := []int{3}
		if w.a.Is4() {
			versions = []int{2, 3}
		}
		for _, version := range versions {
			cfg := w.config(w.a, w.b)
			cfg.Version, cfg.Interval = version, 2*time.Second
			want := onWire{
				From: w.a, To: w.destination(), TTL: 255, Protocol: 112, Class: 0xc0,
				MACFrom: macOf(t, nsA), MACTo: macOf(t, nsB),
				Advert: vrrp.Packet{
					Version: version, VRID: vrid, Priority: 255, Interval: 2 * time.Second,
					Addresses: w.vips, Checksum: vrrp.ChecksumPseudo,
				},
			}
			if version == 2 {
				want.Advert.Checksum = vrrp.ChecksumMessage
			}
			switch { // RFC 1112 section 6.4, RFC 2464 section 7
			case w.multicast && w.a.Is4():
				want.MACTo = "01:00:5e:00:00:12"
			case w.multicast:
				want.MACTo = "33:33:00:00:00:12"
			}
			frames := capture(t, nsB)
			_, err := open(t, nsA, cfg).Send(vrrp.PriorityOwner, cfg.Interval)
			netnstest.Must(t, err)
			got := nextAdvert(t, frames, vrrp.Expect{Version: version, VRID: vrid, Interval: cfg.Interval})
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("version %d on the wire (-want +got):\n%s", version, diff)
			}
		}
	})
}

func macOf(t *testing.T, ns *netnstest.Namespace) (mac string) {
	t.Helper()
	ns.Do(t, func() { mac = netnstest.Link(t, netnstest.Device).Attrs().HardwareAddr.String() })
	return mac
}

// capture gets all frames that arrive in the namespace.
func capture(t *testing.T, in *netnstest.Namespace) *packet.Conn {
	t.Helper()
	var conn *packet.Conn
	in.Do(t, func() {
		nic, err := net.InterfaceByName(netnstest.Device)
		netnstest.Must(t, err)
		conn, err = packet.Listen(nic, packet.Raw, unix.ETH_P_ALL, nil)
		netnstest.Must(t, err)
	})
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// nextAdvert is the first packet of protocol 112.
func nextAdvert(t *testing.T, frames *packet.Conn, expect vrrp.Expect) onWire {
	t.Helper()
	netnstest.Must(t, frames.SetReadDeadline(time.Now().Add(30*time.Second)))
	b := make([]byte, 2048)
	for {
		n, _, err := frames.ReadFrom(b)
		netnstest.Must(t, err)
		var frame ethernet.Frame
		netnstest.Must(t, frame.UnmarshalBinary(b[:n]))
		var got onWire
		var payload []byte
		switch ip := frame.Payload; {
		case frame.EtherType == ethernet.EtherTypeIPv4 && ip[9] == 112:
			got = onWire{From: address(ip[12:16]), To: address(ip[16:20]), TTL: ip[8], Protocol: ip[9], Class: ip[1]}
			payload = ip[20:binary.BigEndian.Uint16(ip[2:])] // behind it Ethernet's padding
		case frame.EtherType == ethernet.EtherTypeIPv6 && ip[6] == 112:
			got = onWire{From: address(ip[8:24]), To: address(ip[24:40]), TTL: ip[7], Protocol: ip[6], Class: ip[0]<<4 | ip[1]>>4}
			payload = ip[40 : 40+binary.BigEndian.Uint16(ip[4:])]
		default:
			continue
		}
		got.MACFrom, got.MACTo = frame.Source.String(), frame.Destination.String()
		var reason vrrp.DropReason
		got.Advert, reason = vrrp.Decode(payload, got.From, got.To, int(got.TTL), expect)
		if reason != vrrp.Accepted {
			t.Errorf("the advertisement % x would be dropped: %s", payload, reason)
		}
		return got
	}
}

func address(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
