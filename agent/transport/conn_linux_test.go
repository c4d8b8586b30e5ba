package transport_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/agent/vrrp"
)

var (
	addrA    = netip.MustParseAddr("10.99.0.1")
	addrB    = netip.MustParseAddr("10.99.0.2")
	stranger = netip.MustParseAddr("10.99.0.66")
	vips     = []netip.Addr{netip.MustParseAddr("10.99.0.100"), netip.MustParseAddr("10.99.0.101")}
)

const vrid = 51

// open opens one end of the wire between addrA and addrB.
func open(t *testing.T, in *netnstest.Namespace, source, peer netip.Addr) *transport.Conn {
	t.Helper()
	var c *transport.Conn
	in.Do(t, func() {
		var err error
		c, err = transport.Open(transport.Config{
			Interface: netnstest.Device,
			Source:    source,
			Peers:     []netip.Addr{peer},
			VRID:      vrid,
			Version:   3,
			Addresses: vips,
		})
		netnstest.Must(t, err)
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func pair(t *testing.T) (a, b *netnstest.Namespace) {
	t.Helper()
	return netnstest.Pair(t, addrA.String()+"/24", addrB.String()+"/24")
}

// receive fails the test when no advert comes.
func receive(t *testing.T, c *transport.Conn) transport.Advert {
	t.Helper()
	limit := time.AfterFunc(30*time.Second, func() { _ = c.Close() })
	defer limit.Stop()
	advert, err := c.Receive()
	netnstest.Must(t, err)
	return advert
}

func TestAnAdvertArrivesAsItWasSent(t *testing.T) {
	nsA, nsB := pair(t)
	a, b := open(t, nsA, addrA, addrB), open(t, nsB, addrB, addrA)
	for _, interval := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond, 40950 * time.Millisecond} {
		for _, priority := range []int{vrrp.PriorityLeave, 250, vrrp.PriorityOwner} {
			sent, err := a.Send(priority, interval)
			netnstest.Must(t, err)
			got := receive(t, b)
			if age := time.Since(got.At); got.At.Before(sent.Add(-50*time.Millisecond)) || age < 0 {
				t.Errorf("sent at %s, received at %s, %s ago", sent, got.At, age)
			}
			got.At = time.Time{}
			want := transport.Advert{
				From: addrA, Priority: priority, Interval: interval,
				Addresses: vips, Checksum: vrrp.ChecksumPseudo,
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" {
				t.Errorf("advert (-want +got):\n%s", diff)
			}
		}
	}
	if drops := b.Drops(); len(drops) != 0 {
		t.Errorf("got drops %v, want none", drops)
	}
}

func TestAtIsWhenTheKernelReceivedAndNotWhenItWasRead(t *testing.T) {
	nsA, nsB := pair(t)
	a, b := open(t, nsA, addrA, addrB), open(t, nsB, addrB, addrA)
	if _, got, err := b.TryReceive(); got || err != nil {
		t.Fatalf("an empty socket gave %v, %v", got, err)
	}
	// The kernel begins to stamp packets a little after the first socket asks for
	// it; until then the stamp is of the reading.
	netnstest.Eventually(t, "an advert's time is that of its arrival", func() bool {
		sent, err := a.Send(250, time.Second)
		netnstest.Must(t, err)
		left := time.Now()
		netnstest.Eventually(t, "the advert has waited", func() bool { return time.Since(left) > 300*time.Millisecond })
		advert, got, err := b.TryReceive()
		if err != nil || !got {
			t.Fatalf("got %v, %v; want the advert that waits", got, err)
		}
		// A veth hands over within the send; the rest is for a test that is held up.
		return !advert.At.Before(sent.Add(-150*time.Millisecond)) && !advert.At.After(left.Add(150*time.Millisecond))
	})
}

func TestSetPeersAndSetAddressesTakeEffectOnAnOpenConn(t *testing.T) {
	nsA, nsB := pair(t)
	a, b := open(t, nsA, addrA, addrB), open(t, nsB, addrB, stranger)
	_, err := a.Send(250, time.Second)
	netnstest.Must(t, err)
	netnstest.Eventually(t, "the advert of a stranger is counted", func() bool { return b.Drops()["peer"] == 1 })
	b.SetPeers([]netip.Addr{stranger, addrA})
	a.SetAddresses(vips[:1])
	_, err = a.Send(249, time.Second)
	netnstest.Must(t, err)
	got := receive(t, b)
	if got.Priority != 249 || len(got.Addresses) != 1 || got.Addresses[0] != vips[0] {
		t.Errorf("got %+v, want priority 249 and the address %s", got, vips[0])
	}
	a.SetPeers(nil)
	if at, err := a.Send(248, time.Second); err != nil || at.IsZero() {
		t.Errorf("sending to nobody: got %s, %v", at, err)
	}
	a.SetPeers([]netip.Addr{addrB})
	_, err = a.Send(247, time.Second)
	netnstest.Must(t, err)
	if got := receive(t, b); got.Priority != 247 {
		t.Errorf("got %+v, want priority 247 as the next", got)
	}
}

func TestSendSaysWhomItDidNotReach(t *testing.T) {
	nsA, _ := pair(t)
	a := open(t, nsA, addrA, addrB)
	a.SetPeers([]netip.Addr{addrB, netip.MustParseAddr("255.255.255.255")}) // not permitted
	if at, err := a.Send(250, time.Second); err == nil || at.IsZero() {
		t.Errorf("one peer of two: got %s, %v; want a time and an error", at, err)
	}
	nsA.Do(t, func() { netnstest.DelAddress(t, netnstest.Device, addrA.String()+"/24") })
	if at, err := a.Send(250, time.Second); err == nil || !at.IsZero() {
		t.Errorf("without the source address: got %s, %v; want no time and an error", at, err)
	}
	nsA.Do(t, func() { netnstest.AddAddress(t, netnstest.Device, addrA.String()+"/24") })
	a.SetPeers([]netip.Addr{addrB})
	if _, err := a.Send(250, time.Second); err != nil {
		t.Errorf("with the source address again: %v", err)
	}
	if _, err := a.Send(250, time.Microsecond); err == nil {
		t.Error("an interval that the packet cannot hold was sent")
	}
}

func TestCloseEndsAReceiveThatWaits(t *testing.T) {
	defer goleak.VerifyNone(t)
	nsA, _ := pair(t)
	a := open(t, nsA, addrA, addrB)
	got := make(chan error)
	waiting := make(chan struct{})
	go func() {
		close(waiting)
		_, err := a.Receive()
		got <- err
	}()
	<-waiting
	netnstest.Must(t, a.Close())
	select {
	case err := <-got:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want net.ErrClosed", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Receive still waits")
	}
	netnstest.Must(t, a.Close())
	if _, err := a.Receive(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Receive: got %v, want net.ErrClosed", err)
	}
	if _, _, err := a.TryReceive(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("TryReceive: got %v, want net.ErrClosed", err)
	}
	if _, err := a.Send(250, time.Second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send: got %v, want net.ErrClosed", err)
	}
	a.SetPeers([]netip.Addr{addrB})
	a.Drops()
}

func TestOpenRefusesWhatItCannotServe(t *testing.T) {
	netnstest.New(t).Do(t, func() {
		good := transport.Config{
			Interface: "lo", Source: addrA, Peers: []netip.Addr{addrB},
			VRID: vrid, Version: 3, Addresses: vips,
		}
		c, err := transport.Open(good)
		netnstest.Must(t, err)
		netnstest.Must(t, c.Close())

		noDevice, multicast, ipv6, nothing := good, good, good, good
		noDevice.Interface = "eth7"
		multicast.Peers = nil
		ipv6.Source = netip.MustParseAddr("2001:db8::1")
		nothing.Source = netip.Addr{}
		for name, cfg := range map[string]transport.Config{
			"a device that is not there": noDevice, "multicast": multicast, "IPv6": ipv6, "no source": nothing,
		} {
			if c, err := transport.Open(cfg); err == nil {
				_ = c.Close()
				t.Errorf("%s: no error", name)
			}
		}
	})
}
