package mishap

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vrrp"
	"github.com/havip/havip/test/field"
)

// setting is a field of the configuration file. It has a change that is applied
// and seen, or one that is refused.
type setting struct {
	change func(*group, *config.Config)
	seen   func(*scene) bool
	fixed  func(*group, *config.Config)
}

// scene is what is to be seen of the active after a reload.
type scene struct {
	*group
	active *member
	status api.Status
	frames []field.Frame // that it has sent since the reload
}

// advert tells whether it has sent one such advertisement.
func (s *scene) advert(holds func(vrrp.Packet, field.Frame) bool) bool {
	return slices.ContainsFunc(s.frames, func(f field.Frame) bool {
		if !f.Advert() {
			return false
		}
		p, reason := vrrp.Decode(f.Payload, f.Source, f.To, f.TTL, vrrp.Expect{Version: 3, VRID: 51})
		return reason == vrrp.Accepted && holds(p, f)
	})
}

var second = netip.MustParsePrefix("10.99.0.101/32")

// settings are the fields of config.Config and config.Router, by name.
func settings() map[string]setting {
	const metrics = "127.0.0.1:9112"
	each := func(change func(*config.Router)) func(*group, *config.Config) {
		return func(_ *group, c *config.Config) {
			for i := range c.Routers {
				change(&c.Routers[i])
			}
		}
	}
	anyway := func(*scene) bool { return true }
	return map[string]setting{
		"Group":   {fixed: func(_ *group, c *config.Config) { c.Group = "other" }},
		"Control": {fixed: func(_ *group, c *config.Config) { c.Control += "2" }},
		"Routers": {fixed: func(_ *group, c *config.Config) {
			another := c.Routers[0]
			another.VRID, another.Addresses = 52, []netip.Prefix{netip.MustParsePrefix("10.99.0.102/32")}
			c.Routers = append(c.Routers, another)
		}},
		"Checks": {
			change: func(_ *group, c *config.Config) {
				c.Checks = []config.Check{config.Check{Name: "self", File: "/proc/self/exe"}.WithDefaults()}
			},
			seen: func(s *scene) bool { return len(s.status.Checks) == 1 && s.status.Checks[0].OK },
		},
		"Metrics": {
			change: func(_ *group, c *config.Config) { c.Metrics = metrics },
			seen:   func(s *scene) bool { return serves(s.active.node, metrics, "/metrics") },
		},

		"VRID":      {fixed: each(func(r *config.Router) { r.VRID++ })},
		"Interface": {fixed: each(func(r *config.Router) { r.Interface.Name = "lo" })},
		"Source":    {fixed: each(func(r *config.Router) { r.Source = netip.MustParseAddr("10.99.0.77") })},
		"Mode":      {fixed: each(func(r *config.Router) { r.Mode = config.ModeMulticast })},
		"Version":   {fixed: each(func(r *config.Router) { r.Version, r.Interval = 2, api.Duration(time.Second) })},
		"Addresses": {
			change: each(func(r *config.Router) { r.Addresses = append(r.Addresses, second) }),
			seen: func(s *scene) bool {
				return s.active.node.Has(second.Addr()) && slices.ContainsFunc(s.frames, func(f field.Frame) bool {
					return f.Announces(second.Addr())
				}) && s.advert(func(p vrrp.Packet, _ field.Frame) bool { return slices.Contains(p.Addresses, second.Addr()) })
			},
		},
		"Peers": {
			// Every node's, and so the third one gets advertisements too.
			change: func(g *group, c *config.Config) {
				c.Routers[0].Peers = append(c.Routers[0].Peers, g.third.Addr(g.family))
			},
			seen: func(s *scene) bool {
				return s.advert(func(_ vrrp.Packet, f field.Frame) bool { return f.To == s.third.Addr(s.family) })
			},
		},
		"Priority": {
			change: each(func(r *config.Router) { r.Priority -= 3 }),
			seen: func(s *scene) bool {
				return s.advert(func(p vrrp.Packet, _ field.Frame) bool { return p.Priority == s.active.Config().Routers[0].Priority })
			},
		},
		"Interval": {
			change: each(func(r *config.Router) { r.Interval *= 2 }),
			seen: func(s *scene) bool {
				return s.advert(func(p vrrp.Packet, _ field.Frame) bool { return p.Interval == 2*time.Second })
			},
		},
		"Preempt": {
			change: each(func(r *config.Router) { r.Preempt = true }),
			seen:   func(s *scene) bool { return s.status.Routers[0].Preempt },
		},
		"PreemptDelay": {change: each(func(r *config.Router) { r.Preempt, r.PreemptDelay = true, api.Duration(time.Minute) }), seen: anyway},
		"StartDelay":   {change: each(func(r *config.Router) { r.StartDelay = api.Duration(time.Minute) }), seen: anyway},
		"Checksum": {
			change: each(func(r *config.Router) { r.Checksum = vrrp.ChecksumMessage }),
			seen: func(s *scene) bool {
				return s.advert(func(p vrrp.Packet, _ field.Frame) bool { return p.Checksum == vrrp.ChecksumMessage })
			},
		},
		"Announce": {
			change: each(func(r *config.Router) {
				r.Announce = config.Announce{Replies: true, Refresh: api.Duration(time.Second)}
			}),
			seen: func(s *scene) bool {
				return slices.ContainsFunc(s.frames, func(f field.Frame) bool {
					const reply = 2 // RFC 826
					return f.Announces(s.vip.Addr()) && f.ARP.Operation == reply
				})
			},
		},
	}
}

