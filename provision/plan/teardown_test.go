package plan_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

func TestTeardown(t *testing.T) {
	allocating := func(d *plan.Desired) { d.VIPs[0].FloatingIP = &plan.FloatingIP{Network: public} }
	tests := []struct {
		name    string
		was     []func(*plan.Desired)
		happens func(*plan.Observed)
		left    bool // something of the group stays
	}{
		{name: "everything is taken away"},
		{name: "an allocated floating ip is released", was: []func(*plan.Desired){allocating}},
		{name: "two families are taken away", was: []func(*plan.Desired){dual}},
		{name: "an unreachable server keeps its agent", left: true, happens: func(o *plan.Observed) { unreachable(o, "server-2") }},
		{name: "a shut off server keeps its agent", left: true, happens: func(o *plan.Observed) { delete(o.Hosts, "server-2") }},
		{name: "a server without root keeps its agent", left: true, happens: func(o *plan.Observed) {
			o.Hosts["server-2"] = plan.Host{User: "debian", Arch: "amd64", Init: plan.Systemd}
		}},
		{name: "a server that is gone with its port", happens: func(o *plan.Observed) {
			delete(o.Hosts, "server-2")
			delete(o.Servers, "bastion-2")
			o.Ports = slices.DeleteFunc(o.Ports, func(p openstack.Port) bool { return p.ID == "port-2" })
		}},
		{name: "a foreign port keeps the security group", left: true, happens: func(o *plan.Observed) {
			editPort(o, "port-4", func(p *openstack.Port) { p.SecurityGroups = append(p.SecurityGroups, "sg-new") })
		}},
		{name: "a port whose tags another tool has rewritten", happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) { p.Tags = []string{"owner=ann"} })
		}},
		{name: "a port without tags of a server that is off", left: true, happens: func(o *plan.Observed) {
			editPort(o, "port-2", func(p *openstack.Port) { p.Tags = nil })
			delete(o.Hosts, "server-2")
		}},
		{name: "a port whose pair was kept and that was not joined yet", happens: func(o *plan.Observed) {
			editPort(o, "port-4", func(p *openstack.Port) {
				p.Pairs = []openstack.AddressPair{{IP: "10.0.0.136", MAC: p.MAC}}
				p.Tags = []string{plan.TagKeptPair(group) + ".v4"}
			})
		}},
		{name: "a vip port deleted by a cleaner", happens: func(o *plan.Observed) {
			o.Ports = slices.DeleteFunc(o.Ports, func(p openstack.Port) bool { return p.ID == "vip-v4" })
			o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = "", addr("0.0.0.0").Prev()
		}},
		{name: "a floating ip that somebody took stays where it is", happens: func(o *plan.Observed) {
			o.FloatingIPs[0].PortID, o.FloatingIPs[0].Fixed = "port-4", addr("10.0.0.133")
		}},
		{name: "so does one that was allocated, and it is said", left: true, was: []func(*plan.Desired){allocating}, happens: func(o *plan.Observed) {
			f := &o.FloatingIPs[len(o.FloatingIPs)-1]
			f.Description = plan.Description(group, 51) + " for the web"
			f.PortID, f.Fixed = "port-4", addr("10.0.0.133")
		}},
		{name: "a foreign floating ip becomes unattached", happens: func(o *plan.Observed) {
			o.FloatingIPs[0].Tags = nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := settled(t, "1 2", tt.was...)
			if tt.happens != nil {
				tt.happens(&o)
			}
			p := plan.Teardown(group, o)
			golden(t, "teardown "+tt.name, rendered(p))
			if got := len(p.Left) > 0; got != tt.left {
				t.Errorf("something is left: %v, want %v", got, tt.left)
			}
			after := carryOut(t, p, o)
			if again := plan.Teardown(group, after); !again.Empty() {
				t.Errorf("a repeat still changes:\n%s", rendered(again))
			}
		})
	}
}

