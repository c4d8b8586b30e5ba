package engine

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

// fakeServer is a server with a NIC for each of two routers.
type fakeServer struct {
	*fakeNIC // the first; changes of both are told by it
	second   *fakeNIC
}

func newFakeServer() *fakeServer {
	s := &fakeServer{newFakeNIC(), newFakeNIC()}
	s.second.nic = vip.NIC{Index: 3, Name: "ens4"}
	s.second.changes = s.changes
	return s
}

func (s *fakeServer) by(name string) *fakeNIC {
	if name == "ens4" {
		return s.second
	}
	return s.fakeNIC
}

func (s *fakeServer) Find(v vip.View, i config.Interface) (vip.NIC, error) {
	if i.Name == "" { // the second by its MAC
		return s.second.Find(v, i)
	}
	return s.by(i.Name).Find(v, i)
}

func (s *fakeServer) Addresses(nic vip.NIC, r config.Router) Addresses {
	return s.by(nic.Name).Addresses(nic, r)
}

func (s *fakeServer) Dial(nic vip.NIC, r config.Router, arrived func()) (Wire, error) {
	return s.by(nic.Name).Dial(nic, r, arrived)
}

func (s *fakeServer) Claims(nic vip.NIC, vips []netip.Addr) (Claims, error) {
	return s.by(nic.Name).Claims(nic, vips)
}

func (s *fakeServer) Acquaint(nic vip.NIC, members []netip.Addr) error {
	return s.by(nic.Name).Acquaint(nic, members)
}

func (s *fakeServer) Neighbour(nic vip.NIC, mac net.HardwareAddr, among []netip.Addr) (netip.Addr, bool, error) {
	return s.by(nic.Name).Neighbour(nic, mac, among)
}

func (s *fakeServer) Watch(context.Context) (<-chan struct{}, error) { return s.changes, nil }

// twoRouters is testConfig with a second router on the second NIC.
func twoRouters() config.Config {
	cfg := testConfig()
	second := cfg.Routers[0]
	second.VRID = 52
	second.Interface = config.Interface{Name: "ens4"}
	cfg.Routers = append(cfg.Routers, second)
	return cfg
}

// wantBoth compares the states of both routers, and where their VIPs are.
func (r *rig) wantBoth(s *fakeServer, want api.State) {
	r.t.Helper()
	status, err := r.engine.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for i, nic := range []*fakeNIC{s.fakeNIC, s.second} {
		if got := status.Routers[i]; got.State != want || nic.isHeld() != (want == api.Active) {
			r.t.Errorf("router %d is %s (%s), holds its VIPs: %t; want %s", got.VRID, got.State, got.Reason, nic.isHeld(), want)
		}
	}
}

func TestTheRoutersOfAFileMoveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer()
		r := beginOn(t, server.fakeNIC, server, twoRouters())
		for range 20 { // one of the two hears the active
			server.second.wire.hear(250)
			r.pass(interval)
		}
		r.wantBoth(server, api.Backup)
		r.pass(down)
		r.wantBoth(server, api.Active)

		server.second.wire.hear(250)
		synctest.Wait()
		r.wantBoth(server, api.Backup)
		if got := r.router().Reason; got != string(vrrp.Together) {
			t.Errorf("reason of the first router: %q", got)
		}
	})
}

// A line for each router's transition would be hundreds of lines of hundreds of routers.
func TestThePeopleOfAServiceManagerReadOneLineOfAllRouters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer()
		r := beginOn(t, server.fakeNIC, server, twoRouters())
		r.pass(down)
		r.wantBoth(server, api.Active)
		lines := slices.DeleteFunc(slices.Clone(r.notes), func(n string) bool { return !strings.HasPrefix(n, "STATUS=") })
		want := []string{
			"STATUS=10.0.0.136 backup (started); 10.0.0.136 backup (started)",
			"STATUS=10.0.0.136 active (no advertisement heard); 10.0.0.136 active (no advertisement heard)",
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	})
}

