package vip_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ndp"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vip/netnstest"
)

// listenClaims listens in the current namespace until the test ends.
func listenClaims(t *testing.T, vips ...netip.Addr) *vip.Claims {
	t.Helper()
	c, err := vip.ListenClaims(find(t, config.Interface{Name: netnstest.Device}), vips)
	netnstest.Must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// nextClaim fails the test when none comes.
func nextClaim(t *testing.T, c *vip.Claims) vip.Claim {
	t.Helper()
	limit := time.AfterFunc(30*time.Second, func() { _ = c.Close() })
	defer limit.Stop()
	claim, err := c.Receive()
	netnstest.Must(t, err)
	return claim
}

// announces makes the other end announce VIPs.
func announces(t *testing.T, other *netnstest.Namespace, replies bool, vips ...netip.Prefix) (mac net.HardwareAddr) {
	t.Helper()
	other.Do(t, func() {
		nic := find(t, config.Interface{Name: netnstest.Device})
		s := vip.NewSet(vip.Config{NIC: nic, Addresses: vips, Replies: replies})
		netnstest.Must(t, s.Announce())
		netnstest.Must(t, s.Close())
		mac = nic.MAC
	})
	return mac
}

func TestTheClaimsOfAnotherStationAreHeard(t *testing.T) {
	tests := map[string]struct {
		replies bool
		vips    []netip.Prefix
		other   netip.Prefix
		want    int
	}{
		"gratuitous ARP requests":             {false, []netip.Prefix{vip1, vip2}, netip.MustParsePrefix("10.99.0.102/32"), 2},
		"requests and replies":                {true, []netip.Prefix{vip1, vip2}, netip.MustParsePrefix("10.99.0.102/32"), 4},
		"unsolicited neighbour advertisement": {false, []netip.Prefix{vip6, vip6b}, netip.MustParsePrefix("fd00:99::102/128"), 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inPair(t, func(other *netnstest.Namespace) {
				c := listenClaims(t, tt.vips[0].Addr(), tt.vips[1].Addr())
				before := time.Now()
				announces(t, other, tt.replies, tt.other) // nobody's business here
				mac := announces(t, other, tt.replies, tt.vips...)
				for i := range tt.want {
					got := nextClaim(t, c)
					vip := tt.vips[i*len(tt.vips)/tt.want].Addr()
					if got.Address != vip || got.MAC.String() != mac.String() {
						t.Errorf("got %s at %s, want %s at %s", got.Address, got.MAC, vip, mac)
					}
					if got.At.Before(before) || got.At.After(time.Now()) {
						t.Errorf("got a claim of %s, want one after %s", got.At, before)
					}
				}
			})
		})
	}
}

func TestOrdinaryARPAndNeighbourDiscoveryAreNoClaims(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		s := newSet(t, vip1, vip6)
		add(t, s, time.Minute)
		four, six := listenClaims(t, vip1.Addr()), listenClaims(t, vip6.Addr())
		netnstest.Must(t, s.Announce()) // our own
		other.Do(t, func() {            // somebody resolves the VIPs and uses them
			netnstest.AddAddress(t, netnstest.Device, "fd00:99::2/64")
			for _, to := range []string{"10.99.0.100", "fd00:99::100"} {
				conn, err := net.Dial("udp", net.JoinHostPort(to, "9"))
				netnstest.Must(t, err)
				_, err = conn.Write([]byte("x"))
				netnstest.Must(t, err)
				netnstest.Must(t, conn.Close())
			}
			netnstest.Eventually(t, "the VIPs are resolved", func() bool {
				known, err := netlink.NeighList(netnstest.Link(t, netnstest.Device).Attrs().Index, 0)
				netnstest.Must(t, err)
				found := 0
				for _, n := range known {
					if ip, _ := netip.AddrFromSlice(n.IP); n.HardwareAddr != nil && (ip.Unmap() == vip1.Addr() || ip == vip6.Addr()) {
						found++
					}
				}
				return found == 2
			})
		})
		// What comes after on the same cable shows that nothing was heard before.
		mac := announces(t, other, false, vip1, vip6)
		for _, c := range []*vip.Claims{four, six} {
			if got := nextClaim(t, c); got.MAC.String() != mac.String() {
				t.Errorf("got %+v as the first claim, want one of %s", got, mac)
			}
		}
	})
}

