package transport_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/agent/vrrp"
)

func TestAnAdvertArrivesAsItWasSent(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		a, b := open(t, nsA, w.config(w.a, w.b)), open(t, nsB, w.config(w.b, w.a))
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
					From: w.a, Priority: priority, Interval: interval,
					Addresses: w.vips, Checksum: vrrp.ChecksumPseudo,
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
					t.Errorf("advert (-want +got):\n%s", diff)
				}
			}
		}
		// Nothing was dropped, and nothing of its own has come back to the sender.
		for name, c := range map[string]*transport.Conn{"sender": a, "receiver": b} {
			if drops := c.Drops(); len(drops) != 0 {
				t.Errorf("the %s got drops %v, want none", name, drops)
			}
		}
		if got, ok, err := fetch(t, a); ok || err != nil {
			t.Errorf("the sender received %+v, %v", got, err)
		}
	})
}

func TestVersion2HasIntervalsOfItsOwn(t *testing.T) {
	nsA, nsB := cable(t)
	for _, name := range []string{"IPv4 unicast", "IPv4 multicast"} {
		w := ways[name]
		cfgA, cfgB := w.config(w.a, w.b), w.config(w.b, w.a)
		cfgA.Version, cfgB.Version = 2, 2
		a, b := open(t, nsA, cfgA), open(t, nsB, cfgB)
		_, err := a.Send(100, 2*time.Second) // RFC 3768 section 7.1: to be dropped
		netnstest.Must(t, err)
		send(t, a, 101)
		got := receive(t, b)
		if got.Priority != 101 || got.Interval != time.Second || got.Checksum != vrrp.ChecksumMessage {
			t.Errorf("%s: got %+v, want priority 101 each second", name, got)
		}
		if drops := b.Drops(); drops["interval"] != 1 {
			t.Errorf("%s: got drops %v, want one by interval", name, drops)
		}
	}
}

func TestTheChecksumFormIsTheConfiguredOne(t *testing.T) {
	nsA, nsB := cable(t)
	w := ways["IPv4 unicast"]
	b := open(t, nsB, w.config(w.b, w.a))
	for _, form := range []vrrp.ChecksumForm{vrrp.ChecksumMessage, vrrp.ChecksumPseudo} {
		cfg := w.config(w.a, w.b)
		cfg.Checksum = form
		send(t, open(t, nsA, cfg), 250)
		if got := receive(t, b); got.Checksum != form {
			t.Errorf("got a checksum of form %q, want %q", got.Checksum, form)
		}
	}
}

func TestAtIsWhenTheKernelReceivedAndNotWhenItWasRead(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		a, b := open(t, nsA, w.config(w.a, w.b)), open(t, nsB, w.config(w.b, w.a))
		if _, got, err := fetch(t, b); got || err != nil {
			t.Fatalf("an empty socket gave %v, %v", got, err)
		}
		// The kernel begins to stamp packets a little after the first socket asks for
		// it; until then the stamp is of the reading.
		netnstest.Eventually(t, "an advert's time is that of its arrival", func() bool {
			sent := send(t, a, 250)
			left := time.Now()
			netnstest.Eventually(t, "the advert has waited", func() bool { return time.Since(left) > 300*time.Millisecond })
			var advert transport.Advert // the last: the kernel may ask for its neighbour first
			for got := true; got; {
				var next transport.Advert
				var err error
				next, got, err = fetch(t, b)
				netnstest.Must(t, err)
				if got {
					advert = next
				}
			}
			// A veth hands over within the send; the rest is for a test that is held up.
			return !advert.At.Before(sent.Add(-150*time.Millisecond)) && !advert.At.After(left.Add(150*time.Millisecond))
		})
	})
}

func TestArrivalIsTold(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		told := make(chan struct{}, 10)
		cfg := w.config(w.b, w.a)
		cfg.Arrived = func() { told <- struct{}{} }
		a, b := open(t, nsA, w.config(w.a, w.b)), open(t, nsB, cfg)
		for range 3 {
			send(t, a, 250)
			select {
			case <-told:
			case <-time.After(30 * time.Second):
				t.Fatal("not told")
			}
			if _, got, err := b.Take(); !got || err != nil {
				t.Errorf("told, and got %v, %v", got, err)
			}
		}
	})
}

func TestSetPeersAndSetAddressesTakeEffectOnAnOpenConn(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		a, b := open(t, nsA, w.config(w.a, w.b)), open(t, nsB, w.config(w.b, w.stranger))
		send(t, a, 250)
		netnstest.Eventually(t, "the advert of a stranger is counted", func() bool { return b.Drops()["peer"] == 1 })
		b.SetPeers([]netip.Addr{w.stranger, w.a})
		a.SetAddresses(w.vips[:1])
		send(t, a, 249)
		got := receive(t, b)
		if got.Priority != 249 || len(got.Addresses) != 1 || got.Addresses[0] != w.vips[0] {
			t.Errorf("got %+v, want priority 249 and the address %s", got, w.vips[0])
		}
		if w.multicast {
			b.SetPeers(nil)
			send(t, a, 248)
			if got := receive(t, b); got.Priority != 248 {
				t.Errorf("without peers: got %+v, want priority 248", got)
			}
			return
		}
		a.SetPeers(nil)
		if at := send(t, a, 248); at.IsZero() {
			t.Error("sending to nobody: got no time")
		}
		a.SetPeers([]netip.Addr{w.b})
		send(t, a, 247)
		if got := receive(t, b); got.Priority != 247 {
			t.Errorf("got %+v, want priority 247 as the next", got)
		}
	})
}

