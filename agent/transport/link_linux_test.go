package transport_test

import (
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip/netnstest"
)

func TestRoutersOnOneNICHearTheirOwnAdvertsOnly(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		var dialA, dialB transport.Dialer
		var a, b [2]*transport.Conn
		for i := range 2 {
			cfgA, cfgB := w.config(w.a, w.b), w.config(w.b, w.a)
			cfgA.VRID, cfgB.VRID = 10+i, 10+i
			a[i], b[i] = openWith(t, nsA, &dialA, cfgA), openWith(t, nsB, &dialB, cfgB)
		}
		for i := range 2 {
			send(t, a[i], 100+i)
		}
		for i := range 2 {
			if got := receive(t, b[i]); got.Priority != 100+i {
				t.Errorf("router %d got %+v, want priority %d", i, got, 100+i)
			}
		}
		netnstest.Must(t, b[0].Close())
		send(t, a[0], 102)
		send(t, a[1], 103)
		if got := receive(t, b[1]); got.Priority != 103 {
			t.Errorf("after the other's end: got %+v, want priority 103", got)
		}
		if diff := cmp.Diff(map[string]uint64{"vrid": 1}, b[1].Drops()); diff != "" {
			t.Errorf("drops (-want +got):\n%s", diff)
		}
		// One that comes later does not count what was before.
		cfg := w.config(w.b, w.a)
		if drops := openWith(t, nsB, &dialB, cfg).Drops(); len(drops) != 0 {
			t.Errorf("a new router has drops %v", drops)
		}
	})
}

func TestOneThatDoesNotReadKeepsTheLatestAndHoldsNobodyUp(t *testing.T) {
	nsA, nsB := cable(t)
	w := ways["IPv4 multicast"]
	var dial transport.Dialer
	cfgA, cfgB := w.config(w.a), w.config(w.b)
	a := openWith(t, nsA, &dial, cfgA)
	cfgA.VRID, cfgB.VRID = 9, 9
	other := openWith(t, nsA, &dial, cfgA)
	var dialB transport.Dialer
	var told atomic.Int32
	cfgSlow := w.config(w.b)
	cfgSlow.Arrived = func() { told.Add(1) }
	slow, fast := openWith(t, nsB, &dialB, cfgSlow), openWith(t, nsB, &dialB, cfgB)
	for priority := range 40 {
		send(t, a, 100+priority)
	}
	send(t, other, 1)
	if got := receive(t, fast); got.Priority != 1 {
		t.Errorf("the other router got %+v, want priority 1", got)
	}
	if diff := cmp.Diff(map[string]uint64{"overflow": 24}, slow.Drops()); diff != "" {
		t.Errorf("drops (-want +got):\n%s", diff)
	}
	if got := told.Load(); got != 1 {
		t.Errorf("told %d times of what it did not take, want once", got)
	}
	for priority := 124; priority < 140; priority++ {
		if got := receive(t, slow); got.Priority != priority {
			t.Errorf("got priority %d, want %d", got.Priority, priority)
		}
	}
}

func TestTheGroupIsJoinedWhileARouterIsInMulticast(t *testing.T) {
	// The group's address as the kernel's tables show it.
	tables := map[string]struct{ file, group string }{
		"IPv4 multicast": {"/proc/thread-self/net/igmp", "120000E0"},
		"IPv6 multicast": {"/proc/thread-self/net/igmp6", "ff020000000000000000000000000012"},
	}
	for name, table := range tables {
		t.Run(name, func(t *testing.T) {
			w := ways[name]
			nsA, _ := cable(t)
			joined := func() (is bool) {
				nsA.Do(t, func() {
					text, err := os.ReadFile(table.file)
					netnstest.Must(t, err)
					is = strings.Contains(string(text), table.group)
				})
				return is
			}
			var dial transport.Dialer
			first, second, unicast := w.config(w.a), w.config(w.a), w.config(w.a, w.b)
			second.VRID, unicast.VRID, unicast.Multicast = 52, 53, false
			conns := map[string]*transport.Conn{"unicast": openWith(t, nsA, &dial, unicast)}
			if joined() {
				t.Error("joined by a router in unicast")
			}
			conns["first"], conns["second"] = openWith(t, nsA, &dial, first), openWith(t, nsA, &dial, second)
			if !joined() {
				t.Error("not joined by a router in multicast")
			}
			netnstest.Must(t, conns["first"].Close())
			if !joined() {
				t.Error("left although another router is there")
			}
			netnstest.Must(t, conns["second"].Close())
			if joined() {
				t.Error("not left by the last router in multicast")
			}
		})
	}
}

// A NIC that was in another namespace is the same again, but for what was bound to it.
func TestOnlyAConnThatIsOpenedAnewHearsOnANICThatWasAway(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		a := open(t, nsA, w.config(w.a, w.b))
		var dial transport.Dialer
		before := openWith(t, nsB, &dial, w.config(w.b, w.a))
		send(t, a, 1)
		receive(t, before)
		if before.Unplugged() {
			t.Error("the NIC has not gone, and is said to have")
		}

		elsewhere := netnstest.New(t)
		for _, move := range [][2]*netnstest.Namespace{{nsB, elsewhere}, {elsewhere, nsB}} {
			move[0].Do(t, func() {
				netnstest.Must(t, netlink.LinkSetNsFd(netnstest.Link(t, netnstest.Device), move[1].FD()))
			})
			if !before.Unplugged() {
				t.Error("the NIC has gone, and is not said to have")
			}
		}
		nsB.Do(t, func() {
			netnstest.SetUp(t, netnstest.Device, true)
			for _, address := range []string{"10.99.0.2/24", "fd00:99::2/64", "fe80::2/64"} {
				netnstest.AddAddress(t, netnstest.Device, address)
			}
		})
		for _, ns := range []*netnstest.Namespace{nsA, nsB} {
			ns.Do(t, func() {
				netnstest.Eventually(t, "the cable has carrier", func() bool {
					return netnstest.Link(t, netnstest.Device).Attrs().OperState == netlink.OperUp
				})
			})
		}

		after := openWith(t, nsB, &dial, w.config(w.b, w.a)) // beside the one of before
		netnstest.Must(t, before.Close())
		send(t, a, 2)
		if got := receive(t, after); got.Priority != 2 || after.Unplugged() {
			t.Errorf("got %+v, unplugged %v", got, after.Unplugged())
		}
	})
}

// sum adds up the drops.
func sum(drops map[string]uint64) (n uint64) {
	for count := range maps.Values(drops) {
		n += count
	}
	return n
}