// The kernel has room for a filter of some VIPs only, and most of all for few of IPv6.
func TestTheClaimsOfManyVIPsAreHeard(t *testing.T) {
	for _, first := range []netip.Addr{vip1.Addr(), vip6.Addr()} {
		for _, count := range []int{15, 16, 17, 18, 19, 20, 80, 90, 250, 5000} {
			inPair(t, func(other *netnstest.Namespace) {
				netnstest.LittleRoomForFilters(t)
				vips := []netip.Addr{first}
				for len(vips) < count {
					vips = append(vips, vips[len(vips)-1].Next())
				}
				c := listenClaims(t, vips...)
				last := vips[len(vips)-1]
				announces(t, other, false, netip.PrefixFrom(last.Next(), last.BitLen())) // nobody's business here
				announces(t, other, false, netip.PrefixFrom(last, last.BitLen()))
				if got := nextClaim(t, c); got.Address != last {
					t.Errorf("%d VIPs: got a claim of %s, want one of %s", count, got.Address, last)
				}
			})
		}
	}
}

// sendFrame sends an Ethernet frame, from the current namespace, of the station someMAC.
func sendFrame(t *testing.T, to net.HardwareAddr, tag []byte, kind uint16, payload []byte) {
	t.Helper()
	nic := find(t, config.Interface{Name: netnstest.Device})
	conn, err := packet.Listen(&net.Interface{Index: nic.Index, Name: nic.Name, HardwareAddr: nic.MAC}, packet.Raw, 0, nil)
	netnstest.Must(t, err)
	defer conn.Close()
	frame := slices.Concat(to, someStation, tag, binary.BigEndian.AppendUint16(nil, kind), payload)
	_, err = conn.WriteTo(frame, &packet.Addr{HardwareAddr: to})
	netnstest.Must(t, err)
}

var someStation = net.HardwareAddr{2, 0, 0, 0, 0, 7}

// claimFrame is the type and the payload of the frame that claims a VIP.
func claimFrame(t *testing.T, vip netip.Addr) (kind uint16, payload []byte) {
	t.Helper()
	if vip.Is4() {
		p, err := arp.NewPacket(arp.OperationRequest, someStation, vip, make(net.HardwareAddr, 6), vip)
		netnstest.Must(t, err)
		payload, err = p.MarshalBinary()
		netnstest.Must(t, err)
		return unix.ETH_P_ARP, payload
	}
	group := netip.MustParseAddr("ff02::1")
	message, err := ndp.MarshalMessageChecksum(&ndp.NeighborAdvertisement{
		Override: true, TargetAddress: vip,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: someStation}},
	}, vip, group)
	netnstest.Must(t, err)
	header := []byte{6 << 4, 0, 0, 0, 0, byte(len(message)), unix.IPPROTO_ICMPV6, 255}
	return unix.ETH_P_IPV6, slices.Concat(header, vip.AsSlice(), group.AsSlice(), message)
}

// What is said in another VLAN of the cable, to another station or to nobody here is of
// another network: the VIP may be used there.
func TestAClaimOfAnotherNetworkIsNone(t *testing.T) {
	vlan := func(id byte) []byte { return []byte{0x81, 0, 0xe0, id} } // of the highest priority
	all, station := net.HardwareAddr{255, 255, 255, 255, 255, 255}, net.HardwareAddr{2, 0, 0, 0, 0, 8}
	tests := map[string]struct {
		to     net.HardwareAddr
		tag    []byte
		device bool // this server is in VLAN 78 as well
		claim  bool
	}{
		"without a tag":                          {all, nil, false, true},
		"with a priority and no VLAN":            {all, vlan(0), false, true},
		"in a VLAN that this server is not in":   {all, vlan(77), false, false},
		"in a VLAN that this server is in too":   {all, vlan(78), true, false},
		"to another station, heard by a sniffer": {station, nil, false, false},
	}
	for name, tt := range tests {
		for _, vip := range []netip.Addr{vip1.Addr(), vip6.Addr()} {
			t.Run(name+" "+vip.String(), func(t *testing.T) {
				inPair(t, func(other *netnstest.Namespace) {
					nic := netnstest.Link(t, netnstest.Device)
					netnstest.Must(t, netlink.SetPromiscOn(nic))
					if tt.device {
						err := netlink.LinkAdd(&netlink.Vlan{
							LinkAttrs: netlink.LinkAttrs{Name: "vlan78", ParentIndex: nic.Attrs().Index}, VlanId: 78,
						})
						if errors.Is(err, unix.EOPNOTSUPP) {
							t.Skip("this kernel has no VLAN devices (8021q)")
						}
						netnstest.Must(t, err)
						netnstest.SetUp(t, "vlan78", true)
					}
					c := listenClaims(t, vip)
					other.Do(t, func() {
						kind, payload := claimFrame(t, vip)
						sendFrame(t, tt.to, tt.tag, kind, payload)
					})
					// What comes after on the same cable shows whether it was heard.
					want := announces(t, other, false, netip.PrefixFrom(vip, vip.BitLen()))
					if tt.claim {
						want = someStation
					}
					if got := nextClaim(t, c); got.MAC.String() != want.String() {
						t.Errorf("got %+v first, want a claim of %s", got, want)
					}
				})
			})
		}
	}
}

