package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// TestOnePlanIsEnough draws a group as it was made, what happened to it since,
// and what is wanted now. Carried out in any order that its needs allow, the
// plan leaves nothing to do; and a teardown from anywhere leaves nothing.
func TestOnePlanIsEnough(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := fresh()
		if rapid.Bool().Draw(r, "made before") {
			d := drawDesired(r, o, "was")
			o = shuffled(r, plan.Diff(d, o), o, rapid.Uint64().Draw(r, "seed of the first run"))
		}
		for range rapid.IntRange(0, 6).Draw(r, "events") {
			event := rapid.SampledFrom(events).Draw(r, "event")
			event(&o, rapid.IntRange(1, 4).Draw(r, "member"))
		}
		d := drawDesired(r, o, "now")
		p := plan.Diff(d, o)
		after := shuffled(r, p, o, rapid.Uint64().Draw(r, "seed"))
		if again := plan.Diff(refreshed(d, after), after); !again.Empty() {
			r.Fatalf("the plan\n%s\nleaves\n%s", rendered(p), rendered(again))
		}
		down := plan.Teardown(group, after)
		gone := shuffled(r, down, after, rapid.Uint64().Draw(r, "seed of the teardown"))
		if again := plan.Teardown(group, gone); !again.Empty() {
			r.Fatalf("the teardown\n%s\nleaves\n%s", rendered(down), rendered(again))
		}
	})
}

// drawDesired draws members in any order and what can be changed.
func drawDesired(r *rapid.T, o plan.Observed, label string) plan.Desired {
	order := rapid.Permutation([]string{"1", "2", "3", "4"}).Draw(r, label+" order")
	n := rapid.IntRange(2, 4).Draw(r, label+" members")
	d := want(o, strings.Join(order[:n], " "), func(d *plan.Desired) {
		d.VRID = rapid.IntRange(1, 2).Draw(r, label+" vrid")
		d.Interval = rapid.SampledFrom([]time.Duration{300 * time.Millisecond, time.Second}).Draw(r, label+" interval")
		d.VIPs[0].FloatingIP = drawFloatingIP(r, o, label)
		// A family cannot be taken off a group; preflight refuses it.
		_, had := plan.Find(group, o).VIPPort(plan.IPv6)
		if had || rapid.Bool().Draw(r, label+" dual") {
			dual(d)
		}
	})
	return d
}

func drawFloatingIP(r *rapid.T, o plan.Observed, label string) *plan.FloatingIP {
	switch rapid.SampledFrom([]string{"none", "fip-10", "fip-11", "allocated"}).Draw(r, label+" floating ip") {
	case "fip-10":
		return &plan.FloatingIP{ID: "fip-10", Address: addr("203.0.113.10"), Network: public}
	case "fip-11":
		return &plan.FloatingIP{ID: "fip-11", Address: addr("203.0.113.11"), Network: public}
	case "allocated":
		f := &plan.FloatingIP{Network: public}
		if slices.ContainsFunc(o.FloatingIPs, func(f openstack.FloatingIP) bool { return f.ID == "fip-new" }) {
			f.ID, f.Address = "fip-new", addr("203.0.113.99")
		}
		return f
	default:
		return nil
	}
}

// refreshed is d as preflight would resolve it again.
func refreshed(d plan.Desired, o plan.Observed) plan.Desired {
	d.VIPs, d.Members = slices.Clone(d.VIPs), slices.Clone(d.Members)
	for i, v := range d.VIPs {
		if v.FloatingIP != nil && v.FloatingIP.ID == "" {
			d.VIPs[i].FloatingIP = &plan.FloatingIP{ID: "fip-new", Address: addr("203.0.113.99"), Network: public}
		}
	}
	for i, m := range d.Members {
		ports := slices.Clone(m.Ports)
		for j := range ports {
			ports[j].Port = port(o, ports[j].Port.ID)
		}
		d.Members[i].Ports = ports
	}
	return d
}

// events are what other tools, people and faults do to a group.
var events = []func(o *plan.Observed, member int){
	func(o *plan.Observed, n int) { editPort(o, id(n), func(p *openstack.Port) { p.Pairs = nil }) },
	func(o *plan.Observed, n int) {
		editPort(o, id(n), func(p *openstack.Port) { p.SecurityGroups = []string{"default"} })
	},
	func(o *plan.Observed, n int) { editPort(o, id(n), func(p *openstack.Port) { p.Tags = nil }) },
	func(o *plan.Observed, n int) {
		editPort(o, id(n), func(p *openstack.Port) {
			p.Pairs = append(slices.Clone(p.Pairs), openstack.AddressPair{IP: "10.0.0.136/32", MAC: p.MAC})
		})
	},
	func(o *plan.Observed, _ int) { editPort(o, "vip-v4", func(p *openstack.Port) { p.Tags = nil }) },
	func(o *plan.Observed, _ int) {
		for i := range o.SecurityGroups {
			o.SecurityGroups[i].Rules = nil
		}
	},
	func(o *plan.Observed, _ int) {
		for i := range o.SecurityGroups {
			o.SecurityGroups[i].Rules = append(slices.Clone(o.SecurityGroups[i].Rules), openstack.Rule{ID: "open", Direction: "egress", EtherType: "IPv6"})
		}
	},
	func(o *plan.Observed, _ int) {
		o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = "", addr("0.0.0.0").Prev()
	},
	func(o *plan.Observed, n int) {
		o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = id(n), plan.PortAddress(port(*o, id(n)), plan.IPv4)
	},
	func(o *plan.Observed, n int) {
		editHost(o, server(n), func(h *plan.Host) { h.Agent.Running, h.Agent.Status = false, nil })
	},
	func(o *plan.Observed, n int) { editHost(o, server(n), func(h *plan.Host) { h.Agent.Enabled = false }) },
	func(o *plan.Observed, n int) { editHost(o, server(n), func(h *plan.Host) { h.Agent.Status = nil }) },
	func(o *plan.Observed, n int) { editHost(o, server(n), func(h *plan.Host) { h.Agent = plan.Agent{} }) },
	func(o *plan.Observed, n int) {
		editHost(o, server(n), func(h *plan.Host) { h.Agent.BinarySHA256 = "other" })
	},
	func(o *plan.Observed, n int) {
		editHost(o, server(n), func(h *plan.Host) { h.Agent.ConfigSHA256 = "edited" })
	},
}

func id(n int) string { return fmt.Sprintf("port-%d", n) }

func server(n int) string { return fmt.Sprintf("server-%d", n) }
