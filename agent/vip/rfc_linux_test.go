package vip_test

import (
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip/netnstest"
)

const own6 = "fd00:99::1"

// RFC 9568 sections 6.4.2 and 6.4.3: who has the VIP on its NIC answers for it and
// accepts what is sent to it; who has not does neither.
func TestTheVIPIsServedOnlyWhileItIsHeld(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		addForGood(t, own6+"/64")
		other.Do(t, func() { addForGood(t, "fd00:99::2/64") })
		s := newSet(t, vip1, vip6)
		arp, nd, data := newARPAsker(t, other), newNDAsker(t, other), newSender(t, other)
		expect := func(when string, served bool) {
			t.Helper()
			if got := arp.answers(vip1.Addr(), own); got != served {
				t.Errorf("%s: ARP for the VIP is answered: %t", when, got)
			}
			if got, _ := nd.answers(vip6.Addr(), netip.MustParseAddr(own6)); got != served {
				t.Errorf("%s: a neighbour solicitation for the VIP is answered: %t", when, got)
			}
			if got := data.accepted(vip1.Addr(), own); got != served {
				t.Errorf("%s: packets to the IPv4 VIP are accepted: %t", when, got)
			}
			if got := data.accepted(vip6.Addr(), netip.MustParseAddr(own6)); got != served {
				t.Errorf("%s: packets to the IPv6 VIP are accepted: %t", when, got)
			}
		}
		expect("backup", false)
		add(t, s, time.Minute)
		// The kernel finishes an IPv6 address in a worker of its own.
		netnstest.Eventually(t, "the solicited-node group is joined", func() bool { return joined(t, solicitedNode(vip6.Addr())) })
		expect("active", true)
		netnstest.Must(t, s.Remove())
		expect("backup again", false)
	})
}

// RFC 9568 section 6.4.3 wants the Router flag. The kernel sets it on a server
// that is a router, and the agent makes no router out of one that is not.
func TestSolicitationsAreAnsweredWithTheRouterFlagByARouter(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		addForGood(t, own6+"/64")
		other.Do(t, func() { addForGood(t, "fd00:99::2/64") })
		add(t, newSet(t, vip6), time.Minute)
		netnstest.Eventually(t, "the solicited-node group is joined", func() bool { return joined(t, solicitedNode(vip6.Addr())) })
		nd := newNDAsker(t, other)
		for _, forwarding := range []string{"0", "1"} {
			netnstest.Must(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+netnstest.Device+"/forwarding", []byte(forwarding), 0))
			got, router := nd.answers(vip6.Addr(), netip.MustParseAddr(own6))
			if !got || router != (forwarding == "1") {
				t.Errorf("forwarding %s: answered %t, with the router flag %t", forwarding, got, router)
			}
		}
	})
}

// RFC 9568 sections 6.4.1 to 6.4.3 and 8.2.2, RFC 4861 section 7.2.6.
func TestAnnounceIsOneUnsolicitedNeighbourAdvertisementForEachIPv6VIP(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		s := newSet(t, vip6, vip6b)
		add(t, s, time.Minute)
		mac := find(t, config.Interface{Name: netnstest.Device}).MAC
		next := hears(t, other, unix.ETH_P_IPV6)
		netnstest.Must(t, s.Announce())
		for _, want := range []netip.Addr{vip6.Addr(), vip6b.Addr()} {
			frame := next()
			for !strings.HasPrefix(frame[12*2:], "86dd6") || frame[(14+40)*2:][:2] != "88" || !strings.Contains(frame, hex.EncodeToString(want.AsSlice())) {
				frame = next() // what the kernel says of its own
			}
			header := "333300000001" + hex.EncodeToString(mac) + "86dd" + // all nodes (RFC 2464 section 7)
				"60000000" + "0020" + "3a" + "ff" + // ICMPv6, hop limit 255
				hex.EncodeToString(want.AsSlice()) + "ff020000000000000000000000000001"
			message := "a0000000" + hex.EncodeToString(want.AsSlice()) + // R and O, not S
				"0201" + hex.EncodeToString(mac) // target link-layer address
			if diff := cmp.Diff(header, frame[:(14+40)*2]); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff("8800"+message, frame[(14+40)*2:][:4]+frame[(14+40+4)*2:]); diff != "" {
				t.Errorf("advertisement without its checksum (-want +got):\n%s", diff)
			}
		}
	})
}