func TestClaimsAreHeardAfterTheNICWasDown(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		c := listenClaims(t, vip1.Addr())
		netnstest.SetUp(t, netnstest.Device, false)
		netnstest.SetUp(t, netnstest.Device, true)
		netnstest.Eventually(t, "the cable has carrier", func() bool {
			return netnstest.Link(t, netnstest.Device).Attrs().OperState == netlink.OperUp
		})
		mac := announces(t, other, false, vip1)
		if got := nextClaim(t, c); got.MAC.String() != mac.String() {
			t.Errorf("got %+v, want a claim of %s", got, mac)
		}
	})
}

func TestCloseEndsTheWaitForAClaim(t *testing.T) {
	defer goleak.VerifyNone(t)
	inPair(t, func(*netnstest.Namespace) {
		c := listenClaims(t, vip1.Addr())
		got := make(chan error)
		go func() {
			_, err := c.Receive()
			got <- err
		}()
		netnstest.Must(t, c.Close())
		select {
		case err := <-got:
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, want net.ErrClosed", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("Receive still waits")
		}
		if _, err := c.Receive(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: got %v, want net.ErrClosed", err)
		}
	})
}

func TestClaimsAreOfOneFamilyAndOfANICThatIsThere(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		nic := find(t, config.Interface{Name: netnstest.Device})
		for name, test := range map[string]struct {
			nic  vip.NIC
			vips []netip.Addr
		}{
			"two families": {nic, []netip.Addr{vip1.Addr(), vip6.Addr()}},
			"no VIP":       {nic, nil},
			"no NIC":       {vip.NIC{Index: 999, Name: "eth7"}, []netip.Addr{vip1.Addr()}},
		} {
			if c, err := vip.ListenClaims(test.nic, test.vips); err == nil {
				_ = c.Close()
				t.Errorf("%s: no error", name)
			}
		}
	})
}

func TestNeighbourKnowsThePeerByItsMAC(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		nic := find(t, config.Interface{Name: netnstest.Device})
		var mac net.HardwareAddr
		other.Do(t, func() { mac = find(t, config.Interface{Name: netnstest.Device}).MAC })
		peer, stranger := netip.MustParseAddr("10.99.0.2"), netip.MustParseAddr("10.99.0.66")
		expect := func(what string, mac net.HardwareAddr, among []netip.Addr, want bool) {
			t.Helper()
			got, ok, err := vip.Neighbour(nic, mac, among)
			if err != nil || ok != want || ok && got != peer {
				t.Errorf("%s: got %s, %v, %v; want %v", what, got, ok, err, want)
			}
		}
		expect("nobody was spoken to", mac, []netip.Addr{peer}, false)
		conn, err := net.Dial("udp", "10.99.0.2:9")
		netnstest.Must(t, err)
		defer conn.Close()
		_, err = conn.Write([]byte("x"))
		netnstest.Must(t, err)
		netnstest.Eventually(t, "the peer is resolved", func() bool {
			_, ok, err := vip.Neighbour(nic, mac, []netip.Addr{peer})
			netnstest.Must(t, err)
			return ok
		})
		expect("the peer among others", mac, []netip.Addr{stranger, peer}, true)
		expect("it is no peer", mac, []netip.Addr{stranger}, false)
		expect("another MAC", net.HardwareAddr{2, 0, 0, 0, 0, 9}, []netip.Addr{peer}, false)
	})
}
