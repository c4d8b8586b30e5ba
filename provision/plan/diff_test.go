package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

var updateGolden = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/NAME.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".golden")
	if *updateGolden {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(text), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// unreachable makes a server one that SSH does not reach.
func unreachable(o *plan.Observed, id string) {
	o.Hosts[id] = plan.Host{Err: "connection timed out", Hint: "check its security groups"}
}

func TestDiff(t *testing.T) {
	type desire = func(*plan.Desired)
	vrid := func(id int) desire { return func(d *plan.Desired) { d.VRID = id } }
	tests := []struct {
		name    string
		before  string   // members; none: the group is made
		was     []desire // the group as it was made
		happens func(*plan.Observed)
		servers string
		change  []desire
	}{
		{name: "two members are made", servers: "1 2"},
		{name: "three members are made with an allocated address and floating ip", servers: "1 2 3", change: []desire{func(d *plan.Desired) {
			d.VIPs[0].Address, d.VIPs[0].FloatingIP = addr("0.0.0.0").Prev(), &plan.FloatingIP{Network: public}
		}}},
		{name: "two families are made", servers: "1 2", change: []desire{dual}},
		{name: "a repeat changes nothing", before: "1 2", servers: "1 2"},
		{name: "a repeat with two families changes nothing", before: "1 2", was: []desire{dual}, servers: "1 2", change: []desire{dual}},
		{name: "a member is added", before: "1 2", servers: "1 2 3"},
		{name: "a backup is removed", before: "1 2 3", servers: "1 2"},
		{name: "the active one is removed", before: "1 2 3", servers: "2 3"},
		{name: "a member is replaced", before: "1 2", servers: "1 3"},
		{name: "all members are replaced", before: "1 2", servers: "3 4"},
		{
			name: "a member that cannot be reached is removed", before: "1 2 3", servers: "1 2",
			happens: func(o *plan.Observed) { unreachable(o, "server-3") },
		},
		{name: "the interval changes", before: "1 2", servers: "1 2", change: []desire{func(d *plan.Desired) { d.Interval = time.Second }}},
		{name: "the checks change", before: "1 2", servers: "1 2", change: []desire{func(d *plan.Desired) {
			d.Checks = []config.Check{sshCheck, {Name: "web", HTTP: "http://localhost/", Interval: sshCheck.Interval, Timeout: sshCheck.Timeout, Fall: 3, Rise: 2}}
		}}},
		{name: "the delays and announcements change", before: "1 2", servers: "1 2", change: []desire{func(d *plan.Desired) {
			d.Preempt, d.PreemptDelay, d.StartDelay = true, api.Duration(5*time.Second), api.Duration(time.Second)
			d.Announce = config.Announce{Replies: true, Refresh: config.DefaultRefresh}
		}}},
		{name: "the vrid changes", before: "1 2", servers: "1 2", change: []desire{vrid(7)}},
		{name: "the vrid changes and a member is added", before: "1 2", servers: "1 2 3", change: []desire{vrid(7)}},
		{name: "the agent is upgraded", before: "1 2 3", servers: "1 2 3", change: []desire{func(d *plan.Desired) {
			d.Agent.Version, d.Agent.SHA256 = "0.4.0", map[string]string{"amd64": "dddddddd44444444"}
		}}},
		{name: "an ipv6 vip is added", before: "1 2", servers: "1 2", change: []desire{dual}},
		{
			name: "a floating ip is added", before: "1 2", servers: "1 2",
			was: []desire{func(d *plan.Desired) { d.VIPs[0].FloatingIP = nil }},
		},
		{name: "the floating ip is removed", before: "1 2", servers: "1 2", change: []desire{func(d *plan.Desired) { d.VIPs[0].FloatingIP = nil }}},
		{
			name: "an allocated floating ip is removed", before: "1 2", servers: "1 2",
			was:    []desire{func(d *plan.Desired) { d.VIPs[0].FloatingIP = &plan.FloatingIP{Network: public} }},
			change: []desire{func(d *plan.Desired) { d.VIPs[0].FloatingIP = nil }},
		},
		{name: "another floating ip is taken", before: "1 2", servers: "1 2", change: []desire{func(d *plan.Desired) {
			d.VIPs[0].FloatingIP = &plan.FloatingIP{ID: "fip-11", Address: addr("203.0.113.11"), Network: public}
		}}},
		{
			name: "a floating ip moves from a member", servers: "1 2",
			happens: func(o *plan.Observed) { o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = "port-1", addr("10.0.0.130") },
		},
		{
			name: "a port with locked egress and a pair of its own joins", servers: "1 2",
			happens: func(o *plan.Observed) {
				editPort(o, "port-1", func(p *openstack.Port) {
					p.SecurityGroups = []string{"locked"}
					p.Pairs = []openstack.AddressPair{{IP: "10.0.0.136", MAC: p.MAC}, {IP: "10.0.0.200", MAC: p.MAC}}
				})
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := fresh()
			if tt.before != "" {
				o = settled(t, tt.before, tt.was...)
			}
			if tt.happens != nil {
				tt.happens(&o)
			}
			p := plan.Diff(want(o, tt.servers, tt.change...), o)
			golden(t, tt.name, rendered(p))

			after := carryOut(t, p, o)
			d := want(after, tt.servers, tt.change...)
			if f := d.VIPs[0].FloatingIP; f != nil && f.ID == "" {
				f.ID = "fip-new" // preflight finds it by its mark
			}
			again := plan.Diff(d, after)
			again.Left = nil // what could not be reached still cannot
			if !again.Empty() || again.Settle {
				t.Errorf("a repeat still changes:\n%s", rendered(again))
			}
		})
	}
}

// TestDriftIsExplainedAndMended has one entry for each way in which a group can drift: the
// explanation that status gives, and the plan that mends it.
func TestDriftIsExplainedAndMended(t *testing.T) {
	agent := func(change func(*plan.Agent)) func(*plan.Observed) {
		return func(o *plan.Observed) { editHost(o, "server-2", func(h *plan.Host) { change(&h.Agent) }) }
	}
	sg := func(change func(*openstack.SecurityGroup)) func(*plan.Observed) {
		return func(o *plan.Observed) {
			g := o.SecurityGroups[0]
			g.Rules = slices.Clone(g.Rules)
			change(&g)
			o.SecurityGroups = []openstack.SecurityGroup{g}
		}
	}
	status := func(status string) func(*plan.Observed) {
		return func(o *plan.Observed) {
			o.Servers["bastion-2"] = []openstack.Server{{ID: "server-2", Name: "bastion-2", Status: status}}
			delete(o.Hosts, "server-2")
		}
	}
	tests := []struct {
		name    string
		happens func(*plan.Observed)
		stays   bool // no plan can mend it
	}{
		{name: "pair missing", happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) { p.Pairs = nil })
		}},
		{name: "pair written with a length", happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) {
				p.Pairs = []openstack.AddressPair{{IP: "10.0.0.136/32", MAC: p.MAC}}
			})
		}},
		{name: "security group taken off", happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) { p.SecurityGroups = []string{"default"} })
		}},
		{name: "member tag missing", happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) { p.Tags = nil })
		}},
		{name: "vip port gone", happens: func(o *plan.Observed) {
			o.Ports = slices.DeleteFunc(o.Ports, func(p openstack.Port) bool { return p.ID == "vip-v4" })
			o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = "", addr("0.0.0.0").Prev()
		}},
		{name: "vip port without tags", happens: func(o *plan.Observed) {
			editPort(o, "vip-v4", func(p *openstack.Port) { p.Tags = nil })
		}},
		{name: "vip port attached to a server", stays: true, happens: func(o *plan.Observed) {
			editPort(o, "vip-v4", func(p *openstack.Port) { p.DeviceID, p.DeviceOwner = "server-4", "compute:nova" })
		}},
		{name: "security group gone", happens: func(o *plan.Observed) {
			o.SecurityGroups = nil
			for _, id := range []string{"port-1", "port-2"} {
				editPort(o, id, func(p *openstack.Port) { p.SecurityGroups = []string{"default"} })
			}
		}},
		{name: "rule gone", happens: sg(func(g *openstack.SecurityGroup) { g.Rules = g.Rules[1:] })},
		{name: "egress opened", happens: sg(func(g *openstack.SecurityGroup) {
			g.Rules = append(g.Rules, openstack.Rule{ID: "rule-open", Direction: "egress", EtherType: "IPv4"})
		})},
		{name: "floating ip unattached", happens: func(o *plan.Observed) {
			o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = "", addr("0.0.0.0").Prev()
		}},
		{name: "floating ip elsewhere", happens: func(o *plan.Observed) {
			o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = "port-4", addr("10.0.0.133")
		}},
		{name: "agent not running", happens: agent(func(a *plan.Agent) { a.Running, a.Status = false, nil })},
		{name: "agent not enabled", happens: agent(func(a *plan.Agent) { a.Enabled = false })},
		{name: "agent without an answer", happens: agent(func(a *plan.Agent) { a.Status = nil })},
		{name: "binary replaced", happens: agent(func(a *plan.Agent) { a.BinarySHA256, a.Version = "eeeeeeee55555555", "0.2.9" })},
		{name: "another binary runs", happens: agent(func(a *plan.Agent) { a.RunsSHA256 = "eeeeeeee55555555" })},
		{name: "binary gone", happens: agent(func(a *plan.Agent) { a.BinarySHA256, a.Version = "", "" })},
		{name: "service file changed", happens: agent(func(a *plan.Agent) { a.UnitSHA256 = "ffffffff66666666" })},
		{name: "configuration edited", happens: agent(func(a *plan.Agent) {
			c := *a.Config
			c.Routers = slices.Clone(c.Routers)
			c.Routers[0].Interval, a.Config, a.ConfigSHA256 = api.Duration(time.Second), &c, "edited"
		})},
		{name: "configuration not reloaded", happens: agent(func(a *plan.Agent) { a.ConfigSHA256 = "edited" })},
		{name: "configuration gone", happens: agent(func(a *plan.Agent) { a.Config, a.ConfigSHA256, a.Running, a.Status = nil, "", false, nil })},
		{name: "two actives", stays: true, happens: func(o *plan.Observed) { setState(o, "server-2", api.Active) }},
		{name: "no active", stays: true, happens: func(o *plan.Observed) { setState(o, "server-1", api.Backup) }},
		{name: "a member in init", stays: true, happens: func(o *plan.Observed) {
			editRouter(o, "server-2", func(r *api.Router) { r.State, r.Reason = api.Init, "the interface is not usable" })
		}},
		{name: "the active leaves and stays", stays: true, happens: func(o *plan.Observed) {
			editRouter(o, "server-1", func(r *api.Router) { r.State, r.Reason = api.Leaving, "stopping" })
		}},
		{name: "the active without the vip", stays: true, happens: func(o *plan.Observed) {
			editRouter(o, "server-1", func(r *api.Router) { r.Held = false })
		}},
		{name: "a backup with the vip", stays: true, happens: func(o *plan.Observed) {
			editRouter(o, "server-2", func(r *api.Router) { r.Held = true })
		}},
		{name: "a check fails", stays: true, happens: func(o *plan.Observed) {
			editHost(o, "server-2", func(h *plan.Host) {
				st := *h.Agent.Status
				st.Checks = []api.Check{{Name: "http", OK: true}, {Name: "ssh", Why: "connection refused"}}
				h.Agent.Status = &st
			})
		}},
		{name: "protocol 112 blocked by a rule that is gone", happens: func(o *plan.Observed) {
			sg(func(g *openstack.SecurityGroup) { g.Rules = g.Rules[1:] })(o)
			reportProblem(o, "server-2", api.Problem{Code: api.ProblemAdvertsBlocked, Peer: addr("10.0.0.130")})
		}},
		{name: "protocol 112 blocked by a group that is off", happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) { p.SecurityGroups = []string{"default"} })
			reportProblem(o, "server-1", api.Problem{Code: api.ProblemAdvertsBlocked, Peer: addr("10.0.0.131")})
		}},
		{name: "protocol 112 blocked on a server, seen from both ends", stays: true, happens: func(o *plan.Observed) {
			reportProblem(o, "server-1", api.Problem{Code: api.ProblemAdvertsBlocked, Peer: addr("10.0.0.131")})
			reportProblem(o, "server-2", api.Problem{Code: api.ProblemAdvertsBlocked, Peer: addr("10.0.0.130")})
		}},
		{name: "protocol 112 blocked, with whom is not told", stays: true, happens: func(o *plan.Observed) {
			reportProblem(o, "server-1", api.Problem{Code: api.ProblemAdvertsBlocked})
		}},
		{name: "other problems of an agent", stays: true, happens: func(o *plan.Observed) {
			for _, p := range []api.Problem{
				{Code: api.ProblemAddressConflict, Detail: "fa:16:3e:00:00:99 announces 10.0.0.136 and is no member"},
				{Code: api.ProblemRival, Detail: "10.0.0.131 is active too, with priority 249", Peer: addr("10.0.0.131")},
				{Code: api.ProblemFault, Detail: "add 10.0.0.136/32 to ens3: operation not permitted"},
				{Code: api.ProblemMismatch, Detail: "10.0.0.131 advertises every 1s, not every 300ms", Peer: addr("10.0.0.131")},
				{Code: "moon-phase", Detail: "it is full"},
			} {
				reportProblem(o, "server-1", p)
			}
		}},
		{name: "another group with the vrid", stays: true, happens: func(o *plan.Observed) {
			o.Ports = append(o.Ports, openstack.Port{
				ID: "vip-web", NetworkID: internal.ID, ProjectID: "dev", Tags: plan.VIPPortTags("web", 1),
			})
		}},
		{name: "server unreachable", stays: true, happens: func(o *plan.Observed) { unreachable(o, "server-2") }},
		{name: "configuration unreadable", happens: agent(func(a *plan.Agent) { a.Config, a.ConfigSHA256 = nil, "garbage" })},
		{name: "sudo asks for a password", stays: true, happens: func(o *plan.Observed) {
			o.Hosts["server-2"] = plan.Host{User: "debian", Arch: "amd64", Init: plan.Systemd}
		}},
		{name: "server shut off", stays: true, happens: status("SHUTOFF")},
		{name: "server paused", stays: true, happens: status("PAUSED")},
		{name: "server in error", stays: true, happens: status("ERROR")},
		{name: "port security off", stays: true, happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) { p.PortSecurity = false })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := settled(t, "1 2")
			if drift := plan.Drift(want(o, "1 2"), o); len(drift) > 0 {
				t.Fatalf("a healthy group has drifted: %+v", drift)
			}
			tt.happens(&o)
			d := want(o, "1 2")
			p := plan.Diff(d, o)
			drift := plan.Drift(d, o)
			if len(drift) == 0 {
				t.Error("no deviation is reported")
			}
			text := explained(drift)
			if !tt.stays {
				if p.Empty() {
					t.Error("no plan mends it")
				}
				text += "\n" + rendered(p)
				after := carryOut(t, p, o)
				if left := plan.Drift(want(after, "1 2"), after); len(left) > 0 {
					t.Errorf("carried out, the plan leaves:\n%s", explained(left))
				}
			}
			golden(t, "drift "+tt.name, text)
		})
	}
}