// An active's own connections come from its own address: they must not end when the
// VIP moves on. Renewals keep it so.
func TestTheServerItselfDoesNotSendFromTheVIP(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		addForGood(t, own6+"/64")
		s := newSet(t, vip1, vip6, netip.MustParsePrefix("fd00:99::102/64"))
		for range 2 {
			add(t, s, time.Minute)
			for to, want := range map[string]netip.Addr{
				"10.99.0.2": own, "10.99.0.101": own,
				"fd00:99::2": netip.MustParseAddr(own6), "fd00:99::101": netip.MustParseAddr(own6),
			} {
				routes, err := netlink.RouteGet(net.ParseIP(to))
				netnstest.Must(t, err)
				if got, _ := netip.AddrFromSlice(routes[0].Src); got.Unmap() != want {
					t.Errorf("to %s the server sends from %s, want %s", to, got, want)
				}
			}
		}
	})
}

// What the announcements are for, and the only judge of their checksum: who knows
// the VIP under another MAC takes this one.
func TestAnAnnouncementMovesTheVIPInTheCachesOfOthers(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		addForGood(t, own6+"/64")
		other.Do(t, func() { addForGood(t, "fd00:99::2/64") })
		s := newSet(t, vip1, vip6)
		add(t, s, time.Minute)
		mac := find(t, config.Interface{Name: netnstest.Device}).MAC
		cached := func(a netip.Addr) (found net.HardwareAddr) {
			inOther(t, other, func(nic *net.Interface) {
				known, err := netlink.NeighList(nic.Index, 0)
				netnstest.Must(t, err)
				for _, n := range known {
					if ip, _ := netip.AddrFromSlice(n.IP); ip.Unmap() == a {
						found = n.HardwareAddr
					}
				}
			})
			return found
		}
		for _, vip := range []netip.Addr{vip1.Addr(), vip6.Addr()} {
			inOther(t, other, func(nic *net.Interface) {
				netnstest.Must(t, netlink.NeighSet(&netlink.Neigh{
					LinkIndex: nic.Index, IP: vip.AsSlice(), State: unix.NUD_STALE,
					HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}, // of the active before
				}))
			})
			netnstest.Eventually(t, "the neighbour knows the new MAC of "+vip.String(), func() bool {
				netnstest.Must(t, s.Announce()) // the kernel ignores one within a second of the last change
				return cached(vip).String() == mac.String()
			})
		}
	})
}

// addForGood puts an IPv6 address on the device, without the second that
// duplicate detection takes.
func addForGood(t *testing.T, cidr string) {
	t.Helper()
	a, err := netlink.ParseAddr(cidr)
	netnstest.Must(t, err)
	a.Flags = unix.IFA_F_NODAD
	netnstest.Must(t, netlink.AddrAdd(netnstest.Link(t, netnstest.Device), a))
}

// inOther makes something in the other namespace, with the NIC there.
func inOther(t *testing.T, other *netnstest.Namespace, f func(nic *net.Interface)) {
	t.Helper()
	other.Do(t, func() {
		nic, err := net.InterfaceByName(netnstest.Device)
		netnstest.Must(t, err)
		f(nic)
	})
}

// arpAsker asks from the other end of the cable who has an address.
type arpAsker struct {
	t    *testing.T
	nic  *net.Interface
	conn *packet.Conn
}

func newARPAsker(t *testing.T, other *netnstest.Namespace) *arpAsker {
	t.Helper()
	a := &arpAsker{t: t}
	inOther(t, other, func(nic *net.Interface) {
		var err error
		a.nic = nic
		a.conn, err = packet.Listen(nic, packet.Raw, unix.ETH_P_ARP, nil)
		netnstest.Must(t, err)
	})
	t.Cleanup(func() { _ = a.conn.Close() })
	return a
}

func (a *arpAsker) ask(target netip.Addr) {
	a.t.Helper()
	p, err := arp.NewPacket(arp.OperationRequest, a.nic.HardwareAddr, netip.MustParseAddr("10.99.0.2"), make(net.HardwareAddr, 6), target)
	netnstest.Must(a.t, err)
	payload, err := p.MarshalBinary()
	netnstest.Must(a.t, err)
	frame := ethernet.Frame{Destination: ethernet.Broadcast, Source: a.nic.HardwareAddr, EtherType: ethernet.EtherTypeARP, Payload: payload}
	b, err := frame.MarshalBinary()
	netnstest.Must(a.t, err)
	_, err = a.conn.WriteTo(b, &packet.Addr{HardwareAddr: ethernet.Broadcast})
	netnstest.Must(a.t, err)
}

