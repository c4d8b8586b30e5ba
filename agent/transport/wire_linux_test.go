package transport_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/agent/vrrp"
)

const vrid = 51

// way is one of the ways in which two routers talk.
type way struct {
	a, b      netip.Addr // their sources
	stranger  netip.Addr
	multicast bool
	vips      []netip.Addr
}

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

var ways = map[string]way{
	"IPv4 unicast":   newWay("10.99.0.1", "10.99.0.2", "10.99.0.66", false, "10.99.0.100", "10.99.0.101"),
	"IPv4 multicast": newWay("10.99.0.1", "10.99.0.2", "10.99.0.66", true, "10.99.0.100", "10.99.0.101"),
	"IPv6 unicast":   newWay("fd00:99::1", "fd00:99::2", "fd00:99::66", false, "fd00:99::100", "fd00:99::101"),
	"IPv6 multicast": newWay("fe80::1", "fe80::2", "fe80::66", true, "fe80::100", "fd00:99::101"),
}

func newWay(a, b, stranger string, multicast bool, vips ...string) way {
	list := addrs(a, b, stranger)
	return way{list[0], list[1], list[2], multicast, addrs(vips...)}
}

// each runs a test for each way, with a cable between two namespaces.
func each(t *testing.T, test func(t *testing.T, w way, nsA, nsB *netnstest.Namespace)) {
	t.Helper()
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			nsA, nsB := cable(t)
			test(t, w, nsA, nsB)
		})
	}
}

// cable joins two namespaces that have the addresses of all ways.
func cable(t *testing.T) (nsA, nsB *netnstest.Namespace) {
	t.Helper()
	nsA, nsB = netnstest.Pair(t, "10.99.0.1/24", "10.99.0.2/24")
	nsA.Do(t, func() {
		netnstest.AddAddress(t, netnstest.Device, "fd00:99::1/64")
		netnstest.AddAddress(t, netnstest.Device, "fe80::1/64")
	})
	nsB.Do(t, func() {
		netnstest.AddAddress(t, netnstest.Device, "fd00:99::2/64")
		netnstest.AddAddress(t, netnstest.Device, "fe80::2/64")
	})
	return nsA, nsB
}

// config is that of a router that hears the peers; without any in multicast, all.
func (w way) config(source netip.Addr, peers ...netip.Addr) transport.Config {
	return transport.Config{
		Interface: netnstest.Device,
		Source:    source,
		Peers:     peers,
		Multicast: w.multicast,
		VRID:      vrid,
		Version:   3,
		Interval:  time.Second,
		Addresses: w.vips,
	}
}

// destination is where a's adverts go to.
func (w way) destination() netip.Addr {
	switch {
	case !w.multicast:
		return w.b
	case w.b.Is4():
		return netip.MustParseAddr("224.0.0.18")
	}
	return netip.MustParseAddr("ff02::12")
}

// open opens a Conn in a namespace, until the test ends.
func open(t *testing.T, in *netnstest.Namespace, cfg transport.Config) *transport.Conn {
	t.Helper()
	return openWith(t, in, new(transport.Dialer), cfg)
}

func openWith(t *testing.T, in *netnstest.Namespace, d *transport.Dialer, cfg transport.Config) *transport.Conn {
	t.Helper()
	var c *transport.Conn
	in.Do(t, func() {
		var err error
		c, err = d.Open(cfg)
		netnstest.Must(t, err)
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// receive fails the test when no advert comes.
func receive(t *testing.T, c *transport.Conn) transport.Advert {
	t.Helper()
	var advert transport.Advert
	netnstest.Eventually(t, "an advert comes", func() bool {
		var got bool
		var err error
		advert, got, err = c.Take()
		netnstest.Must(t, err)
		return got
	})
	return advert
}

// fetch takes an advert that waits in the socket, or false.
func fetch(t *testing.T, c *transport.Conn) (transport.Advert, bool, error) {
	t.Helper()
	netnstest.Must(t, c.Fetch())
	return c.Take()
}

func send(t *testing.T, c *transport.Conn, priority int) time.Time {
	t.Helper()
	at, err := c.Send(priority, time.Second)
	netnstest.Must(t, err)
	return at
}

// forger sends packets of protocol 112 with any header, from one end of a cable.
type forger struct {
	t  *testing.T
	fd int
	to netip.Addr
}

func newForger(t *testing.T, in *netnstest.Namespace, to netip.Addr) forger {
	t.Helper()
	f := forger{t: t, to: to}
	domain := unix.AF_INET
	if to.Is6() {
		domain = unix.AF_INET6
	}
	in.Do(t, func() {
		var err error
		f.fd, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		netnstest.Must(t, err)
		netnstest.Must(t, unix.BindToDevice(f.fd, netnstest.Device))
	})
	t.Cleanup(func() { _ = unix.Close(f.fd) })
	return f
}

func (f forger) send(from netip.Addr, ttl byte, payload []byte) {
	f.t.Helper()
	var p []byte
	var to unix.Sockaddr
	if f.to.Is4() {
		p = make([]byte, 20, 20+len(payload))
		p[0], p[8], p[9] = 0x45, ttl, vrrp.Protocol // the kernel fills in length and checksum
		copy(p[12:], from.AsSlice())
		copy(p[16:], f.to.AsSlice())
		to = &unix.SockaddrInet4{Addr: f.to.As4()}
	} else {
		p = make([]byte, 40, 40+len(payload))
		p[0], p[6], p[7] = 6<<4, vrrp.Protocol, ttl
		binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
		copy(p[8:], from.AsSlice())
		copy(p[24:], f.to.AsSlice())
		to = &unix.SockaddrInet6{Addr: f.to.As16()}
	}
	netnstest.Must(f.t, unix.Sendto(f.fd, append(p, payload...), 0, to))
}

// forged is a right advert, as a sends it, changed by mutate and with its checksum
// put right again.
func (w way) forged(t *testing.T, mutate func(b []byte)) []byte {
	t.Helper()
	dst := w.destination()
	b, err := vrrp.Encode(vrrp.Packet{
		Version: 3, VRID: vrid, Priority: 250, Interval: time.Second, Addresses: w.vips,
	}, w.a, dst)
	netnstest.Must(t, err)
	mutate(b)
	b[6], b[7] = 0, 0
	pseudo := append(w.a.AsSlice(), dst.AsSlice()...)
	pseudo = append(pseudo, 0, vrrp.Protocol, byte(len(b)>>8), byte(len(b)))
	binary.BigEndian.PutUint16(b[6:], internetChecksum(pseudo, b))
	return b
}

// internetChecksum is of RFC 1071, over parts of even length.
func internetChecksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, words := range parts {
		for ; len(words) > 0; words = words[2:] {
			sum += uint32(binary.BigEndian.Uint16(words))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
