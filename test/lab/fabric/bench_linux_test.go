package fabric

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/space"
)

// limit is what only a broken lab reaches.
const limit = 30 * time.Second

// vip is an address that servers share.
var vip = netip.MustParseAddr("10.0.0.100")

// bench is a fabric with two servers, a and b, behind a router.
type bench struct {
	t       *testing.T
	fabric  *Fabric
	view    openstacktest.View
	outside *space.Space
	servers map[string]*space.Space
}

// ports of the servers.
const (
	portA = "aaaaaaaa-1111"
	portB = "bbbbbbbb-2222"
)

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatal("needs root (HAVIP_REQUIRE_NETNS=1)")
		}
		t.Skip("needs root to make network namespaces")
	}
	b := &bench{t: t, view: twoServers(), servers: map[string]*space.Space{}}
	fresh := func() *space.Space {
		s, err := space.New()
		b.must(err)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	b.outside = fresh()
	var err error
	b.fabric, err = New(fresh(), b.outside, o)
	b.must(err)
	t.Cleanup(func() {
		if err := b.fabric.Close(); err != nil {
			t.Error(err)
		}
	})
	b.update()
	for _, p := range []string{portA, portB} {
		b.servers[p] = fresh()
		b.must(b.fabric.Plug(p, b.servers[p], "eth0", true))
	}
	return b
}

func twoServers() openstacktest.View {
	ip := netip.MustParseAddr
	server := func(id, mac, address string) openstacktest.Port {
		return openstacktest.Port{
			ID: id, NetworkID: "network-internal", MAC: mac, AdminUp: true, PortSecurity: true, DeviceOwner: "compute:nova", DeviceID: id,
			FixedIPs: []openstacktest.FixedIP{{SubnetID: "internal", Address: ip(address)}}, SecurityGroups: []string{"udp"},
		}
	}
	udp := func(ingress bool) openstacktest.Rule {
		return openstacktest.Rule{Ingress: ingress, Protocol: unix.IPPROTO_UDP, PortMin: -1, PortMax: -1}
	}
	tcp := openstacktest.Rule{Ingress: true, Protocol: unix.IPPROTO_TCP, PortMin: 7, PortMax: 7}
	return openstacktest.View{
		Networks: []openstacktest.Network{{ID: "network-internal", Name: "internal"}, {ID: "network-public", Name: "public", External: true}},
		Subnets: []openstacktest.Subnet{
			{ID: "internal", NetworkID: "network-internal", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: ip("10.0.0.1")},
			{ID: "public", NetworkID: "network-public", CIDR: netip.MustParsePrefix("203.0.113.0/24"), Gateway: ip("203.0.113.1")},
		},
		Ports: []openstacktest.Port{
			server(portA, "fa:16:3e:00:00:0a", "10.0.0.11"),
			server(portB, "fa:16:3e:00:00:0b", "10.0.0.12"),
			{ID: "router-in", NetworkID: "network-internal", MAC: "fa:16:3e:00:00:01", AdminUp: true, FixedIPs: []openstacktest.FixedIP{{SubnetID: "internal", Address: ip("10.0.0.1")}}},
			{ID: "router-out", NetworkID: "network-public", MAC: "fa:16:3e:00:00:02", AdminUp: true, FixedIPs: []openstacktest.FixedIP{{SubnetID: "public", Address: ip("203.0.113.2")}}},
			{ID: "vip", NetworkID: "network-internal", MAC: "fa:16:3e:00:00:64", FixedIPs: []openstacktest.FixedIP{{SubnetID: "internal", Address: vip}}},
		},
		SecurityGroups: []openstacktest.SecurityGroup{{ID: "udp", Rules: []openstacktest.Rule{udp(true), udp(false), tcp}}},
		Routers:        []openstacktest.Router{{ID: "router", Gateway: "router-out", Interfaces: []string{"router-in"}}},
		FloatingIPs:    []openstacktest.FloatingIP{{ID: "f", Address: ip("203.0.113.10"), PortID: "vip", Fixed: vip, Router: "router"}},
	}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// update makes the bench's view true.
func (b *bench) update() {
	b.t.Helper()
	v := b.view
	v.Ports, v.SecurityGroups, v.FloatingIPs = slices.Clone(v.Ports), slices.Clone(v.SecurityGroups), slices.Clone(v.FloatingIPs)
	b.must(b.fabric.Update(v))
}

// pair allows the VIP on a port, or no longer.
func (b *bench) pair(port string, allowed bool) {
	b.t.Helper()
	for i := range b.view.Ports {
		p := &b.view.Ports[i]
		if p.ID != port {
			continue
		}
		p.Pairs = nil
		if allowed {
			p.Pairs = []openstacktest.Pair{{MAC: p.MAC, Prefix: netip.PrefixFrom(vip, 32)}}
		}
	}
	b.update()
}

// in runs f in a server.
func (b *bench) in(port string, f func() error) {
	b.t.Helper()
	b.must(b.servers[port].Do(f))
}

// own puts the VIP on a server, or takes it off.
func (b *bench) own(port string, has bool) {
	b.t.Helper()
	links := b.servers[port].Links()
	device, err := links.LinkByName("eth0")
	b.must(err)
	a := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(vip, 32))}
	if has {
		b.must(links.AddrAdd(device, a))
	} else {
		b.must(links.AddrDel(device, a))
	}
}