func TestAGroupWaitsForTheLastOfItsInterfaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer()
		server.second.missing = true
		cfg := twoRouters()
		cfg.Routers[1].Interface = config.Interface{MAC: "fa:16:3e:00:00:02", Address: own}
		r := beginOn(t, server.fakeNIC, server, cfg)
		r.pass(2 * down)
		r.wantBoth(server, api.Init)
		if got := r.router().Reason; !strings.Contains(got, "router 52") {
			t.Errorf("the first router waits because of %q, want router 52 named", got)
		}
		status, err := r.engine.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"ens3", "fa:16:3e:00:00:02 10.0.0.130"} {
			if got := status.Routers[i]; got.Interface != "" || got.Selector != want {
				t.Errorf("router %d is on %q and waits for %q, want %q", i, got.Interface, got.Selector, want)
			}
		}
		server.second.change(func(n *fakeNIC) { n.missing = false })
		r.wantBoth(server, api.Backup)

		r.pass(down)
		r.wantBoth(server, api.Active)
		server.second.change(func(n *fakeNIC) { n.usable = false })
		r.wantBoth(server, api.Init)
		server.second.change(func(n *fakeNIC) { n.usable = true })
		r.wantBoth(server, api.Backup)
	})
}

// The configuration cannot always tell whether two interfaces are one NIC.
func TestOneVRIDTwiceOnOneInterfaceWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer()
		apart := server.second.nic
		server.second.nic = server.nic
		cfg := twoRouters()
		cfg.Routers[1].VRID = cfg.Routers[0].VRID
		r := beginOn(t, server.fakeNIC, server, cfg)
		r.pass(2 * down)
		r.wantBoth(server, api.Init)
		status, err := r.engine.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := "router 51/ipv4 is on ens3 already, as routers[0]: one VRID serves one router of each address family"
		if got := status.Routers[1].Reason; got != want {
			t.Errorf("the second router waits because of %q, want %q", got, want)
		}
		server.second.change(func(n *fakeNIC) { n.nic = apart })
		r.wantBoth(server, api.Backup)
	})
}

func TestAGroupResumesWhenTheLeaseOfEachRouterIsFresh(t *testing.T) {
	for _, age := range []time.Duration{interval, 3 * interval} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer()
			server.held, server.renewed = true, time.Now()
			server.second.held, server.second.renewed = true, time.Now().Add(-age)
			want := api.Active
			if age > 2*interval {
				want = api.Backup
			}
			beginOn(t, server.fakeNIC, server, twoRouters()).wantBoth(server, want)
		})
	}
}

// A network manager takes the address away and gives it back.
func TestTheServersOwnAddressMayGoForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		before := len(r.kinds())
		r.nic.change(func(n *fakeNIC) { n.sourceOff, n.held = true, false })
		r.want(api.Active) // the VIP is back already
		r.pass(interval)
		r.nic.change(func(n *fakeNIC) { n.sourceOff = false })
		r.pass(down)
		r.want(api.Active)
		if got := r.kinds(); len(got) != before {
			t.Errorf("transitions: %q", got)
		}
	})
}

func TestABackupWithoutItsOwnAddressDoesNotTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.nic.change(func(n *fakeNIC) { n.sourceOff = true })
		r.want(api.Backup)
		r.pass(2 * down)
		r.want(api.Init)
		r.nic.change(func(n *fakeNIC) { n.sourceOff = false })
		r.want(api.Backup)
	})
}

func TestAnActiveThatLosesItsOwnAddressForGoodGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.nic.wire.fail(errors.New("network is unreachable"))
		r.nic.change(func(n *fakeNIC) { n.sourceOff = true })
		r.pass(down)
		r.want(api.Backup)
		r.pass(down)
		r.want(api.Init)
	})
}

// It changes while a NIC comes up, and people ask what is to be done.
func TestTheReasonToBeInInitIsWhatTheNICLacksNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		for _, step := range []struct {
			change func(n *fakeNIC)
			want   string
		}{
			{func(n *fakeNIC) { n.usable = false }, "the interface is not usable: down"},
			{func(n *fakeNIC) { n.sourceOff = true }, "the interface is not usable: 10.0.0.130 is not on ens3"},
		} {
			for range 2 { // nothing has changed at the second look
				r.nic.change(step.change)
			}
			r.want(api.Init)
			if got := r.router().Reason; got != step.want {
				t.Errorf("reason %q, want %q", got, step.want)
			}
			if last := r.notes[len(r.notes)-1]; !strings.Contains(last, step.want) {
				t.Errorf("the service manager last heard %q", last)
			}
		}
		if n := len(r.kinds("link")) - len(r.kinds()); n != 1 {
			t.Errorf("%d events of what the NIC lacks beside the transition, want 1", n)
		}
	})
}
