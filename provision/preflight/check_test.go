package preflight_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
	"github.com/havip/havip/provision/spec"
)

func prefixes(list ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range list {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

func (w *world) vip() []netip.Addr { return []netip.Addr{w.g.VIPs[0].Address} }

// check is Check of a world that must not be refused.
func check(t *testing.T, w *world) plan.Desired {
	t.Helper()
	d, findings := preflight.Check(w.g, w.o, w.opt)
	if findings.Refused() {
		t.Fatalf("refused:\n%s", text(findings))
	}
	return d
}

func TestCheckResolvesTheGroup(t *testing.T) {
	w := sound()
	got := check(t, w)
	want := plan.Desired{
		Group: "bastion", VRID: 1, Taken: map[int]string{}, Interval: 300 * time.Millisecond, Version: 3, Mode: "unicast", Agent: w.opt.Release,
		VIPs: []plan.VIP{{
			Family: plan.IPv4, Network: w.o.Networks["internal"][0], Subnet: w.o.Subnets[0], Address: addr("10.0.0.136"),
			FloatingIP: &plan.FloatingIP{ID: "fip-10", Address: addr("203.0.113.10"), Network: w.o.External[0]},
		}},
		Members: []plan.Member{
			{Server: w.o.Servers["bastion-1"][0], Ports: []plan.MemberPort{{Port: w.o.Ports[2], Address: addr("10.0.0.130")}}, Priority: 250},
			{Server: w.o.Servers["bastion-2"][0], Ports: []plan.MemberPort{{Port: w.o.Ports[3], Address: addr("10.0.0.131")}}, Priority: 249},
		},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); d != "" {
		t.Errorf("desired (-want +got):\n%s", d)
	}
}

func TestVRIDIsTheLowestFreeOne(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   int
	}{
		{"nobody has one", func(*world) {}, 1},
		{"others have 1 and 2", func(w *world) { w.otherGroup(1); w.otherGroup(2) }, 3},
		{"another network's groups do not count", func(w *world) {
			w.o.Ports = append(w.o.Ports, openstack.Port{NetworkID: "net-9", Tags: plan.VIPPortTags("web", 1)})
		}, 1},
		{"another daemon on a member has 1", func(w *world) { w.foreign(plan.Foreign{Name: "vrrpd", VRIDs: []int{1}}) }, 2},
		{"the group has one", func(w *world) { w.made() }, 4},
		{"the group's VIP port lost its tag, its security group knows", func(w *world) {
			w.made()
			w.port("vip-port", func(p *openstack.Port) { p.Tags = []string{plan.TagGroup("bastion")} })
		}, 4},
		{"only the agents know", func(w *world) {
			w.host(func(h *plan.Host) { h.Agent.Config = agentOf(6, "10.0.0.136") })
		}, 6},
		{"the group has one and another is asked for", func(w *world) { w.made(); w.g.VRRP.ID = 9 }, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := sound()
			tt.change(w)
			if got := check(t, w).VRID; got != tt.want {
				t.Errorf("vrid %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAddressOfTheGroupIsKept(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   netip.Addr
	}{
		{"allocated when there is no group", func(*world) {}, netip.Addr{}},
		{"its VIP port has one", func(w *world) { w.made() }, addr("10.0.0.136")},
		{"its VIP port is gone and the agents know", func(w *world) {
			w.host(func(h *plan.Host) { h.Agent.Config = agentOf(6, "10.0.0.150") })
		}, addr("10.0.0.150")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := sound()
			w.g.VIPs[0].Address = netip.Addr{}
			tt.change(w)
			if got := check(t, w).VIPs[0].Address; got != tt.want {
				t.Errorf("address %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAllocatedFloatingIPIsFoundAgain(t *testing.T) {
	w := sound()
	w.made()
	w.g.VIPs[0].FloatingIP = spec.FloatingIP{Network: "public"}
	if f := check(t, w).VIPs[0].FloatingIP; f.ID != "" || f.Network.ID != "net-pub" {
		t.Errorf("without one of the group's: %+v", f)
	}
	w.o.FloatingIPs[0].Tags = []string{plan.TagGroup("bastion"), plan.TagAllocated}
	w.o.FloatingIPs[0].PortID = "vip-port"
	if f := check(t, w).VIPs[0].FloatingIP; f.ID != "fip-10" {
		t.Errorf("with one of the group's: %+v", f)
	}
}

func TestBothFamilies(t *testing.T) {
	w := sound()
	w.g.VIPs = append(w.g.VIPs, spec.VIP{Network: "internal", Subnet: "internal-v6"})
	for i, id := range []string{"port-1", "port-2"} {
		own := netip.MustParseAddr([]string{"fd00::130", "fd00::131"}[i])
		w.port(id, func(p *openstack.Port) {
			p.FixedIPs = append(p.FixedIPs, openstack.FixedIP{SubnetID: "sub-v6", IP: own})
		})
		h := w.o.Hosts[[]string{"server-1", "server-2"}[i]]
		h.NICs[0].Addresses = append(h.NICs[0].Addresses, netip.PrefixFrom(own, 64))
	}
	d := check(t, w)
	if len(d.VIPs) != 2 || d.VIPs[1].Family != plan.IPv6 || d.Members[1].Ports[1].Address != addr("fd00::131") {
		t.Errorf("desired: %+v", d)
	}
	if d.VIPs[0].FloatingIP == nil || d.VIPs[1].FloatingIP != nil {
		t.Errorf("floating ips: %+v and %+v", d.VIPs[0].FloatingIP, d.VIPs[1].FloatingIP)
	}
}

func TestLookingIsNotRefusedByWhatDriftSays(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
	}{
		{"this CLI carries no agents", func(w *world) {
			w.opt.Release.SHA256 = nil
			w.host(func(h *plan.Host) { h.Agent = plan.Agent{BinarySHA256: "cccc", Version: "9.0.0"} })
		}},
		{"a server is out of reach", func(w *world) { w.o.Hosts["server-1"] = plan.Host{Err: "no route to host"} }},
		{"a server is shut off", func(w *world) {
			w.nova(func(s *openstack.Server) { s.Status = "SHUTOFF" })
			delete(w.o.Hosts, "server-1")
		}},
		{"sudo asks for a password", func(w *world) { w.o.Hosts["server-1"] = plan.Host{User: "debian"} }},
		{"port security is off", func(w *world) { w.port("port-1", func(p *openstack.Port) { p.PortSecurity = false }) }},
		{"another group has the VRID", func(w *world) { w.otherGroup(4) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := sound()
			w.made()
			tt.change(w)
			if _, findings := preflight.Check(w.g, w.o, w.opt); !findings.Refused() {
				t.Error("a create is not refused")
			}
			w.opt.LookOnly = true
			if d := check(t, w); len(d.Members) != 2 || len(d.VIPs) != 1 || d.VRID != 4 {
				t.Errorf("desired: %+v", d)
			}
		})
	}
}
