package engine

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vrrp"
)

func TestAReloadAppliesWithoutTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		before := r.kinds()
		cfg := testConfig()
		third := netip.MustParseAddr("10.0.0.132")
		cfg.Routers[0].Interval = api.Duration(5 * interval)
		cfg.Routers[0].Priority = 150
		cfg.Routers[0].Peers = []netip.Addr{peer, third}
		r.nic.wire.sends()
		if err := r.engine.Reload(t.Context(), cfg, "other"); err != nil {
			t.Fatal(err)
		}
		r.pass(20 * interval)
		r.want(api.Active)
		if diff := cmp.Diff(before, r.kinds()); diff != "" {
			t.Errorf("transitions (-before +after):\n%s", diff)
		}
		for _, s := range r.nic.wire.sends() {
			if s != (sent{150, 5 * interval}) {
				t.Errorf("advertised %v after the reload", s)
			}
		}
		if diff := cmp.Diff(cfg.Routers[0].Peers, r.nic.wire.peers, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("peers of the wire (-want +got):\n%s", diff)
		}
		status, err := r.engine.Status(t.Context())
		if err != nil || status.ConfigSHA256 != "other" {
			t.Errorf("the status names configuration %q (%v), want other", status.ConfigSHA256, err)
		}
	})
}

// The down interval may be 30 ms.
func TestAReloadWaitsForNoSocketToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		cfg := testConfig()
		cfg.Routers[0].Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.137/32")}
		began := time.Now()
		if err := r.engine.Reload(t.Context(), cfg, "another"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took the loop %v", took)
		}
	})
}

func TestAReloadAddsAndRemovesAddressesOfAnActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := netip.MustParsePrefix("10.0.0.137/32")
		r := active(t, newFakeNIC(), testConfig())
		before := r.kinds()
		r.nic.takeDid()
		both := testConfig()
		both.Routers[0].Addresses = []netip.Prefix{vip4, other}
		if err := r.engine.Reload(t.Context(), both, "both"); err != nil {
			t.Fatal(err)
		}
		want := []string{ // the advertisement after the reload renews
			"add [10.0.0.136/32 10.0.0.137/32]", "add [10.0.0.136/32 10.0.0.137/32]", "announce [10.0.0.137/32]",
		}
		if diff := cmp.Diff(want, r.nic.takeDid()); diff != "" {
			t.Errorf("done (-want +got):\n%s", diff)
		}
		if got := r.nic.wire.vips; len(got) != 2 {
			t.Errorf("the advertisements list %v", got)
		}
		if err := r.engine.Reload(t.Context(), testConfig(), "one"); err != nil {
			t.Fatal(err)
		}
		want = []string{"remove [10.0.0.137/32]", "add [10.0.0.136/32]", "add [10.0.0.136/32]"}
		if diff := cmp.Diff(want, r.nic.takeDid()); diff != "" {
			t.Errorf("done (-want +got):\n%s", diff)
		}
		r.want(api.Active)
		if diff := cmp.Diff(before, r.kinds()); diff != "" {
			t.Errorf("transitions (-before +after):\n%s", diff)
		}
	})
}

// Whichever of the two comes first in the file.
func TestAReloadCanMoveAVIPToAnotherRouter(t *testing.T) {
	other, third := netip.MustParsePrefix("10.0.0.137/32"), netip.MustParsePrefix("10.0.0.138/32")
	for _, to := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			cfg := twoRouters()
			for i := range cfg.Routers {
				cfg.Routers[i].Interface = testConfig().Routers[0].Interface
			}
			from := 1 - to
			cfg.Routers[from].Addresses, cfg.Routers[to].Addresses = []netip.Prefix{vip4, third}, []netip.Prefix{other}
			r := active(t, newFakeNIC(), cfg)
			cfg.Routers = slices.Clone(cfg.Routers)
			cfg.Routers[from].Addresses, cfg.Routers[to].Addresses = []netip.Prefix{third}, []netip.Prefix{other, vip4}
			if err := r.engine.Reload(t.Context(), cfg, "moved"); err != nil {
				t.Fatal(err)
			}
			r.want(api.Active)
			if !slices.Contains(r.nic.takeDid(), "announce [10.0.0.136/32]") {
				t.Error("the VIP was not announced")
			}
		})
	}
}

func TestAReloadOfTheAddressesOfABackupPutsNoneThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.nic.takeDid()
		cfg := testConfig()
		cfg.Routers[0].Addresses = append(cfg.Routers[0].Addresses, netip.MustParsePrefix("10.0.0.137/32"))
		if err := r.engine.Reload(t.Context(), cfg, "both"); err != nil {
			t.Fatal(err)
		}
		if did := r.nic.takeDid(); len(did) > 0 {
			t.Errorf("done: %q", did)
		}
		r.want(api.Backup)
	})
}

