package vip_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vip/netnstest"
)

var (
	own   = netip.MustParseAddr("10.99.0.1")
	vip1  = netip.MustParsePrefix("10.99.0.100/32")
	vip2  = netip.MustParsePrefix("10.99.0.101/32")
	vip6  = netip.MustParsePrefix("fd00:99::100/128")
	vip6b = netip.MustParsePrefix("fd00:99::101/128")
)

// inPair runs the test in one of two namespaces that a cable joins; its end has
// the address own.
func inPair(t *testing.T, test func(other *netnstest.Namespace)) {
	t.Helper()
	a, b := netnstest.Pair(t, own.String()+"/24", "10.99.0.2/24")
	a.Do(t, func() { test(b) })
}

func find(t *testing.T, want config.Interface) vip.NIC {
	t.Helper()
	nic, err := vip.Find(want)
	netnstest.Must(t, err)
	return nic
}

func newSet(t *testing.T, prefixes ...netip.Prefix) *vip.Set {
	t.Helper()
	s := vip.NewSet(vip.Config{NIC: find(t, config.Interface{Name: netnstest.Device}), Source: own, Addresses: prefixes})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func inspect(t *testing.T, s *vip.Set, i config.Interface) vip.State {
	t.Helper()
	view, err := vip.Look()
	netnstest.Must(t, err)
	state, err := s.Inspect(view, i)
	netnstest.Must(t, err)
	return state
}

func held(t *testing.T, s *vip.Set) bool {
	t.Helper()
	h, err := s.Held()
	netnstest.Must(t, err)
	return h
}

// add adds the VIPs of a set, or renews their lease.
func add(t testing.TB, s *vip.Set, lease time.Duration) {
	t.Helper()
	_, err := s.Add(lease)
	netnstest.Must(t, err)
}

func TestALeaseThatIsNotRenewedRunsOut(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		add(t, s, time.Second)
		if !held(t, s) {
			t.Fatal("the VIPs are not held after Add")
		}
		netnstest.Eventually(t, "the lease runs out", func() bool { return !held(t, s) })
	})
}

func TestRenewalKeepsTheVIPs(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1)
		// Twice the longest life that a lease of 1 s was seen to have (1.2 s).
		for end := time.Now().Add(2400 * time.Millisecond); time.Now().Before(end); {
			add(t, s, time.Second)
			renewed := time.Now()
			netnstest.Eventually(t, "the next renewal is due", func() bool {
				// A test that was held up for longer may well have lost it.
				if !held(t, s) && time.Since(renewed) < 500*time.Millisecond {
					t.Fatal("the VIP went away although its lease was renewed")
				}
				return time.Since(renewed) > 100*time.Millisecond
			})
		}
	})
}

