package fabric

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/openstack/openstacktest"
)

// Each check of something that is blocked sends it, and after it something
// that passes: when that has come, the other one is not on its way.
const rounds = 3

func TestTheVIPAsASource(t *testing.T) {
	b := newBench(t, Options{})
	b.own(portA, true)
	listener := b.listen(b.servers[portB], "udp4", "10.0.0.12:9")
	asVIP := b.listen(b.servers[portA], "udp4", vip.String()+":0")
	asSelf := b.listen(b.servers[portA], "udp4", "10.0.0.11:0")
	for range rounds {
		b.send(asVIP, udpAt("10.0.0.12:9"), "VIP")
		b.send(asSelf, udpAt("10.0.0.12:9"), "own")
		if got := b.read(listener); got != "own" {
			t.Fatalf("%s passed without a pair", got)
		}
	}
	start := time.Now()
	b.pair(portA, true)
	b.send(asVIP, udpAt("10.0.0.12:9"), "VIP")
	if got := b.read(listener); got != "VIP" {
		t.Fatalf("got %q", got)
	}
	t.Logf("open %v after the pair", time.Since(start))
	b.pair(portA, false)
	for range rounds {
		b.send(asVIP, udpAt("10.0.0.12:9"), "VIP")
		b.send(asSelf, udpAt("10.0.0.12:9"), "own")
		if got := b.read(listener); got != "own" {
			t.Fatalf("%s passed after the pair was taken away", got)
		}
	}
}

func TestTheVIPAsTheSenderOfARP(t *testing.T) {
	b := newBench(t, Options{})
	heard := b.hearARP(portB)
	own := netip.MustParseAddr("10.0.0.11")
	for range rounds {
		b.sendARP(portA, vip)
		b.sendARP(portA, own)
		if got := b.readSender(heard); got != own {
			t.Fatalf("an announcement of %s passed without a pair", got)
		}
	}
	start := time.Now()
	b.pair(portA, true)
	b.sendARP(portA, vip)
	if got := b.readSender(heard); got != vip {
		t.Fatalf("heard %s", got)
	}
	t.Logf("open %v after the pair", time.Since(start))
}

func TestTheVIPAsADestination(t *testing.T) {
	b := newBench(t, Options{})
	b.own(portA, true)
	b.neighbor(portB, "fa:16:3e:00:00:0a") // B sends it to A, announced or not
	listener := b.listen(b.servers[portA], "udp4", ":9")
	sender := b.listen(b.servers[portB], "udp4", "10.0.0.12:0")
	for range rounds {
		b.send(sender, udpAt(vip.String()+":9"), "VIP")
		b.send(sender, udpAt("10.0.0.11:9"), "own")
		if got := b.read(listener); got != "own" {
			t.Fatalf("%s passed without a pair", got)
		}
	}
	start := time.Now()
	b.pair(portA, true)
	b.send(sender, udpAt(vip.String()+":9"), "VIP")
	if got := b.read(listener); got != "VIP" {
		t.Fatalf("got %q", got)
	}
	t.Logf("open %v after the pair", time.Since(start))
}

func TestProtocol112(t *testing.T) {
	vrrp := func(ingress bool) openstacktest.Rule {
		return openstacktest.Rule{Ingress: ingress, Protocol: 112, PortMin: -1, PortMax: -1, RemoteGroupID: "vrrp"}
	}
	tests := []struct {
		name    string
		members []string
		rules   []openstacktest.Rule
		passes  bool
	}{
		{"without a group", nil, nil, false},
		{"with both rules, both in the group", []string{portA, portB}, []openstacktest.Rule{vrrp(true), vrrp(false)}, true},
		{"only egress", []string{portA, portB}, []openstacktest.Rule{vrrp(false)}, false},
		{"only ingress", []string{portA, portB}, []openstacktest.Rule{vrrp(true)}, false},
		{"only A in the group", []string{portA}, []openstacktest.Rule{vrrp(true), vrrp(false)}, false},
		{"only B in the group", []string{portB}, []openstacktest.Rule{vrrp(true), vrrp(false)}, false},
	}
	b := newBench(t, Options{})
	addresses := map[string]string{portA: "10.0.0.11", portB: "10.0.0.12"}
	// The cases follow each other on one bench: what passed before must not
	// go on as a known connection.
	for _, test := range slices.Concat(tests, tests[:1]) {
		t.Run(test.name, func(t *testing.T) {
			b.t = t
			for i := range b.view.Ports {
				p := &b.view.Ports[i]
				if p.DeviceOwner != "compute:nova" {
					continue
				}
				p.SecurityGroups = []string{"udp"}
				if slices.Contains(test.members, p.ID) {
					p.SecurityGroups = []string{"udp", "vrrp"}
				}
			}
			b.view.SecurityGroups = append(b.view.SecurityGroups[:1:1], openstacktest.SecurityGroup{ID: "vrrp", Rules: test.rules})
			b.update()
			for _, way := range [][2]string{{portA, portB}, {portB, portA}} {
				from, to := way[0], way[1]
				raw := b.listen(b.servers[to], "ip4:112", addresses[to])
				udp := b.listen(b.servers[to], "udp4", addresses[to]+":9")
				sender := b.listen(b.servers[from], "ip4:112", addresses[from])
				marker := b.listen(b.servers[from], "udp4", addresses[from]+":0")
				for range rounds {
					b.send(sender, &net.IPAddr{IP: netip.MustParseAddr(addresses[to]).AsSlice()}, "advert")
					if test.passes {
						if got := b.read(raw); got != "advert" {
							t.Fatalf("got %q", got)
						}
						continue
					}
					b.send(marker, udpAt(addresses[to]+":9"), "marker")
					b.read(udp)
					_ = raw.SetReadDeadline(time.Now().Add(time.Millisecond))
					if n, _, err := raw.ReadFrom(make([]byte, 64)); err == nil {
						t.Fatalf("%d bytes of protocol 112 passed from %s", n, addresses[from])
					}
				}
			}
		})
	}
}