// What the wire was opened with cannot change in it.
func TestAReloadGoesOnWithAnotherWireWhereItMust(t *testing.T) {
	v2 := func(c *config.Config) { c.Routers[0].Version, c.Routers[0].Interval = 2, api.Duration(time.Second) }
	tests := []struct {
		name           string
		before, change func(*config.Config)
	}{
		{"another checksum", func(*config.Config) {}, func(c *config.Config) { c.Routers[0].Checksum = vrrp.ChecksumMessage }},
		{"another interval of version 2", v2, func(c *config.Config) { c.Routers[0].Interval = api.Duration(2 * time.Second) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig()
				tt.before(&cfg)
				r := begin(t, newFakeNIC(), cfg)
				r.pass(5 * time.Second)
				r.want(api.Active)
				old := r.nic.wire
				changed := cfg
				changed.Routers = slices.Clone(cfg.Routers)
				tt.change(&changed)
				if err := r.engine.Reload(t.Context(), changed, "other"); err != nil {
					t.Fatal(err)
				}
				r.want(api.Active)
				if r.nic.wire == old || len(r.nic.wire.sends()) == 0 {
					t.Error("the old wire is in use")
				}
				select {
				case <-old.closed:
				default:
					t.Error("the old wire is open")
				}
			})
		})
	}
}

func TestWhatAReloadRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*config.Config)
		want   []string
	}{
		{"another vrid", func(c *config.Config) { c.Routers[0].VRID = 52 }, []string{"routers[0].vrid"}},
		{"another source and interface", func(c *config.Config) {
			c.Routers[0].Source = peer
			c.Routers[0].Interface.Name = "ens4"
		}, []string{"routers[0].interface", "routers[0].source"}},
		{"another group", func(c *config.Config) { c.Group = "other" }, []string{"group"}},
		{"a router more", func(c *config.Config) { c.Routers = append(c.Routers, c.Routers[0]) }, []string{"number of routers"}},
		{"multicast", func(c *config.Config) { c.Routers[0].Mode = config.ModeMulticast }, []string{"routers[0].mode"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := active(t, newFakeNIC(), testConfig())
				cfg := testConfig()
				cfg.Routers[0].Interval = api.Duration(5 * interval) // would be allowed
				tt.change(&cfg)
				var fixed *FixedError
				if err := r.engine.Reload(t.Context(), cfg, "other"); !errors.As(err, &fixed) {
					t.Fatalf("Reload: %v, want a *FixedError", err)
				}
				if diff := cmp.Diff(tt.want, fixed.Fields); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
				if got := r.router(); got.Interval != api.Duration(interval) || got.VRID != 51 {
					t.Errorf("the refused configuration is in force: %+v", got)
				}
			})
		})
	}
}

// checked is testConfig with a check that fails at the second failure.
func checked() config.Config {
	cfg := testConfig()
	cfg.Checks = []config.Check{{
		Name:     "web",
		TCP:      ":80",
		Interval: api.Duration(interval),
		Timeout:  api.Duration(time.Hour), // the fake's probes wait for a result
		Fall:     2,
		Rise:     2,
	}}
	return cfg
}

// probes gives the check its next results.
func (r *rig) probes(results ...error) {
	for _, err := range results {
		r.probe <- err
	}
	synctest.Wait()
}

func TestAFailedCheckHandsOverAndRefusesASwitchover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), checked())
		refused := errors.New("connection refused")
		r.probes(refused)
		r.want(api.Active)
		r.nic.wire.sends()
		r.probes(refused)
		if got := r.nic.wire.sends(); len(got) == 0 || got[0].Priority != vrrp.PriorityLeave && got[len(got)-1].Priority != vrrp.PriorityLeave {
			t.Errorf("advertised %v, want priority 0", got)
		}
		r.nic.wire.hear(199)
		synctest.Wait()
		r.want(api.Backup)
		var no *RefusedError
		if err := r.engine.Switchover(t.Context()); !errors.As(err, &no) {
			t.Errorf("switchover of an unhealthy member: %v, want a refusal", err)
		}
		r.probes(nil, nil)
		if err := r.engine.Switchover(t.Context()); err != nil {
			t.Errorf("switchover after it recovered: %v", err)
		}
		r.want(api.Active)
	})
}

func TestAReloadWithoutTheFailedCheckMakesTheMemberHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), checked())
		refused := errors.New("connection refused")
		r.probes(refused, refused)
		if err := r.engine.Reload(t.Context(), testConfig(), "other"); err != nil {
			t.Fatal(err)
		}
		if err := r.engine.Switchover(t.Context()); err != nil {
			t.Error(err)
		}
		r.want(api.Active)
	})
}

// With preempt it would take the VIP while its service is dead.
func TestAReloadThatChangesTheFailedCheckLeavesTheMemberUnhealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), checked())
		refused := errors.New("connection refused")
		r.probes(refused, refused)
		cfg := checked()
		cfg.Checks[0].Interval *= 2
		if err := r.engine.Reload(t.Context(), cfg, "other"); err != nil {
			t.Fatal(err)
		}
		var no *RefusedError
		if err := r.engine.Switchover(t.Context()); !errors.As(err, &no) || !strings.Contains(err.Error(), "connection refused") {
			t.Fatalf("switchover of a member whose check was changed: %v, want a refusal with its last failure", err)
		}
		r.probes(nil, nil)
		if err := r.engine.Switchover(t.Context()); err != nil {
			t.Errorf("switchover after it recovered: %v", err)
		}
		r.want(api.Active)
	})
}
