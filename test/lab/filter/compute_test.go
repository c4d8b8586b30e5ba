package filter

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack/openstacktest"
)

// view has one port with a pair, in one group.
func view(rules ...openstacktest.Rule) openstacktest.View {
	return openstacktest.View{
		Networks: []openstacktest.Network{{ID: "11111111-2222", Name: "internal"}},
		Subnets:  []openstacktest.Subnet{{ID: "s", NetworkID: "11111111-2222", CIDR: netip.MustParsePrefix("10.0.0.0/24")}},
		Ports: []openstacktest.Port{
			{
				ID: "aaaaaaaa-bbbb", NetworkID: "11111111-2222", MAC: "fa:16:3e:00:00:01", AdminUp: true, PortSecurity: true,
				FixedIPs:    []openstacktest.FixedIP{{SubnetID: "s", Address: netip.MustParseAddr("10.0.0.11")}},
				Pairs:       []openstacktest.Pair{{MAC: "fa:16:3e:00:00:01", Prefix: netip.MustParsePrefix("10.0.0.100/32")}},
				DeviceOwner: "compute:nova", SecurityGroups: []string{"g"},
			},
			{ // a router's is not filtered
				ID: "cccccccc-dddd", NetworkID: "11111111-2222", MAC: "fa:16:3e:00:00:02", AdminUp: true,
				FixedIPs:    []openstacktest.FixedIP{{SubnetID: "s", Address: netip.MustParseAddr("10.0.0.1")}},
				DeviceOwner: "network:router_interface", SecurityGroups: []string{"g"},
			},
		},
		SecurityGroups: []openstacktest.SecurityGroup{{ID: "g", Rules: rules}},
	}
}