func TestAddressesAreWrittenWithLeaseFlagsAndRoutes(t *testing.T) {
	const (
		noRoute = unix.IFA_F_NOPREFIXROUTE
		ipv6    = unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED // not to be a source
	)
	tests := map[string]struct {
		prefix  string
		seconds int // of a lease of 4.2 s
		flags   int
		route   string // to its subnet
	}{
		"a host address":            {"10.99.0.100/32", 5, noRoute, ""},
		"one of the own subnet":     {"10.99.0.100/24", 5, noRoute | unix.IFA_F_SECONDARY, ""},
		"one with its own subnet":   {"192.168.200.11/24", 5, 0, "192.168.200.0/24"},
		"IPv6, a host address":      {"fd00:99::100/128", 5, noRoute | ipv6, ""},
		"IPv6, link-local":          {"fe80::100/128", 5, noRoute | ipv6, ""},
		"IPv6, with its own subnet": {"fd00:77::100/64", 5, ipv6, "fd00:77::/64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inPair(t, func(*netnstest.Namespace) {
				prefix := netip.MustParsePrefix(tt.prefix)
				link := netnstest.Link(t, netnstest.Device)
				family := unix.AF_INET
				if prefix.Addr().Is6() {
					family = unix.AF_INET6
				}
				before, err := netlink.RouteList(link, family)
				netnstest.Must(t, err)
				s := newSet(t, prefix)
				for _, lease := range []time.Duration{9 * time.Second, 4200 * time.Millisecond} { // the second renews
					add(t, s, lease)
				}
				all, err := netlink.AddrList(link, family)
				netnstest.Must(t, err)
				at := slices.IndexFunc(all, func(a netlink.Addr) bool { return a.IPNet.String() == tt.prefix })
				if at < 0 {
					t.Fatalf("got addresses %v, want %s among them", all, tt.prefix)
				}
				got := all[at]
				preferred := got.ValidLft
				if family == unix.AF_INET6 {
					preferred = 0
				}
				if got.ValidLft < tt.seconds-1 || got.ValidLft > tt.seconds || got.PreferedLft != preferred {
					t.Errorf("got lifetimes %d and %d, want %d s", got.ValidLft, got.PreferedLft, tt.seconds)
				}
				if got.Flags != tt.flags || got.Broadcast != nil && !got.Broadcast.Equal(got.IP) {
					t.Errorf("got flags %#x and broadcast %s, want %#x and none", got.Flags, got.Broadcast, tt.flags)
				}
				if family == unix.AF_INET && got.Label != netnstest.Device {
					t.Errorf("got label %q, want %q", got.Label, netnstest.Device)
				}
				routes, err := netlink.RouteList(link, family)
				netnstest.Must(t, err)
				var news []string
				for _, r := range routes {
					if !slices.ContainsFunc(before, func(b netlink.Route) bool { return b.Equal(r) }) && r.Dst.String() != "fe80::/64" {
						news = append(news, r.Dst.String())
					}
				}
				if strings.Join(news, " ") != tt.route {
					t.Errorf("got new routes %v, want %q", news, tt.route)
				}
			})
		})
	}
}

func TestARenewalCanFailForOneAndBeDoneForTheOthers(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		none := netip.MustParsePrefix("ff05::5/128") // no address of a NIC
		s := newSet(t, vip1, none, vip2)
		_, err := s.Add(5 * time.Second)
		if !errors.Is(err, unix.EADDRNOTAVAIL) || !strings.Contains(err.Error(), none.String()) || strings.Contains(err.Error(), vip1.String()) {
			t.Errorf("got %v, want EADDRNOTAVAIL of %s alone", err, none)
		}
		if !held(t, newSet(t, vip1, vip2)) {
			t.Error("the others were not added")
		}
	})
}

func TestAddActsAtOnceWhenTheVIPIsKnownToBeGone(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1)
		byName := config.Interface{Name: netnstest.Device}
		for name, know := range map[string]func(){
			"by Inspect": func() { inspect(t, s, byName) },
			"by Held":    func() { _, _ = s.Held() },
			"by Remove":  func() { netnstest.Must(t, s.Remove()) },
			"by Rebind":  func() { s.Rebind(find(t, byName)) },
		} {
			// The second Add does nothing but where the VIP is known to be gone; a test
			// that is held up for longer than the pause proves nothing, and passes.
			add(t, s, time.Minute)
			netnstest.DelAddress(t, netnstest.Device, vip1.String())
			know()
			add(t, s, time.Minute)
			if !held(t, newSet(t, vip1)) {
				t.Errorf("%s: the VIP is not put back", name)
			}
		}
	})
}

func TestAddTellsWhetherItHasWrittenTheLease(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1)
		began := time.Now()
		for _, step := range []struct {
			what  string
			lease time.Duration
			want  bool
		}{
			{"the first time", time.Minute, true},
			{"again, within the pause", time.Minute, false},
			{"another lease", 2 * time.Minute, true},
		} {
			written, err := s.Add(step.lease)
			netnstest.Must(t, err)
			// A test that was held up for the pause writes, and proves nothing.
			if written != step.want && (step.want || time.Since(began) < 50*time.Millisecond) {
				t.Errorf("%s: written %t, want %t", step.what, written, step.want)
			}
		}
	})
}

