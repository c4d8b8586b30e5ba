package plan_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

const mac = "fa:16:3e:00:00:01"

func pairs(list ...string) []openstack.AddressPair {
	all := []openstack.AddressPair{}
	for _, ip := range list {
		all = append(all, openstack.AddressPair{IP: ip, MAC: mac})
	}
	return all
}

func TestJoinAndLeave(t *testing.T) {
	foreign := openstack.AddressPair{IP: "10.0.0.136", MAC: "fa:16:3e:ff:ff:ff"}
	added := openstack.AddressPair{IP: "10.0.0.136"}
	tests := []struct {
		name   string
		pairs  []openstack.AddressPair
		groups []string
		joined *[]openstack.AddressPair // nil: not changed
		groupJ *[]string
		left   *[]openstack.AddressPair
		groupL *[]string
	}{
		{
			name: "an empty port", pairs: nil, groups: nil,
			joined: &[]openstack.AddressPair{added}, groupJ: &[]string{"sg"},
		},
		{
			name: "foreign pairs and groups keep their order", pairs: pairs("10.0.0.9", "10.0.0.8"), groups: []string{"z", "a"},
			joined: new(append(pairs("10.0.0.9", "10.0.0.8"), added)), groupJ: &[]string{"z", "a", "sg"},
		},
		{
			name: "a member's port", pairs: pairs("10.0.0.9", "10.0.0.136", "10.0.0.8"), groups: []string{"z", "sg", "a"},
			left: new(pairs("10.0.0.9", "10.0.0.8")), groupL: &[]string{"z", "a"},
		},
		{
			name: "the only pair and group", pairs: pairs("10.0.0.136"), groups: []string{"sg"},
			left: new(pairs()), groupL: &[]string{},
		},
		{
			name: "a pair without a MAC is the port's own", pairs: []openstack.AddressPair{added}, groups: []string{"sg"},
			left: new(pairs()), groupL: &[]string{},
		},
		{
			name: "a MAC in capitals is the same", pairs: []openstack.AddressPair{{IP: "10.0.0.136", MAC: "FA:16:3E:00:00:01"}}, groups: []string{"sg"},
			left: new(pairs()), groupL: &[]string{},
		},
		{
			name: "a pair for another MAC is foreign", pairs: []openstack.AddressPair{foreign}, groups: []string{"sg"},
			joined: &[]openstack.AddressPair{foreign, added}, groupL: &[]string{},
		},
		{
			name: "a pair with a length gets the bare one beside it", pairs: pairs("10.0.0.136/32"), groups: []string{"sg"},
			joined: new(append(pairs("10.0.0.136/32"), added)), groupL: &[]string{},
		},
	}
	vips := []netip.Addr{addr("10.0.0.136")}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := openstack.Port{MAC: mac, Pairs: tt.pairs, SecurityGroups: tt.groups}
			check := func(what string, got openstack.PortUpdate, changed bool, pairs *[]openstack.AddressPair, groups *[]string) {
				t.Helper()
				want := openstack.PortUpdate{Pairs: pairs, SecurityGroups: groups}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", what, d)
				}
				if w := pairs != nil || groups != nil; changed != w {
					t.Errorf("%s reports a change: %v, want %v", what, changed, w)
				}
			}
			u, changed := plan.Join(p, vips, "sg")
			check("join", u, changed, tt.joined, tt.groupJ)
			u, changed = plan.Leave(p, vips, "sg")
			check("leave", u, changed, tt.left, tt.groupL)
		})
	}
}