// answers tells whether target is answered for. The answer for own, which is asked
// for behind it, shows that none is on its way.
func (a *arpAsker) answers(target, own netip.Addr) bool {
	a.t.Helper()
	a.ask(target)
	a.ask(own)
	netnstest.Must(a.t, a.conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	got := false
	b := make([]byte, 256)
	for {
		n, _, err := a.conn.ReadFrom(b)
		netnstest.Must(a.t, err)
		var frame ethernet.Frame
		var p arp.Packet
		netnstest.Must(a.t, frame.UnmarshalBinary(b[:n]))
		netnstest.Must(a.t, p.UnmarshalBinary(frame.Payload))
		switch {
		case p.Operation != arp.OperationReply:
		case p.SenderIP == own:
			return got
		case p.SenderIP == target:
			got = true
		}
	}
}

// ndAsker does the same with neighbour solicitations.
type ndAsker struct {
	t    *testing.T
	nic  *net.Interface
	conn *ndp.Conn
}

func newNDAsker(t *testing.T, other *netnstest.Namespace) *ndAsker {
	t.Helper()
	a := &ndAsker{t: t}
	inOther(t, other, func(nic *net.Interface) {
		a.nic = nic
		netnstest.Eventually(t, "the link-local address is usable", func() bool {
			var err error
			a.conn, _, err = ndp.Listen(nic, ndp.LinkLocal)
			return err == nil
		})
	})
	t.Cleanup(func() { _ = a.conn.Close() })
	return a
}

func (a *ndAsker) ask(target netip.Addr) {
	a.t.Helper()
	group, err := ndp.SolicitedNodeMulticast(target)
	netnstest.Must(a.t, err)
	netnstest.Must(a.t, a.conn.WriteTo(&ndp.NeighborSolicitation{
		TargetAddress: target,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: a.nic.HardwareAddr}},
	}, nil, group))
}

// answers tells whether target is answered for, and with the Router flag.
func (a *ndAsker) answers(target, own netip.Addr) (got, router bool) {
	a.t.Helper()
	a.ask(target)
	a.ask(own)
	netnstest.Must(a.t, a.conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	for {
		message, _, _, err := a.conn.ReadFrom()
		netnstest.Must(a.t, err)
		na, ok := message.(*ndp.NeighborAdvertisement)
		switch {
		case !ok || !na.Solicited:
		case na.TargetAddress == own:
			return got, router
		case na.TargetAddress == target:
			got, router = true, na.Router
		}
	}
}

// solicitedNode is the group of an address (RFC 4291 section 2.7.1).
func solicitedNode(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}

// joined tells whether the device is in a multicast group.
func joined(t *testing.T, group netip.Addr) bool {
	t.Helper()
	groups, err := os.ReadFile("/proc/thread-self/net/igmp6")
	netnstest.Must(t, err)
	return strings.Contains(string(groups), strings.ReplaceAll(group.StringExpanded(), ":", ""))
}

// sender sends datagrams from the other end, straight to the MAC of this one.
type sender struct {
	t     *testing.T
	other *netnstest.Namespace
	here  [2]*net.UDPConn // IPv4 and IPv6: one for both needs a loopback device that is up
	mac   net.HardwareAddr
}

func newSender(t *testing.T, other *netnstest.Namespace) *sender {
	t.Helper()
	s := &sender{t: t, other: other, mac: find(t, config.Interface{Name: netnstest.Device}).MAC}
	for i, network := range []string{"udp4", "udp6"} {
		here, err := net.ListenUDP(network, &net.UDPAddr{Port: 7000})
		netnstest.Must(t, err)
		t.Cleanup(func() { _ = here.Close() })
		s.here[i] = here
	}
	return s
}

// accepted tells whether a datagram to target is taken in. The one to own, sent
// behind it, shows that none is on its way.
func (s *sender) accepted(target, own netip.Addr) bool {
	s.t.Helper()
	inOther(s.t, s.other, func(nic *net.Interface) {
		for _, to := range []netip.Addr{target, own} {
			netnstest.Must(s.t, netlink.NeighSet(&netlink.Neigh{
				LinkIndex: nic.Index, IP: to.AsSlice(), HardwareAddr: s.mac, State: unix.NUD_PERMANENT,
			}))
			conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 7000)))
			netnstest.Must(s.t, err)
			_, err = conn.Write([]byte(to.String()))
			netnstest.Must(s.t, err)
			netnstest.Must(s.t, conn.Close())
		}
	})
	here := s.here[0]
	if target.Is6() {
		here = s.here[1]
	}
	netnstest.Must(s.t, here.SetReadDeadline(time.Now().Add(30*time.Second)))
	got := false
	b := make([]byte, 64)
	for {
		n, err := here.Read(b)
		netnstest.Must(s.t, err)
		switch string(b[:n]) {
		case own.String():
			return got
		case target.String():
			got = true
		}
	}
}
