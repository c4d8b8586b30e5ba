package vip_test

import (
	"errors"
	"net/netip"
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

func held(t *testing.T, s *vip.Set) bool {
	t.Helper()
	h, err := s.Held()
	netnstest.Must(t, err)
	return h
}

func TestALeaseThatIsNotRenewedRunsOut(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		netnstest.Must(t, s.Add(time.Second))
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
			netnstest.Must(t, s.Add(time.Second))
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

func TestAddWritesAHostAddressWithoutRoute(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1)
		for range 2 { // the second time renews
			netnstest.Must(t, s.Add(5*time.Second))
		}
		all, err := netlink.AddrList(netnstest.Link(t, netnstest.Device), unix.AF_INET)
		netnstest.Must(t, err)
		if len(all) != 2 {
			t.Fatalf("got addresses %v, want the own one and the VIP", all)
		}
		got := all[1]
		if got.ValidLft < 4 || got.ValidLft > 5 || got.PreferedLft != got.ValidLft {
			t.Errorf("got lifetimes %d and %d, want 5 s", got.ValidLft, got.PreferedLft)
		}
		got.ValidLft, got.PreferedLft, got.LinkIndex = 0, 0, 0
		want := netlink.Addr{
			IPNet: netlink.NewIPNet(vip1.Addr().AsSlice()),
			Label: netnstest.Device,
			Flags: unix.IFA_F_NOPREFIXROUTE,
			Scope: unix.RT_SCOPE_UNIVERSE,
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" || got.Flags != want.Flags {
			t.Errorf("address (-want +got), flags %#x:\n%s", got.Flags, diff)
		}
	})
}

func TestRemoveIsIdempotent(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		netnstest.Must(t, s.Remove())
		netnstest.Must(t, s.Add(5*time.Second))
		netnstest.DelAddress(t, netnstest.Device, vip1.String())
		netnstest.Must(t, s.Remove())
		if held(t, s) {
			t.Error("the VIPs are held after Remove")
		}
		netnstest.Must(t, s.Remove())
		netnstest.Must(t, netlink.LinkDel(netnstest.Link(t, netnstest.Device)))
		netnstest.Must(t, s.Remove())
		if err := s.Add(time.Second); !errors.Is(err, unix.ENODEV) {
			t.Errorf("Add on a NIC that is gone: got %v, want ENODEV", err)
		}
	})
}

func TestAPrefixOfTheSubnetWaitsForTheOwnAddress(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, netip.MustParsePrefix("10.99.0.100/24"))
		netnstest.DelAddress(t, netnstest.Device, own.String()+"/24")
		if err := s.Add(time.Second); !errors.Is(err, vip.ErrOwnAddressMissing) {
			t.Fatalf("got %v, want ErrOwnAddressMissing", err)
		}
		if held(t, s) {
			t.Fatal("the VIP was added all the same")
		}
		netnstest.AddAddress(t, netnstest.Device, own.String()+"/24")
		netnstest.Must(t, s.Add(time.Second))
		netnstest.Eventually(t, "the lease runs out", func() bool { return !held(t, s) })
		state, err := s.Inspect(config.Interface{Name: netnstest.Device})
		if err != nil || !state.Usable {
			t.Errorf("after the lease ran out: %+v, %v; want the own address to be there", state, err)
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
			netnstest.Must(t, s.Add(5*time.Second))
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
		netnstest.Must(t, s.Add(5*time.Second))
		if !held(t, s) {
			t.Error("the other VIP is not held after Add")
		}
		netnstest.Must(t, s.Remove())
		state, err := s.Inspect(config.Interface{Name: netnstest.Device})
		if err != nil || !state.Usable || state.Any {
			t.Errorf("after Remove: %+v, %v; want no VIP, and the own address there", state, err)
		}
		after, err := netlink.AddrList(netnstest.Link(t, netnstest.Device), unix.AF_INET)
		netnstest.Must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("addresses (-before +after):\n%s", diff)
		}
	})
}