func TestComputeOneServer(t *testing.T) {
	want := `zone brq11111111-22 17991
chain forward
	iifname "tapaaaaaaaa-bb" jump tapaaaaaaaa-bb-out
	oifname "tapaaaaaaaa-bb" jump tapaaaaaaaa-bb-in
chain tapaaaaaaaa-bb-out
	ether type ip meta l4proto 17 th sport 67 th dport 68 drop
	ether type ip6 meta l4proto 17 th sport 547 th dport 546 drop
	ether type ip6 meta l4proto 58 icmp type 134 drop
	ether saddr fa:16:3e:00:00:01 ether type ip6 meta l4proto 58 icmp type 136 icmpv6 taddr fe80::f816:3eff:fe00:1 return
	ether type ip6 meta l4proto 58 icmp type 136 drop
	ether saddr fa:16:3e:00:00:01 ether type arp arp saddr ether fa:16:3e:00:00:01 arp saddr ip 10.0.0.11 return
	ether saddr fa:16:3e:00:00:01 ether type ip ip saddr 10.0.0.11 goto tapaaaaaaaa-bb-sgo
	ether saddr fa:16:3e:00:00:01 ether type arp arp saddr ether fa:16:3e:00:00:01 arp saddr ip 10.0.0.100 return
	ether saddr fa:16:3e:00:00:01 ether type ip ip saddr 10.0.0.100 goto tapaaaaaaaa-bb-sgo
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr fe80::f816:3eff:fe00:1 meta l4proto 58 icmp type 133 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr fe80::f816:3eff:fe00:1 meta l4proto 58 icmp type 135 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr fe80::f816:3eff:fe00:1 meta l4proto 58 icmp type 131 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr fe80::f816:3eff:fe00:1 meta l4proto 58 icmp type 132 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr fe80::f816:3eff:fe00:1 meta l4proto 58 icmp type 143 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr fe80::f816:3eff:fe00:1 goto tapaaaaaaaa-bb-sgo
	ether saddr fa:16:3e:00:00:01 ether type ip ip saddr 0.0.0.0 meta l4proto 17 th sport 68 th dport 67 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr :: meta l4proto 58 icmp type 133 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr :: meta l4proto 58 icmp type 135 return
	ether saddr fa:16:3e:00:00:01 ether type ip6 ip6 saddr :: meta l4proto 58 icmp type 143 return
	drop
chain tapaaaaaaaa-bb-sgo
	ct state established,related return
	drop
chain tapaaaaaaaa-bb-in
	ether type arp return
	ether type ip6 meta l4proto 58 icmp type 130 return
	ether type ip6 meta l4proto 58 icmp type 131 return
	ether type ip6 meta l4proto 58 icmp type 132 return
	ether type ip6 meta l4proto 58 icmp type 134 return
	ether type ip6 meta l4proto 58 icmp type 135 return
	ether type ip6 meta l4proto 58 icmp type 136 return
	ether type ip ip daddr 10.0.0.11 goto tapaaaaaaaa-bb-sgi
	ether type ip ip daddr 10.0.0.100 goto tapaaaaaaaa-bb-sgi
	ether type ip6 ip6 daddr fe80::f816:3eff:fe00:1 goto tapaaaaaaaa-bb-sgi
	ether type ip ip daddr 10.0.0.255 goto tapaaaaaaaa-bb-sgi
	ether type ip ip daddr 255.255.255.255 goto tapaaaaaaaa-bb-sgi
	ether type ip ip daddr 224.0.0.0/4 goto tapaaaaaaaa-bb-sgi
	ether type ip6 ip6 daddr ff00::/8 goto tapaaaaaaaa-bb-sgi
	drop
chain tapaaaaaaaa-bb-sgi
	ct state established,related return
	drop
`
	if diff := cmp.Diff(want, Compute(view()).String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRulesOfSecurityGroups(t *testing.T) {
	rule := func(change func(*openstacktest.Rule)) openstacktest.Rule {
		r := openstacktest.Rule{Ingress: true, Protocol: -1, PortMin: -1, PortMax: -1}
		change(&r)
		return r
	}
	tests := []struct {
		name string
		rule openstacktest.Rule
		in   string // the chain of ingress, without its first and last rule
		out  string
	}{
		{"everything in", rule(func(*openstacktest.Rule) {}), "ether type ip return", ""},
		{"everything out over IPv6", rule(func(r *openstacktest.Rule) { r.Ingress, r.IPv6 = false, true }), "", "ether type ip6 return"},
		{"one port", rule(func(r *openstacktest.Rule) { r.Protocol, r.PortMin, r.PortMax = 6, 22, 22 }), "ether type ip meta l4proto 6 th dport 22 return", ""},
		{"ports from one network", rule(func(r *openstacktest.Rule) {
			r.Protocol, r.PortMin, r.PortMax, r.RemoteIPPrefix = 17, 5000, 5010, netip.MustParsePrefix("192.0.2.0/25")
		}), "ether type ip meta l4proto 17 th dport 5000-5010 ip saddr 192.0.2.0/25 return", ""},
		{"from everywhere, said so", rule(func(r *openstacktest.Rule) { r.RemoteIPPrefix = netip.MustParsePrefix("0.0.0.0/0") }), "ether type ip return", ""},
		{
			"VRRP from its own group: one rule for each address, the router's too", rule(func(r *openstacktest.Rule) { r.Protocol, r.RemoteGroupID = 112, "g" }),
			"ether type ip meta l4proto 112 ip saddr 10.0.0.11 return|ether type ip meta l4proto 112 ip saddr 10.0.0.1 return", "",
		},
		{
			"VRRP to its own group", rule(func(r *openstacktest.Rule) { r.Ingress, r.Protocol, r.RemoteGroupID = false, 112, "g" }), "",
			"ether type ip meta l4proto 112 ip daddr 10.0.0.11 return|ether type ip meta l4proto 112 ip daddr 10.0.0.1 return",
		},
		{"a group without addresses of the family", rule(func(r *openstacktest.Rule) { r.IPv6, r.RemoteGroupID = true, "g" }), "", ""},
		{"echo requests", rule(func(r *openstacktest.Rule) { r.Protocol, r.PortMin, r.PortMax = 1, 8, 0 }), "ether type ip meta l4proto 1 icmp type 8 icmp code 0 return", ""},
		{"icmp with IPv6 is ICMPv6", rule(func(r *openstacktest.Rule) { r.Protocol, r.IPv6 = 1, true }), "ether type ip6 meta l4proto 58 return", ""},
		{"a prefix of the other family", rule(func(r *openstacktest.Rule) { r.IPv6, r.RemoteIPPrefix = true, netip.MustParsePrefix("192.0.2.0/24") }), "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := map[string]string{}
			for _, c := range Compute(view(test.rule)).Chains {
				var lines []string
				for _, r := range c.Rules {
					lines = append(lines, r.String())
				}
				if n := len(lines); n >= 2 {
					got[c.Name] = strings.Join(lines[1:n-1], "|")
				}
			}
			if diff := cmp.Diff(test.in, got["tapaaaaaaaa-bb-sgi"]); diff != "" {
				t.Errorf("ingress: -want +got:\n%s", diff)
			}
			if diff := cmp.Diff(test.out, got["tapaaaaaaaa-bb-sgo"]); diff != "" {
				t.Errorf("egress: -want +got:\n%s", diff)
			}
		})
	}
}

func TestPortsThatAreNotFilteredByGroups(t *testing.T) {
	tests := []struct {
		name   string
		change func(*openstacktest.Port)
		want   string // the first chain
	}{
		{"without port security everything passes", func(p *openstacktest.Port) { p.PortSecurity = false }, ""},
		{"switched off nothing does", func(p *openstacktest.Port) { p.AdminUp = false }, `iifname "tapaaaaaaaa-bb" drop|oifname "tapaaaaaaaa-bb" drop`},
		{"one that no server has", func(p *openstacktest.Port) { p.DeviceOwner = "" }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := view()
			test.change(&v.Ports[0])
			s := Compute(v)
			var lines []string
			for _, r := range s.Chains[0].Rules {
				lines = append(lines, r.String())
			}
			if diff := cmp.Diff(test.want, strings.Join(lines, "|")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if len(s.Chains) != 1 {
				t.Errorf("%d chains for a port that has none", len(s.Chains)-1)
			}
		})
	}
}