func TestSendSaysWhomItDidNotReach(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, _ *netnstest.Namespace) {
		a := open(t, nsA, w.config(w.a, w.b))
		cidr := w.a.String() + "/64"
		if w.a.Is4() {
			cidr = w.a.String() + "/24"
			if !w.multicast {
				a.SetPeers(addrs("10.99.0.2", "255.255.255.255")) // not permitted
				if at, err := a.Send(250, time.Second); err == nil || at.IsZero() {
					t.Errorf("one peer of two: got %s, %v; want a time and an error", at, err)
				}
				a.SetPeers([]netip.Addr{w.b})
			}
		}
		nsA.Do(t, func() { netnstest.DelAddress(t, netnstest.Device, cidr) })
		if at, err := a.Send(250, time.Second); err == nil || !at.IsZero() {
			t.Errorf("without the source address: got %s, %v; want no time and an error", at, err)
		}
		nsA.Do(t, func() { netnstest.AddAddress(t, netnstest.Device, cidr) })
		send(t, a, 250)
		if _, err := a.Send(250, time.Microsecond); err == nil {
			t.Error("an interval that the packet cannot hold was sent")
		}
	})
}

// What is for a peer that does not answer the kernel's question for its MAC waits, and
// takes room from what is for the others.
func TestPeersThatAreDeadKeepNothingFromTheLiving(t *testing.T) {
	dead := map[bool][]netip.Addr{
		true:  addrs("10.99.0.50", "10.99.0.51", "10.99.0.52", "10.99.0.53", "10.99.0.54"),
		false: addrs("fd00:99::50", "fd00:99::51", "fd00:99::52", "fd00:99::53", "fd00:99::54"),
	}
	for _, name := range []string{"IPv4 unicast", "IPv6 unicast"} {
		t.Run(name, func(t *testing.T) {
			w := ways[name]
			nsA, nsB := cable(t)
			a, b := open(t, nsA, w.config(w.a, w.b)), open(t, nsB, w.config(w.b, w.a))
			a.SetPeers(append(dead[w.a.Is4()], w.b)) // on an open Conn, as a reload does
			for n := range 1000 {                    // more than the kernel keeps for any of them
				if _, err := a.Send(250, time.Second); err != nil {
					t.Fatalf("after %d adverts: %v", n, err)
				}
			}
			receive(t, b)
		})
	}
}

// The goroutines that read end with the last Conn.
func TestAClosedConnIsClosed(t *testing.T) {
	defer goleak.VerifyNone(t)
	nsA, _ := cable(t)
	w := ways["IPv4 unicast"]
	a := open(t, nsA, w.config(w.a, w.b))
	netnstest.Must(t, a.Close())
	netnstest.Must(t, a.Close())
	if _, _, err := a.Take(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Take: got %v, want net.ErrClosed", err)
	}
	if err := a.Fetch(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Fetch: got %v, want net.ErrClosed", err)
	}
	if _, err := a.Send(250, time.Second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send: got %v, want net.ErrClosed", err)
	}
	a.SetPeers([]netip.Addr{w.b})
	a.Drops()
}

func TestOpenRefusesWhatItCannotServe(t *testing.T) {
	netnstest.New(t).Do(t, func() {
		four, six := ways["IPv4 unicast"], ways["IPv6 multicast"]
		change := func(w way, f func(*transport.Config)) transport.Config {
			cfg := w.config(w.a, w.b)
			cfg.Interface = "lo"
			f(&cfg)
			return cfg
		}
		c, err := transport.Open(change(four, func(*transport.Config) {}))
		netnstest.Must(t, err)
		netnstest.Must(t, c.Close())
		for name, cfg := range map[string]transport.Config{
			"a device that is not there":   change(four, func(c *transport.Config) { c.Interface = "eth7" }),
			"no source":                    change(four, func(c *transport.Config) { c.Source = netip.Addr{} }),
			"unicast to nobody":            change(four, func(c *transport.Config) { c.Peers = nil }),
			"a vrid of 256":                change(four, func(c *transport.Config) { c.VRID = 256 }),
			"version 2 over IPv6":          change(six, func(c *transport.Config) { c.Version = 2 }),
			"multicast of a global source": change(six, func(c *transport.Config) { c.Source = netip.MustParseAddr("fd00::1") }),
			"multicast of a global VIP":    change(six, func(c *transport.Config) { c.Addresses = addrs("fd00::2") }),
		} {
			if c, err := transport.Open(cfg); err == nil {
				_ = c.Close()
				t.Errorf("%s: no error", name)
			}
		}
	})
}

func TestOneCapabilityIsEnough(t *testing.T) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			netnstest.New(t).Do(t, func() {
				cfg := w.config(w.a, w.b)
				cfg.Interface = "lo"
				netnstest.WithOnly(t, 1<<unix.CAP_NET_RAW, func() {
					c, err := transport.Open(cfg)
					netnstest.Must(t, err)
					netnstest.Must(t, c.Close())
				})
				netnstest.WithOnly(t, 0, func() {
					if _, err := transport.Open(cfg); err == nil {
						t.Error("opened without CAP_NET_RAW: the test has not given it up")
					}
				})
			})
		})
	}
}
