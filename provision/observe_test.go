package provision

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/spec"
)

// portCloud has ports and one security group, and no more of what observe asks
// for. It keeps which ports it was asked for.
type portCloud struct {
	Cloud
	ports      []openstack.Port
	groups     []openstack.SecurityGroup
	extensions map[string]bool

	mu    sync.Mutex
	asked []openstack.PortFilter
}

func (c *portCloud) Ports(_ context.Context, f openstack.PortFilter) ([]openstack.Port, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, f)
	var found []openstack.Port
	for _, p := range c.ports {
		missing := slices.ContainsFunc(f.Tags, func(tag string) bool { return !slices.Contains(p.Tags, tag) })
		inGroup := f.SecurityGroup == "" || slices.Contains(p.SecurityGroups, f.SecurityGroup)
		onNetwork := f.NetworkID == "" || f.NetworkID == p.NetworkID
		if !missing && inGroup && onNetwork && (f.Name == "" || f.Name == p.Name) {
			found = append(found, p)
		}
	}
	return found, nil
}

func (c *portCloud) SecurityGroups(context.Context, string) ([]openstack.SecurityGroup, error) {
	return c.groups, nil
}

func (c *portCloud) Networks(_ context.Context, ref string) ([]openstack.Network, error) {
	return []openstack.Network{{ID: ref}}, nil
}
func (*portCloud) Identity() openstack.Identity { return openstack.Identity{} }
func (*portCloud) Servers(context.Context, string) ([]openstack.Server, error) {
	return nil, nil
}

func (*portCloud) ExternalNetworks(context.Context) ([]openstack.Network, error) {
	return nil, nil
}

func (*portCloud) Subnets(context.Context, ...string) ([]openstack.Subnet, error) {
	return nil, nil
}

func (*portCloud) FloatingIPs(context.Context) ([]openstack.FloatingIP, error) {
	return nil, nil
}
func (*portCloud) Routers(context.Context) ([]openstack.Router, error)    { return nil, nil }
func (c *portCloud) Extensions(context.Context) (map[string]bool, error)  { return c.extensions, nil }
func (*portCloud) Quotas(context.Context) (q openstack.Quotas, err error) { return q, nil }

func newPortCloud() *portCloud {
	return &portCloud{
		ports: []openstack.Port{
			{ID: "vip", NetworkID: "internal", Tags: []string{plan.TagHavip, plan.TagGroup("bastion")}},
			{ID: "foreign", NetworkID: "elsewhere", SecurityGroups: []string{"sg-1"}},
			{ID: "unrelated", NetworkID: "elsewhere", SecurityGroups: []string{"sg-2"}},
		},
		groups: []openstack.SecurityGroup{
			{ID: "sg-1", Name: "havip-bastion", Tags: []string{plan.TagHavip, plan.TagGroup("bastion")}},
			{ID: "sg-2", Name: "havip-bastion"}, // of the same name, and not ours
		},
	}
}

func TestDeleteLeavesASecurityGroupThatAPortOfAnotherNetworkUses(t *testing.T) {
	s := &Service{Cloud: newPortCloud(), Now: time.Now}
	p, err := s.PrepareDelete(t.Context(), Selection{Name: "bastion"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, port := range p.Observed.Ports {
		ids = append(ids, port.ID)
	}
	if diff := cmp.Diff([]string{"foreign", "vip"}, ids); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if len(p.Plan.Left) != 1 || p.Plan.Left[0].What != "security group havip-bastion" {
		t.Errorf("left %+v, want the security group", p.Plan.Left)
	}
	for _, a := range p.Plan.Actions {
		if _, ok := a.Op.(plan.DeleteSecurityGroup); ok {
			t.Error("the security group is to be deleted")
		}
	}
}

// An admin sees the ports of all projects, and the servers of all too.
func TestDeleteLooksAtNoServerOfAnotherProject(t *testing.T) {
	c := newGroupCloud()
	for _, p := range c.ports {
		p.ID, p.ProjectID, p.SecurityGroups = "dev-"+p.ID, "dev", []string{"sg-dev"}
		if p.DeviceID != "" {
			p.DeviceID = "server-9"
		}
		c.ports = append(c.ports, p)
	}
	s := &Service{Cloud: c, Dial: (&agents{}).dial, Now: time.Now}
	p, err := s.PrepareDelete(t.Context(), Selection{Name: "bastion"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"server-1", "server-2", "server-3"}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(p.Observed.Hosts))); d != "" {
		t.Errorf("servers looked at (-want +got):\n%s", d)
	}
}

func TestWhenAllUsersOfTheSecurityGroupAreAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name       string
		vrrp       spec.VRRP // only a group file gives it
		extensions map[string]bool
		want       bool
	}{
		{name: "a group made from its marks", want: true},
		{name: "a group of a file", vrrp: spec.VRRP{Version: 3}},
		{name: "a cloud that filters", extensions: map[string]bool{"port-security-groups-filtering": true}, want: true},
		{name: "a cloud that would refuse the filter", extensions: map[string]bool{"filter-validation": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newPortCloud()
			c.extensions = tt.extensions
			s := &Service{Cloud: c, Now: time.Now}
			g := spec.Group{Name: "bastion", VIPs: []spec.VIP{{Network: "internal"}}, VRRP: tt.vrrp}
			if _, err := s.observe(t.Context(), g, s.NewFleet()); err != nil {
				t.Fatal(err)
			}
			if got := slices.ContainsFunc(c.asked, func(f openstack.PortFilter) bool { return f.SecurityGroup == "sg-1" }); got != tt.want {
				t.Errorf("asked: %t, want %t", got, tt.want)
			}
		})
	}
}