// serves tells whether a node answers a request to itself.
func serves(n *field.Node, address, path string) bool {
	status := 0
	err := n.Space.Do(func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		request, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			return err
		}
		if err := request.Write(c); err != nil {
			return err
		}
		response, err := http.ReadResponse(bufio.NewReader(c), request)
		if err != nil {
			return err
		}
		status = response.StatusCode
		return response.Body.Close()
	})
	return err == nil && status == http.StatusOK
}

// fields are the names of a struct's fields.
func fields(of any) (names []string) {
	for f := range reflect.TypeOf(of).Fields() {
		names = append(names, f.Name)
	}
	return names
}

// reload writes a new file for a member and has it read.
func (m *member) reload(c config.Config) {
	m.Configure(c)
	m.Signal(syscall.SIGHUP)
}

// A reload of any setting is no transition of any member, and no probe is lost.
func TestEachSettingIsReloadedOrRefused(t *testing.T) {
	t.Parallel()
	all := settings()
	names := append(fields(config.Config{}), fields(config.Router{})...)
	for _, name := range names {
		if _, ok := all[name]; !ok {
			t.Errorf("the setting %s is in the configuration file and not in this test", name)
		}
	}
	for _, name := range names {
		s := all[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGroup(t, field.IPv4, 2, unhurried)
			active := g.members[0]
			g.heard(active)
			still, probed := g.still(), g.probes(time.Millisecond)
			if s.fixed != nil {
				g.wantRefused(name, s.fixed)
			} else {
				g.wantApplied(s, g.config, s.change)
				// And back again.
				g.wantApplied(setting{seen: func(*scene) bool { return true }}, g.config, func(*group, *config.Config) {})
			}
			g.heard(active)
			g.wantNoneLost(name, probed())
			still(name)
			if active.Router().State != api.Active || active.node.Has(second.Addr()) {
				t.Errorf("the active is %+v", active.Router())
			}
		})
	}
}

// wantApplied reloads all members and waits until it is seen.
func (g *group) wantApplied(s setting, base func(int) config.Config, change func(*group, *config.Config)) {
	g.t.Helper()
	active := g.members[0]
	capture := active.node.Capture()
	for i, m := range g.members {
		c := base(i)
		change(g, &c)
		m.reload(c)
	}
	for _, m := range g.members {
		field.EventuallyOr(g.t, func() bool { return m.Status().ConfigSHA256 == m.SHA256() }, func() string {
			return m.node.Name + " has the new configuration: " + m.Output()
		})
	}
	field.Eventually(g.t, "the change is seen", func() bool {
		return s.seen(&scene{group: g, active: active, status: active.Status(), frames: capture.Frames(func(field.Frame) bool { return true })})
	})
}

// wantRefused reloads a change that needs a restart.
func (g *group) wantRefused(name string, change func(*group, *config.Config)) {
	g.t.Helper()
	active := g.members[0]
	before := active.Status().ConfigSHA256
	c := g.config(0)
	change(g, &c)
	text, err := config.Marshal(active.Complete(c))
	if err != nil {
		g.t.Fatal(err)
	}
	active.Write(text)
	active.Signal(syscall.SIGHUP)
	field.Eventually(g.t, "the agent refuses it", func() bool { return active.Said("not reloaded") })
	if out := strings.ToLower(active.Output()); !strings.Contains(out, strings.ToLower(name)) {
		g.t.Errorf("the refusal does not name %q:\n%s", name, out)
	}
	if active.Status().ConfigSHA256 != before {
		g.t.Error("a refused configuration is in force")
	}
}

