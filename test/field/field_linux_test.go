package field

import (
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

var vip = netip.MustParsePrefix("10.99.0.100/32")

// router is one of unicast between two nodes.
func router(of, peer *Node) config.Router {
	return config.Router{
		VRID: 51, Version: 3, Priority: 250, Interval: api.Duration(100 * time.Millisecond),
		Source: of.Addr(IPv4), Peers: []netip.Addr{peer.Addr(IPv4)}, Addresses: []netip.Prefix{vip},
	}
}

func TestAgentsMeet(t *testing.T) {
	t.Parallel()
	f := New(t)
	a, b := f.Join("10.99.0.1/24"), f.Join("10.99.0.2/24")
	wire := a.Capture()
	one := a.Agent(config.Config{Routers: []config.Router{router(a, b)}})
	one.Becomes(api.Active)
	two := b.Agent(config.Config{Routers: []config.Router{router(b, a)}})
	two.Becomes(api.Backup)
	if f.Owner(vip.Addr()) != a {
		t.Error("the active has not the address")
	}
	wire.Sees("an advertisement", Frame.Advert)
	wire.Sees("an announcement", func(f Frame) bool { return f.Announces(vip.Addr()) })

	two.Switchover()
	one.Becomes(api.Backup)
	b.PowerOff()
	one.Becomes(api.Active)
	if n := one.Transitions(); n != 4 { // backup, active, backup, active
		t.Errorf("%d transitions, want 4", n)
	}
	if code := one.Stop(); code != 0 {
		t.Errorf("exit code of a stop: %d", code)
	}
	if owners := f.Owners(vip.Addr()); len(owners) != 0 {
		t.Errorf("%s has the address of an agent that stopped", owners[0].Name)
	}
}

func TestKeepalivedMeetsKeepalived(t *testing.T) {
	t.Parallel()
	f := New(t)
	a, b := f.Join("10.99.0.1/24"), f.Join("10.99.0.2/24")
	conf := VRRP{Version: 3, VRID: 7, Priority: 100, Interval: 100 * time.Millisecond, Addresses: []netip.Prefix{vip}}
	wire := a.Capture()
	one := a.Keepalived(conf)
	if f.Owner(vip.Addr()) != a {
		t.Fatal("it is on the wrong node")
	}
	group := netip.MustParseAddr("224.0.0.18")
	wire.Sees("the membership", func(f Frame) bool { return f.Joins(group) })
	wire.Sees("an advertisement", func(f Frame) bool { return f.Advert() && f.To == group && f.TTL == 255 })
	wire.Sees("an announcement", func(f Frame) bool { return f.Announces(vip.Addr()) })
	two := b.Keepalived(conf)
	one.Kill()
	Eventually(t, "the other takes over", func() bool { return b.Has(vip.Addr()) })
	if !a.Has(vip.Addr()) {
		t.Error("keepalived that was killed could take its address away")
	}
	two.Stop()
	Eventually(t, "keepalived that stops takes its address away", func() bool { return !b.Has(vip.Addr()) })
	wire.Sees("the end of the membership, or a second advertisement", Frame.Advert)
}

func TestWhatIsBlockedOrCutDoesNotArrive(t *testing.T) {
	t.Parallel()
	f := New(t)
	a, b := f.Join("10.99.0.1/24", "fd00:99::1/64"), f.Join("10.99.0.2/24", "fd00:99::2/64")
	reach := func() bool {
		_, err := a.Try("ping", "-c1", "-W1", "10.99.0.2")
		return err == nil
	}
	Eventually(t, "they reach each other", reach)
	f.Block(a, b)
	conf := VRRP{
		Version: 3, VRID: 7, Priority: 100, Interval: 100 * time.Millisecond,
		Addresses: []netip.Prefix{netip.MustParsePrefix("fe80::100/64"), netip.MustParsePrefix("fd00:99::100/128")},
	}
	shared := conf.Addresses[1].Addr()
	a.Keepalived(conf)
	Eventually(t, "it takes the address", func() bool { return a.Has(shared) })
	conf.Priority = 90
	b.Keepalived(conf)
	Eventually(t, "the other does not hear it", func() bool { return b.Has(shared) })
	if !reach() {
		t.Error("more than VRRP is blocked")
	}
	f.Unblock(a, b)
	Eventually(t, "the other hears it", func() bool { return !b.Has(shared) })

	a.Cut()
	if reach() {
		t.Error("a cable that is cut carries")
	}
	if !isUp(t, a.Space, Device) {
		t.Error("the node sees that its cable is cut")
	}
	a.Mend()
	Eventually(t, "a mended cable carries", reach)
	a.Unplug()
	Eventually(t, "the node sees that its cable was pulled", func() bool { return !isUp(t, a.Space, Device) })
	a.Plug()
	Eventually(t, "the cable that was put back carries", reach)
}

// Another server with the address of one that is gone is found at once.
func TestANewNodeTellsItsNeighboursWhereItIs(t *testing.T) {
	t.Parallel()
	f := New(t)
	a, b := f.Join("10.99.0.1/24", "fd00:99::1/64"), f.Join("10.99.0.2/24", "fd00:99::2/64")
	a.Run("ping", "-c1", "10.99.0.2")
	a.Run("ping", "-c1", "fd00:99::2")
	b.PowerOff()
	c := f.Join("10.99.0.2/24", "fd00:99::2/64")
	for _, address := range c.Addresses {
		Eventually(t, "the neighbour knows of the new node", func() bool {
			list, err := a.Space.Links().NeighList(0, netlink.FAMILY_ALL)
			must(t, err)
			return slices.ContainsFunc(list, func(n netlink.Neigh) bool {
				return n.IP.Equal(address.Addr().AsSlice()) && slices.Equal(n.HardwareAddr, c.MAC)
			})
		})
	}
}

func TestAKilledFamilySaysNothing(t *testing.T) {
	t.Parallel()
	f := New(t)
	n := f.Join()
	p := n.Start(syscall.SysProcAttr{}, "sh", "-c", `trap "echo goodbye" TERM; sleep 1000 & sleep 1000; echo orphaned`)
	Eventually(t, "it has two children", func() bool { return len(p.Family()) == 3 })
	family := p.Family()
	p.Kill()
	if out := p.Output(); out != "" {
		t.Errorf("a killed program said %q", out)
	}
	for _, pid := range family {
		Eventually(t, "each is dead", func() bool { return syscall.Kill(pid, 0) != nil })
	}
}

func TestFRRTakesItsAddressesByItsDevices(t *testing.T) {
	t.Parallel()
	f := New(t)
	n := f.Join("10.99.0.1/24", "fd00:99::1/64")
	frr := n.FRR(VRRP{
		Version: 3, VRID: 5, Priority: 120, Interval: 100 * time.Millisecond,
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.99.0.100/24"), netip.MustParsePrefix("fd00:99::100/64")},
	})
	frr.Becomes(IPv4, "Master")
	frr.Becomes(IPv6, "Master")
}
