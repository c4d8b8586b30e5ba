package prober_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/test/prober"
)

const device = netnstest.Device

// families are the same network twice.
var families = []struct {
	name, client, server, vip string
}{
	{"IPv4", "10.98.0.1/24", "10.98.0.2/24", "10.98.0.100/32"},
	{"IPv6", "fd00:98::1/64", "fd00:98::2/64", "fd00:98::100/128"},
}

// addr writes an address without duplicate detection, which would delay it.
func addr(t *testing.T, cidr string) *netlink.Addr {
	t.Helper()
	a, err := netlink.ParseAddr(cidr)
	netnstest.Must(t, err)
	a.Flags = unix.IFA_F_NODAD
	return a
}

// pair is netnstest.Pair for addresses of both families.
func pair(t *testing.T, client, server string) (c, s *netnstest.Namespace) {
	t.Helper()
	c, s = netnstest.Pair(t, "192.0.2.1/30", "192.0.2.2/30")
	add(t, c, client)
	add(t, s, server)
	return c, s
}

func add(t *testing.T, n *netnstest.Namespace, cidr string) {
	t.Helper()
	n.Do(t, func() { netnstest.Must(t, netlink.AddrReplace(netnstest.Link(t, device), addr(t, cidr))) })
}

func remove(t *testing.T, n *netnstest.Namespace, cidr string) {
	t.Helper()
	n.Do(t, func() { netnstest.Must(t, netlink.AddrDel(netnstest.Link(t, device), addr(t, cidr))) })
}

// probing runs a prober in a namespace until the returned function is called.
func probing(t *testing.T, n *netnstest.Namespace, target netip.Addr) (p *prober.Prober, end func() prober.Report) {
	t.Helper()
	n.Do(t, func() {
		var err error
		p, err = prober.Open(prober.Config{Target: target, Device: device})
		netnstest.Must(t, err)
	})
	ctx, stop := context.WithCancel(t.Context())
	type result struct {
		report prober.Report
		err    error
	}
	done := make(chan result, 1)
	go func() {
		report, err := p.Run(ctx)
		done <- result{report, err}
	}()
	return p, func() prober.Report {
		t.Helper()
		stop()
		r := <-done
		netnstest.Must(t, r.err)
		t.Logf("sent %d, unsent %d, lost %d, slowest answer %v, real time %t",
			r.report.Sent(), r.report.Unsent(), r.report.Lost(), r.report.Slowest(), r.report.Realtime)
		return r.report
	}
}

// answered waits until a probe that was answered after now.
func answered(t *testing.T, p *prober.Prober) {
	t.Helper()
	since := time.Now()
	netnstest.Eventually(t, "a probe is answered", func() bool { return p.Latest().At.After(since) })
}

func TestASilenceIsAsLongAsTheCut(t *testing.T) {
	for _, f := range families {
		for _, cut := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second} {
			t.Run(f.name+" "+cut.String(), func(t *testing.T) {
				t.Parallel()
				client, server := pair(t, f.client, f.server)
				add(t, server, f.vip)
				p, end := probing(t, client, netip.MustParsePrefix(f.vip).Addr())
				answered(t, p) // until then the client may have had to look for the server
				before := time.Now()

				var removing, removed, adding, added time.Time
				server.Do(t, func() {
					link, vip := netnstest.Link(t, device), addr(t, f.vip)
					removing = time.Now()
					netnstest.Must(t, netlink.AddrDel(link, vip))
					removed = time.Now()
					time.Sleep(cut) // the length is measured, whatever this makes of it
					adding = time.Now()
					netnstest.Must(t, netlink.AddrReplace(link, vip))
					added = time.Now()
				})
				answered(t, p)
				r := end().Since(before)

				s := r.Longest()
				slack := 2*r.Every + s.Blind + r.Slowest()
				shortest, longest := adding.Sub(removed)-slack, added.Sub(removing)+slack
				if got := s.Length(); got < shortest || got > longest {
					t.Errorf("silence of %v (%d lost, blind for %v), want %v to %v", got, s.Lost, s.Blind, shortest, longest)
				}
			})
		}
	}
}

// two is a client joined to two servers by a bridge of its own.
func two(t *testing.T, f struct{ name, client, server, vip string }) (client, a, b *netnstest.Namespace) {
	t.Helper()
	client, a, b = netnstest.New(t), netnstest.New(t), netnstest.New(t)
	client.Do(t, func() {
		netnstest.Must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: device}}))
		bridge := netnstest.Link(t, device)
		for name, n := range map[string]*netnstest.Namespace{"a": a, "b": b} {
			netnstest.Must(t, netlink.LinkAdd(&netlink.Veth{
				LinkAttrs: netlink.LinkAttrs{Name: name, MasterIndex: bridge.Attrs().Index},
				PeerName:  device, PeerNamespace: netlink.NsFd(n.FD()),
			}))
			netnstest.SetUp(t, name, true)
		}
		netnstest.SetUp(t, device, true)
		netnstest.Must(t, netlink.AddrAdd(bridge, addr(t, f.client)))
	})
	for i, n := range []*netnstest.Namespace{a, b} {
		own := netip.MustParsePrefix(f.server)
		for range i {
			own = netip.PrefixFrom(own.Addr().Next(), own.Bits())
		}
		n.Do(t, func() { netnstest.SetUp(t, device, true) })
		add(t, n, own.String())
	}
	return client, a, b
}

func mac(t *testing.T, n *netnstest.Namespace) string {
	t.Helper()
	var mac net.HardwareAddr
	n.Do(t, func() { mac = netnstest.Link(t, device).Attrs().HardwareAddr })
	return mac.String()
}

// The address moves, and for a while both servers have it.
func TestTheTimelineAndTheWatchSeeTheAddressMove(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			client, a, b := two(t, f)
			vip := netip.MustParsePrefix(f.vip).Addr()
			add(t, a, f.vip)
			w := prober.NewWatch(vip)
			for name, n := range map[string]*netnstest.Namespace{"a": a, "b": b} {
				n.Do(t, func() { netnstest.Must(t, w.Add(name)) })
			}
			p, end := probing(t, client, vip)
			began := time.Now()
			netnstest.Eventually(t, "the first answers", func() bool { return p.Latest().By == mac(t, a) })

			add(t, b, f.vip)
			netnstest.Eventually(t, "both have it", func() bool { return len(w.Holders()) == 2 })
			remove(t, a, f.vip)
			// nobody announces: the client has to ask again
			client.Do(t, func() {
				link := netnstest.Link(t, device)
				netnstest.Must(t, netlink.NeighDel(&netlink.Neigh{LinkIndex: link.Attrs().Index, IP: net.IP(vip.AsSlice())}))
			})
			netnstest.Eventually(t, "the second answers", func() bool { return p.Latest().By == mac(t, b) })
			r := end()
			netnstest.Must(t, w.Close())

			spans := r.Timeline()
			if len(spans) != 2 || spans[0].By != mac(t, a) || spans[1].By != mac(t, b) {
				t.Errorf("timeline %+v, want %s, then %s", spans, mac(t, a), mac(t, b))
			}
			holdings := w.Holdings()
			if len(holdings) != 2 || holdings[0].Server != "a" || holdings[1].Server != "b" || holdings[0].To.IsZero() || !holdings[1].To.IsZero() {
				t.Fatalf("holdings %+v, want a until some time, b from before that", holdings)
			}
			want := holdings[0].To.Sub(holdings[1].From)
			if got := prober.Shared(holdings, began, time.Now()); got <= 0 || got != want {
				t.Errorf("two owners for %v, want %v", got, want)
			}
		})
	}
}