// Delete takes the group's lock and, should it fail, gives it back as it was.
func TestTeardownKnowsTheLockAndTheVRID(t *testing.T) {
	for _, tt := range []struct {
		name    string
		happens func(*plan.Observed)
		group   string
	}{
		{name: "from the vip port", happens: func(*plan.Observed) {}, group: "sg-new"},
		{name: "from the security group, when the vip port is gone", group: "sg-new", happens: func(o *plan.Observed) {
			o.Ports = slices.DeleteFunc(o.Ports, func(p openstack.Port) bool { return p.ID == "vip-v4" })
			o.SecurityGroups[0].Description = plan.Description(group, 51) + " havip:lock=bob@laptop/2@2026-01-01T12:00:00Z"
		}},
		{name: "without a security group there is no lock", happens: func(o *plan.Observed) { o.SecurityGroups = nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := settled(t, "1 2", func(d *plan.Desired) { d.VRID = 51 })
			tt.happens(&o)
			p := plan.Teardown(group, o)
			if p.Desired.VRID != 51 || p.Known.SecurityGroup != tt.group {
				t.Errorf("vrid %d, security group %q", p.Desired.VRID, p.Known.SecurityGroup)
			}
		})
	}
}

func TestTeardownPutsTheCloudBack(t *testing.T) {
	before := fresh()
	editPort(&before, "port-1", func(p *openstack.Port) {
		p.SecurityGroups = []string{"locked", "web"}
		p.Pairs = []openstack.AddressPair{{IP: "10.0.0.136", MAC: p.MAC}, {IP: "10.0.0.136/32", MAC: p.MAC}, {IP: "10.0.0.200", MAC: p.MAC}}
		p.Tags = []string{"owner=ann"}
	})
	made := carryOut(t, plan.Diff(want(before, "1 2 3"), before), before)
	after := carryOut(t, plan.Teardown(group, made), made)
	if d := cmp.Diff(before, after, addresses, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("cloud and servers (-before +after):\n%s", d)
	}
}

// A server that could not be reached keeps its mark, or gets it back, and the
// next delete takes the rest away.
func TestTeardownIsFinishedWhenTheServerIsBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(*openstack.Port) // the port of that server
		made   func(*openstack.Port)
	}{
		{name: "with a pair for the vip that was there before", before: func(p *openstack.Port) {
			p.Pairs = []openstack.AddressPair{{IP: "10.0.0.136", MAC: p.MAC}}
		}},
		{name: "without its tags", made: func(p *openstack.Port) { p.Tags = nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := fresh()
			if tt.before != nil {
				editPort(&before, "port-2", tt.before)
			}
			made := carryOut(t, plan.Diff(want(before, "1 2"), before), before)
			if tt.made != nil {
				editPort(&made, "port-2", tt.made)
			}
			back := made.Hosts["server-2"]
			unreachable(&made, "server-2")
			half := carryOut(t, plan.Teardown(group, made), made)
			half.Hosts["server-2"] = back
			after := carryOut(t, plan.Teardown(group, half), half)
			if d := cmp.Diff(before, after, addresses, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("cloud and servers (-before +after):\n%s", d)
			}
		})
	}
}

// A floating IP that somebody took is theirs, also when it comes free later and
// whatever havip is asked for then.
func TestAFloatingIPThatSomebodyTookIsNeverReleased(t *testing.T) {
	allocating := func(d *plan.Desired) { d.VIPs[0].FloatingIP = &plan.FloatingIP{Network: public} }
	o := settled(t, "1 2", allocating)
	f := &o.FloatingIPs[len(o.FloatingIPs)-1]
	f.Description = plan.Description(group, 51)
	f.PortID, f.Fixed = "port-4", addr("10.0.0.133")
	id := f.ID
	for _, p := range []plan.Plan{plan.Teardown(group, o), plan.Diff(want(o, "1 2"), o)} {
		after := carryOut(t, p, o)
		for i := range after.FloatingIPs {
			if f := &after.FloatingIPs[i]; f.ID == id {
				if len(f.Tags) > 0 || f.Description != "" || f.PortID != "port-4" {
					t.Errorf("it is %+v", *f)
				}
				detach(f)
			}
		}
		for _, later := range []plan.Plan{plan.Teardown(group, after), plan.Diff(want(after, "1 2"), after)} {
			for _, a := range later.Actions {
				if op, ok := a.Op.(plan.ReleaseFloatingIP); ok && op.ID == id {
					t.Errorf("it is released:\n%s", rendered(later))
				}
			}
		}
	}
}
