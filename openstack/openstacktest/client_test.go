package openstacktest_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/openstack/openstacktest"
)

// connect logs in by an entry of the cloud's clouds.yaml.
func connect(t *testing.T, c *openstacktest.Cloud, entry string) *openstack.Client {
	t.Helper()
	writeClouds(t, c)
	client, err := openstack.Connect(t.Context(), openstack.Options{Cloud: entry})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestOurClientFindsWhatWasSeeded(t *testing.T) {
	for _, entry := range []string{"demo", "demo-appcred"} {
		t.Run(entry, func(t *testing.T) {
			c := openstacktest.Start(t, openstacktest.Config{TLS: true})
			site := c.Seed(openstacktest.Seed{})
			client := connect(t, c, entry)

			networks, err := client.Networks(t.Context(), "internal")
			if err != nil || len(networks) != 1 || networks[0].ID != site.Network {
				t.Errorf("networks are %v, %v", networks, err)
			}
			servers, err := client.Servers(t.Context(), "bastion-1")
			if err != nil || len(servers) != 1 || servers[0].ID != site.Servers[0].ID || servers[0].Status != "ACTIVE" {
				t.Errorf("servers are %+v, %v", servers, err)
			}
			ports, err := client.Ports(t.Context(), openstack.PortFilter{NetworkID: site.Network})
			if err != nil || len(ports) != 3 {
				t.Errorf("ports are %+v, %v", ports, err)
			}
			quotas, err := client.Quotas(t.Context())
			if err != nil || quotas.Port == nil || quotas.Port.Used != 3 {
				t.Errorf("quotas are %+v, %v", quotas.Port, err)
			}
		})
	}
}

func TestAGroupOfOurClientLivesAndGoes(t *testing.T) {
	c := openstacktest.Start(t, openstacktest.Config{})
	site := c.Seed(openstacktest.Seed{})
	client := connect(t, c, "demo")
	ctx := t.Context()
	before := c.View()

	vip, err := client.CreatePort(ctx, openstack.PortCreate{Name: "vip", NetworkID: site.Network, SubnetID: site.Subnet, Address: netip.MustParseAddr("10.0.0.136")})
	if err != nil {
		t.Fatal(err)
	}
	group, err := client.CreateSecurityGroup(ctx, openstack.SecurityGroupCreate{Name: "havip-bastion"})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetTags(ctx, openstack.Ports, vip.ID, []string{"havip", "havip:group=bastion"}); err != nil {
		t.Fatal(err)
	}
	member, err := client.Port(ctx, site.Servers[0].Port)
	if err != nil {
		t.Fatal(err)
	}
	pairs, groups := []openstack.AddressPair{openstack.PairOf(netip.MustParseAddr("10.0.0.136"))}, append(member.SecurityGroups, group.ID)
	changed, err := client.UpdatePort(ctx, member.ID, member.Revision, openstack.PortUpdate{Pairs: &pairs, SecurityGroups: &groups})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]openstack.AddressPair{{IP: "10.0.0.136", MAC: member.MAC}}, changed.Pairs); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	if _, err := client.UpdatePort(ctx, member.ID, member.Revision, openstack.PortUpdate{Pairs: &pairs}); !errors.Is(err, openstack.ErrConflict) {
		t.Errorf("a stale revision gave %v", err)
	}
	fip, err := client.CreateFloatingIP(ctx, site.External, vip.ID, "for havip")
	if err != nil || fip.Fixed != netip.MustParseAddr("10.0.0.136") {
		t.Errorf("floating IP is %+v, %v", fip, err)
	}
	if err := client.DeleteSecurityGroup(ctx, group.ID); !errors.Is(err, openstack.ErrInUse) {
		t.Errorf("deleting a group in use gave %v", err)
	}

	none := []openstack.AddressPair{}
	if _, err := client.UpdatePort(ctx, member.ID, changed.Revision, openstack.PortUpdate{Pairs: &none, SecurityGroups: &member.SecurityGroups}); err != nil {
		t.Error(err)
	}
	for _, err := range []error{client.DeleteFloatingIP(ctx, fip.ID, fip.Revision), client.DeletePort(ctx, vip.ID), client.DeleteSecurityGroup(ctx, group.ID)} {
		if err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(before, c.View(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("the cloud is another than before (-before +after):\n%s", diff)
	}
}