// neighbor fixes a server's belief of where the VIP is.
func (b *bench) neighbor(port, mac string) {
	b.t.Helper()
	links := b.servers[port].Links()
	device, err := links.LinkByName("eth0")
	b.must(err)
	hardware, err := net.ParseMAC(mac)
	b.must(err)
	b.must(links.NeighSet(&netlink.Neigh{LinkIndex: device.Attrs().Index, State: netlink.NUD_PERMANENT, IP: vip.AsSlice(), HardwareAddr: hardware}))
}

// listen opens a socket in a namespace; udp or ip:112.
func (b *bench) listen(in *space.Space, network, address string) net.PacketConn {
	b.t.Helper()
	var c net.PacketConn
	b.must(in.Do(func() (err error) {
		c, err = net.ListenPacket(network, address)
		return err
	}))
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// wait gives up when nothing came for the limit.
func (b *bench) read(c net.PacketConn) string {
	b.t.Helper()
	b.must(c.SetReadDeadline(time.Now().Add(limit)))
	buffer := make([]byte, 2048)
	n, _, err := c.ReadFrom(buffer)
	b.must(err)
	return string(buffer[:n])
}

// send writes text from a socket.
func (b *bench) send(c net.PacketConn, to net.Addr, text string) {
	b.t.Helper()
	_, err := c.WriteTo([]byte(text), to)
	// What a security group refuses of one's own is told by some kernels.
	if err != nil && !errors.Is(err, unix.EPERM) {
		b.t.Fatal(err)
	}
}

func udpAt(address string) net.Addr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)) }

// announce sends a gratuitous ARP for the VIP.
func (b *bench) announce(port string) {
	b.t.Helper()
	b.in(port, func() error { return announce("eth0", vip) })
}

// hearARP opens a socket that gets the ARP frames that reach a server.
func (b *bench) hearARP(port string) *packet.Conn {
	b.t.Helper()
	var c *packet.Conn
	b.in(port, func() error {
		device, err := net.InterfaceByName("eth0")
		if err == nil {
			c, err = packet.Listen(device, packet.Raw, unix.ETH_P_ARP, nil)
		}
		return err
	})
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// sendARP sends an ARP request with this sender address.
func (b *bench) sendARP(port string, sender netip.Addr) {
	b.t.Helper()
	b.in(port, func() error { return announce("eth0", sender) })
}

// readSender is the sender address of the next announcement.
func (b *bench) readSender(c *packet.Conn) netip.Addr {
	b.t.Helper()
	for {
		frame := b.read(c)
		var e ethernet.Frame
		var p arp.Packet
		b.must(e.UnmarshalBinary([]byte(frame)))
		b.must(p.UnmarshalBinary(e.Payload))
		if p.SenderIP == p.TargetIP {
			return p.SenderIP
		}
	}
}

// whoAmI answers who connects to a server with its name. TCP, since it answers
// from the address that was asked.
func (b *bench) whoAmI(port string) {
	b.t.Helper()
	var l net.Listener
	b.in(port, func() (err error) {
		l, err = net.Listen("tcp4", ":7")
		return err
	})
	b.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(port))
			_ = c.Close()
		}
	}()
}

// ask returns who answers at an address, seen from outside, if somebody does
// soon.
func (b *bench) ask(ctx context.Context, address string) (string, error) {
	d := net.Dialer{Timeout: 50 * time.Millisecond}
	var c net.Conn
	err := b.outside.Do(func() (err error) {
		c, err = d.DialContext(ctx, "tcp4", address)
		return err
	})
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	name, err := io.ReadAll(c)
	return string(name), err
}

// until asks until the one that is wanted answers, and does also each time.
func (b *bench) until(address, want string, also func()) time.Duration {
	b.t.Helper()
	start := time.Now()
	last := ""
	for n := 0; time.Since(start) < limit; n++ {
		if n%10 == 0 {
			also()
		}
		got, err := b.ask(b.t.Context(), address)
		if got == want {
			return time.Since(start)
		}
		last = fmt.Sprint(got, " ", err)
	}
	b.t.Fatalf("%s does not answer at %s, but: %s", want, address, last)
	return 0
}