func TestRemoveIsIdempotent(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		netnstest.Must(t, s.Remove())
		add(t, s, 5*time.Second)
		netnstest.DelAddress(t, netnstest.Device, vip1.String())
		netnstest.Must(t, s.Remove())
		if held(t, s) {
			t.Error("the VIPs are held after Remove")
		}
		netnstest.Must(t, s.Remove())
		netnstest.Must(t, netlink.LinkDel(netnstest.Link(t, netnstest.Device)))
		netnstest.Must(t, s.Remove())
		if _, err := s.Add(time.Second); !errors.Is(err, unix.ENODEV) {
			t.Errorf("Add on a NIC that is gone: got %v, want ENODEV", err)
		}
	})
}

func TestAPrefixOfTheSubnetWaitsForTheOwnAddress(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, netip.MustParsePrefix("10.99.0.100/24"))
		netnstest.DelAddress(t, netnstest.Device, own.String()+"/24")
		if _, err := s.Add(time.Second); !errors.Is(err, vip.ErrOwnAddressMissing) {
			t.Fatalf("got %v, want ErrOwnAddressMissing", err)
		}
		if held(t, s) {
			t.Fatal("the VIP was added all the same")
		}
		netnstest.AddAddress(t, netnstest.Device, own.String()+"/24")
		add(t, s, time.Second)
		netnstest.Eventually(t, "the lease runs out", func() bool { return !held(t, s) })
		state := inspect(t, s, config.Interface{Name: netnstest.Device})
		if !state.Usable {
			t.Errorf("after the lease ran out: %+v; want the own address to be there", state)
		}
	})
}

func TestLastRenewalIsWhenAddWasCalled(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		lastRenewal := func() (time.Time, bool) {
			at, ok, err := s.LastRenewal()
			netnstest.Must(t, err)
			return at, ok
		}
		if at, ok := lastRenewal(); ok {
			t.Fatalf("got %s before the first Add", at)
		}
		for range 20 {
			before := time.Now()
			add(t, s, 5*time.Second)
			after := time.Now()
			at, ok := lastRenewal()
			if !ok || at.Before(before.Add(-100*time.Millisecond)) || at.After(after.Add(100*time.Millisecond)) {
				t.Fatalf("got %s (%v), want between %s and %s, 100 ms more or less", at, ok, before, after)
			}
		}
		// An earlier agent's lease is seen by a new set, and ages.
		earlier, _ := lastRenewal()
		another := newSet(t, vip1, vip2)
		netnstest.Eventually(t, "300 ms have passed", func() bool { return time.Since(earlier) > 300*time.Millisecond })
		at, ok, err := another.LastRenewal()
		if d := at.Sub(earlier); err != nil || !ok || d < -20*time.Millisecond || d > 20*time.Millisecond {
			t.Errorf("another set got %s (%v, %v), %s off", at, ok, err, d)
		}
		netnstest.DelAddress(t, netnstest.Device, vip1.String())
		if at, ok := lastRenewal(); ok {
			t.Errorf("got %s with a VIP missing", at)
		}
		netnstest.AddAddress(t, netnstest.Device, vip1.String())
		if at, ok := lastRenewal(); ok {
			t.Errorf("got %s with a VIP that somebody added for ever", at)
		}
	})
}

func TestTheServersOwnAddressIsNeitherAddedNorRemoved(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		before, err := netlink.AddrList(netnstest.Link(t, netnstest.Device), unix.AF_INET)
		netnstest.Must(t, err)
		s := newSet(t, netip.PrefixFrom(own, 24), vip1)
		add(t, s, 5*time.Second)
		if !held(t, s) {
			t.Error("the other VIP is not held after Add")
		}
		netnstest.Must(t, s.Remove())
		state := inspect(t, s, config.Interface{Name: netnstest.Device})
		if !state.Usable || state.Any {
			t.Errorf("after Remove: %+v; want no VIP, and the own address there", state)
		}
		after, err := netlink.AddrList(netnstest.Link(t, netnstest.Device), unix.AF_INET)
		netnstest.Must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("addresses (-before +after):\n%s", diff)
		}
	})
}