// Each problem of a broken file is told, and the old configuration goes on.
func TestABrokenFileIsRefusedWithEveryProblem(t *testing.T) {
	t.Parallel()
	g := newGroup(t, field.IPv4, 2, unhurried)
	active := g.members[0]
	g.heard(active)
	still, probed := g.still(), g.probes(time.Millisecond)
	before := active.Status().ConfigSHA256
	good, err := config.Marshal(active.Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []struct {
		name, text string
		want       []string
	}{
		{"four mistakes", strings.NewReplacer("vrid: 51", "vrid: 512", "priority: 250", "priority: 1000", "group:", "gruop:", "interval: 1s", "interval: 1ms").Replace(string(good)), []string{"agent.yaml:2:1: gruop", "agent.yaml:4:11: routers[0].vrid", "routers[0].priority", "routers[0].interval"}},
		{"no YAML", "routers: [", []string{"agent.yaml:1:1:"}},
		{"an empty file", "", []string{"empty"}},
	} {
		said := len(active.Output())
		active.Write([]byte(broken.text))
		active.Signal(syscall.SIGHUP)
		field.Eventually(t, "the agent refuses "+broken.name, func() bool { return strings.Contains(active.Output()[said:], "not reloaded") })
		for _, word := range broken.want {
			if out := active.Output()[said:]; !strings.Contains(out, word) {
				t.Errorf("%s: the refusal does not have %q:\n%s", broken.name, word, out)
			}
		}
		if active.Status().ConfigSHA256 != before {
			t.Errorf("%s: it is in force", broken.name)
		}
	}
	g.heard(active)
	g.wantNoneLost("a broken file", probed())
	still("a broken file")
}

// A check asks for the gateway's MAC; for that of a VIP a backup must not ask, and the
// VIPs are those of the file as it was reloaded.
func TestAGatewayThatBecomesAVirtualAddressIsAskedNoMore(t *testing.T) {
	t.Parallel()
	gateway := config.Check{Name: "gateway", Gateway: config.GatewayAuto, Interval: api.Duration(100 * time.Millisecond)}.WithDefaults()
	g := newGroup(t, field.IPv4, 2, func(c *config.Config) {
		unhurried(c)
		c.Checks = []config.Check{gateway}
	})
	backup := g.members[1]
	backup.node.Run("ip", "route", "add", "default", "via", second.Addr().String(), "dev", field.Device)
	why := func(want string) {
		t.Helper()
		field.EventuallyOr(t, func() bool {
			checks := backup.Status().Checks
			return len(checks) == 1 && strings.Contains(checks[0].Why, want)
		}, func() string { return fmt.Sprintf("the check says %q: %+v", want, backup.Status().Checks) })
	}
	why("no answer within")

	c := backup.Config()
	c.Routers = slices.Clone(c.Routers)
	c.Routers[0].Addresses = append(slices.Clone(c.Routers[0].Addresses), second)
	backup.Configure(c)
	backup.Signal(syscall.SIGHUP)
	why("virtual address of this group")
}

// A member whose service is dead would take the VIP by preemption, were it healthy.
func TestAReloadOfAFailedCheckDoesNotTakeTheVIP(t *testing.T) {
	t.Parallel()
	g := newGroup(t, field.IPv4, 2, func(c *config.Config) {
		unhurried(c)
		for i := range c.Routers {
			c.Routers[i].Preempt = true
		}
	})
	dead := g.members[0]
	c := g.config(0)
	c.Checks = []config.Check{config.Check{Name: "service", File: "/nonexistent", Interval: api.Duration(100 * time.Millisecond)}.WithDefaults()}
	dead.reload(c)
	g.members[1].Becomes(api.Active)
	still := g.still()

	c.Checks[0].Fall = 100 // it would be healthy for 10 s, were it a new one
	dead.reload(c)
	field.Eventually(t, "the member has the new configuration", func() bool { return dead.Status().ConfigSHA256 == dead.SHA256() })
	if checks := dead.Status().Checks; len(checks) != 1 || checks[0].OK {
		t.Errorf("its checks are %+v", checks)
	}
	for range 3 { // longer than a takeover takes
		g.heard(g.members[1])
	}
	still("the reload of a failed check")
}
