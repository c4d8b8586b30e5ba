package track

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip/netnstest"
)

// member is a router of a server whose NIC is netnstest.Device.
func member(source string, vips ...string) config.Router {
	r := config.Router{Interface: config.Interface{Name: netnstest.Device}, Source: netip.MustParseAddr(source)}
	for _, v := range vips {
		r.Addresses = append(r.Addresses, netip.MustParsePrefix(v))
	}
	return r
}

func TestAGatewayAnswers(t *testing.T) {
	for _, family := range []struct{ name, own, gateway, length, unused string }{
		{"ARP", "10.9.0.130", "10.9.0.1", "/24", "10.9.0.7"},
		{"NDP", "fd09::130", "fd09::1", "/64", "fd09::7"},
	} {
		t.Run(family.name, func(t *testing.T) {
			server, gateway := netnstest.Pair(t, family.own+family.length, family.gateway+family.length)
			routers := []config.Router{member(family.own, "10.9.0.136/32")}
			ask := func(what string, limit time.Duration) (err error) {
				// NET_RAW is all that it needs.
				server.Do(t, func() {
					netnstest.WithOnly(t, 1<<unix.CAP_NET_RAW, func() {
						err = probeOnce(t.Context(), probeGateway(what, func() []config.Router { return routers }), limit)
					})
				})
				return err
			}
			const patience, short = 30 * time.Second, 300 * time.Millisecond
			answers := func(what string) {
				t.Helper()
				// One question, so that one that gets lost is a failure: the check
				// asks again after its interval, and so does this.
				netnstest.Eventually(t, what+" answers", func() bool { return ask(what, time.Second) == nil })
			}
			answers(family.gateway)
			want(t, ask(family.unused, short), "no answer within 300ms")
			want(t, ask("auto", patience), "no default route leads through eth0")

			server.Do(t, func() {
				gw := netip.MustParseAddr(family.gateway)
				netnstest.Must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: netnstest.Link(t, netnstest.Device).Attrs().Index, Gw: gw.AsSlice()}))
			})
			answers("auto")
			gateway.Do(t, func() { netnstest.DelAddress(t, netnstest.Device, family.gateway+family.length) })
			want(t, ask("auto", short), "no answer within 300ms")

			routers[0].Addresses = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr(family.gateway), netip.MustParseAddr(family.gateway).BitLen())}
			want(t, ask("auto", patience), errGatewayIsVIP.Error())

			routers[0].Interface.Name = "gone0"
			want(t, ask("auto", patience), "no interface has this name")
		})
	}
}

func TestAGatewayIsAskedThroughTheNICOfItsSubnet(t *testing.T) {
	server, _ := netnstest.Pair(t, "10.9.0.130/24", "10.9.0.1/24")
	server.Do(t, func() {
		netnstest.Must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "other0"}, PeerName: "other1"}))
		netnstest.AddAddress(t, "other0", "10.8.0.130/24")
		other := config.Router{Interface: config.Interface{Name: "other0"}, Source: netip.MustParseAddr("10.8.0.130")}
		v6 := config.Router{Interface: config.Interface{Name: netnstest.Device}, Source: netip.MustParseAddr("fd09::130")}
		w, err := findWay("10.9.0.1", []config.Router{v6, other, member("10.9.0.130")})
		want(t, err, "")
		if w.nic.Name != netnstest.Device || w.source != netip.MustParseAddr("10.9.0.130") {
			t.Errorf("asked from %s through %s", w.source, w.nic.Name)
		}
		// One behind a /32 is in no subnet.
		w, err = findWay("192.0.2.1", []config.Router{v6, other, member("10.9.0.130")})
		want(t, err, "")
		if w.nic.Name != "other0" {
			t.Errorf("asked through %s, want the first of its family", w.nic.Name)
		}
	})
}

// Two routers on the subnet are one default route with two next hops.
func TestOneOfSeveralGatewaysIsEnough(t *testing.T) {
	for _, family := range []struct{ name, own, length, first, second, unused, elsewhere string }{
		{"ARP", "10.9.0.130", "/24", "10.9.0.1", "10.9.0.2", "10.9.0.7", "10.8.0.1"},
		{"NDP", "fd09::130", "/64", "fd09::1", "fd09::2", "fd09::7", "fd08::1"},
	} {
		t.Run(family.name, func(t *testing.T) {
			server, gateway := netnstest.Pair(t, family.own+family.length, family.first+family.length)
			gateway.Do(t, func() { netnstest.AddAddress(t, netnstest.Device, family.second+family.length) })
			routers := []config.Router{member(family.own)}
			ask := func(limit time.Duration) (err error) {
				server.Do(t, func() {
					err = probeOnce(t.Context(), probeGateway("auto", func() []config.Router { return routers }), limit)
				})
				return err
			}
			lead := func(gateways ...string) {
				t.Helper()
				server.Do(t, func() {
					// One that leads through another NIC is none of its gateways.
					hops := []*netlink.NexthopInfo{hop(t, "other0", family.elsewhere)}
					for _, g := range gateways {
						hops = append(hops, hop(t, netnstest.Device, g))
					}
					_, everywhere, err := net.ParseCIDR(netip.PrefixFrom(netip.MustParseAddr(family.own), 0).Masked().String())
					netnstest.Must(t, err)
					netnstest.Must(t, netlink.RouteReplace(&netlink.Route{Dst: everywhere, MultiPath: hops}))
					w, err := findWay("auto", routers)
					want(t, err, "")
					if got, asked := join(w.gateways), strings.Join(gateways, ", "); got != asked {
						t.Errorf("asks %s, want %s", got, asked)
					}
				})
			}
			server.Do(t, func() {
				netnstest.Must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "other0"}, PeerName: "other1"}))
				netnstest.SetUp(t, "other0", true)
			})
			for _, gateways := range [][]string{{family.first, family.second}, {family.first, family.unused}, {family.unused, family.second}} {
				lead(gateways...)
				netnstest.Eventually(t, "one answers", func() bool { return ask(time.Second) == nil })
			}
			// A VIP is not asked, the other one is.
			vip := netip.MustParseAddr(family.second)
			routers[0].Addresses = []netip.Prefix{netip.PrefixFrom(vip, vip.BitLen())}
			want(t, ask(300*time.Millisecond), "no answer within 300ms")
			lead(family.first, family.second)
			netnstest.Eventually(t, "the one that is no VIP answers", func() bool { return ask(time.Second) == nil })
		})
	}
}

// hop is a next hop of a route.
func hop(t *testing.T, nic, gateway string) *netlink.NexthopInfo {
	t.Helper()
	return &netlink.NexthopInfo{
		LinkIndex: netnstest.Link(t, nic).Attrs().Index,
		Gw:        netip.MustParseAddr(gateway).AsSlice(),
		Flags:     int(netlink.FLAG_ONLINK),
	}
}