func TestTheFloatingIPFollowsTheAnnouncement(t *testing.T) {
	t.Run("as the neighbour tables say, with linuxbridge", func(t *testing.T) {
		b := newBench(t, Options{})
		follow(t, b)
	})
	t.Run("as the port that claimed it, with OVN", func(t *testing.T) {
		claims := make(chan string, 1000)
		b := newBench(t, Options{Claim: func(port string, a netip.Addr) {
			if a == vip {
				claims <- port
			}
		}})
		b.pair(portA, true)
		b.own(portA, true)
		b.whoAmI(portA)
		if got, err := b.ask(t.Context(), "203.0.113.10:7"); err == nil {
			t.Fatalf("%s answers at the floating IP of an address that nobody claimed", got)
		}
		b.own(portA, false)
		b.pair(portB, true)
		// What the cloud does with a claim.
		done := make(chan struct{})
		var work sync.WaitGroup
		t.Cleanup(func() { close(done); work.Wait() })
		v := b.view
		work.Go(func() {
			for {
				select {
				case port := <-claims:
					v.FloatingIPs = slices.Clone(v.FloatingIPs)
					v.FloatingIPs[0].Carrier = port
					if err := b.fabric.Update(v); err != nil {
						t.Error(err)
					}
				case <-done:
					return
				}
			}
		})
		moves(t, b)
	})
}

func follow(t *testing.T, b *bench) {
	b.pair(portA, true)
	b.pair(portB, true)
	b.whoAmI(portA)
	moves(t, b)
}

// moves takes the VIP from server to server.
func moves(t *testing.T, b *bench) {
	b.whoAmI(portB)
	for i, to := range []string{portA, portB, portA} {
		if i > 0 {
			b.own(map[string]string{portA: portB, portB: portA}[to], false)
		}
		b.own(to, true)
		took := b.until("203.0.113.10:7", to, func() { b.announce(to) })
		t.Logf("%s answers after %v", to, took)
	}
}

func TestAServerReachesTheOutsideByTheRouter(t *testing.T) {
	b := newBench(t, Options{})
	listener := b.listen(b.outside, "udp4", "203.0.113.1:9")
	sender := b.listen(b.servers[portA], "udp4", "10.0.0.11:0")
	b.send(sender, udpAt("203.0.113.1:9"), "hello")
	b.must(listener.SetReadDeadline(time.Now().Add(limit)))
	buffer := make([]byte, 16)
	_, from, err := listener.ReadFrom(buffer)
	b.must(err)
	if got := from.(*net.UDPAddr).IP.String(); got != "203.0.113.2" {
		t.Errorf("it came from %s, not from the router's address", got)
	}
	_, err = listener.WriteTo([]byte("answer"), from)
	b.must(err)
	if got := b.read(sender); got != "answer" {
		t.Errorf("got %q", got)
	}
}

func TestACutWireIsDeadAndComesBack(t *testing.T) {
	b := newBench(t, Options{})
	b.whoAmI(portA)
	b.until("10.0.0.11:7", portA, func() {})
	b.must(b.fabric.Cut(portA, true))
	for range rounds {
		if got, err := b.ask(t.Context(), "10.0.0.11:7"); err == nil {
			t.Fatalf("%s answers over a wire that is cut", got)
		}
	}
	b.pair(portB, true) // an update is no repair
	if got, err := b.ask(t.Context(), "10.0.0.11:7"); err == nil {
		t.Fatalf("%s answers over a wire that is cut", got)
	}
	b.must(b.fabric.Cut(portA, false))
	b.until("10.0.0.11:7", portA, func() {})
}

func TestAPortThatIsDeletedIsNotLeftOpen(t *testing.T) {
	b := newBench(t, Options{})
	b.whoAmI(portA)
	b.until("10.0.0.11:7", portA, func() {})
	b.view.Ports = slices.DeleteFunc(slices.Clone(b.view.Ports), func(p openstacktest.Port) bool { return p.ID == portA })
	b.update()
	for range rounds {
		if got, err := b.ask(t.Context(), "10.0.0.11:7"); err == nil {
			t.Fatalf("%s answers at a port that was deleted", got)
		}
	}
}

func TestWhatGoesFromTheViewGoesFromTheMachine(t *testing.T) {
	b := newBench(t, Options{})
	devices := func() int {
		all, err := b.fabric.here.Links().LinkList()
		b.must(err)
		return len(all)
	}
	full := devices()
	for _, p := range []string{portA, portB} {
		b.must(b.fabric.Unplug(p))
	}
	b.view.Routers, b.view.FloatingIPs = nil, nil
	b.update()
	b.view.Networks = b.view.Networks[1:]
	b.update()
	// loopback, the bridge of public, and the workstation's wire stay; those of
	// a namespace that was closed go a moment later
	for end := time.Now().Add(limit); devices() != 3; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d devices are left, not 3", devices(), full)
		}
	}
	all, err := b.outside.Links().RouteList(nil, unix.AF_INET)
	b.must(err)
	for _, r := range all {
		if r.Gw != nil {
			t.Errorf("the workstation still knows a way: %s", fmt.Sprint(r))
		}
	}
}

func TestANamespaceInUseIsNoSwitch(t *testing.T) {
	b := newBench(t, Options{})
	if _, err := New(b.servers[portA], b.outside, Options{}); err == nil {
		t.Error("a namespace with a network in it was taken for a switch")
	}
}