// What the active saw of a blocked protocol is over once the backup hears it.
func TestABackupThatHearsTheActiveEndsWhatThatOneSaw(t *testing.T) {
	o := settled(t, "1 2")
	reportProblem(&o, "server-1", api.Problem{Code: api.ProblemAdvertsBlocked, Peer: addr("10.0.0.131")})
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	hear := func(ago time.Duration) {
		editRouter(&o, "server-2", func(r *api.Router) {
			r.Interval, r.Peers = api.Duration(time.Second), []api.Peer{{Address: addr("10.0.0.130"), LastAdvert: now.Add(-ago)}}
		})
		editHost(&o, "server-2", func(h *plan.Host) { h.Agent.Status.Now = now })
	}
	hear(time.Minute)
	if d := plan.Drift(want(o, "1 2"), o); len(d) != 1 {
		t.Errorf("last heard a minute ago, it is said: %+v", d)
	}
	hear(time.Second)
	if d := plan.Drift(want(o, "1 2"), o); len(d) != 0 {
		t.Errorf("heard a second ago, it is still said: %+v", d)
	}
}

// setState puts a member into a state; an active one holds the VIP.
func setState(o *plan.Observed, id string, s api.State) {
	editRouter(o, id, func(r *api.Router) { r.State, r.Held = s, s == api.Active })
}

// reportProblem adds a problem to what an agent says of its first router.
func reportProblem(o *plan.Observed, id string, p api.Problem) {
	editRouter(o, id, func(r *api.Router) { r.Problems = append(slices.Clone(r.Problems), p) })
}

// editRouter changes what an agent says of its first router.
func editRouter(o *plan.Observed, id string, change func(*api.Router)) {
	editHost(o, id, func(h *plan.Host) {
		st := *h.Agent.Status
		st.Routers = slices.Clone(st.Routers)
		change(&st.Routers[0])
		h.Agent.Status = &st
	})
}

func explained(list []plan.Deviation) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.Object + ": " + d.Message + "\n")
		for line := range strings.SplitSeq(strings.TrimSpace(d.Consequence+"\n"+d.Cure), "\n") {
			b.WriteString("    " + line + "\n")
		}
	}
	return b.String()
}
