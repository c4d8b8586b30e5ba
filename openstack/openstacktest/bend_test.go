package openstacktest_test

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/openstack/openstacktest"
)

func TestWhatATestBendsIsWhatOurClientMeets(t *testing.T) {
	vip := func(c *openstack.Client, t *testing.T, s openstacktest.Site) error {
		_, err := c.CreatePort(t.Context(), openstack.PortCreate{Name: "vip", NetworkID: s.Network, SubnetID: s.Subnet, Address: netip.MustParseAddr("10.0.0.136")})
		return err
	}
	pairs := func(n int) func(*openstack.Client, *testing.T, openstacktest.Site) error {
		return func(c *openstack.Client, t *testing.T, s openstacktest.Site) error {
			p, err := c.Port(t.Context(), s.Servers[0].Port)
			if err != nil {
				return err
			}
			list := p.Pairs
			for i := range n {
				list = append(list, openstack.AddressPair{IP: netip.AddrFrom4([4]byte{10, 0, 0, byte(200 + i)}).String()})
			}
			_, err = c.UpdatePort(t.Context(), p.ID, p.Revision, openstack.PortUpdate{Pairs: &list})
			return err
		}
	}
	for name, tc := range map[string]struct {
		bend func(*openstacktest.Cloud, openstacktest.Site)
		do   func(*openstack.Client, *testing.T, openstacktest.Site) error
		is   error
		kind string
	}{
		"the quota of ports is used up": {
			func(c *openstacktest.Cloud, _ openstacktest.Site) { c.SetQuota("port", 3) }, vip, openstack.ErrQuota, "OverQuota",
		},
		"ports may not be created": {
			func(c *openstacktest.Cloud, _ openstacktest.Site) { c.Deny("create_port") }, vip, openstack.ErrForbidden, "PolicyNotAuthorized",
		},
		"the VIP is taken": {
			func(c *openstacktest.Cloud, s openstacktest.Site) {
				c.Demo().Post("/network/v2.0/ports", map[string]any{"port": map[string]any{
					"network_id": s.Network, "fixed_ips": []map[string]any{{"ip_address": "10.0.0.136"}},
				}})
			}, vip, openstack.ErrInUse, "IpAddressAlreadyAllocated",
		},
		"a port's security is off": {
			func(c *openstacktest.Cloud, s openstacktest.Site) { c.SetPortSecurity(s.Servers[0].Port, false) },
			pairs(1), openstack.ErrInUse, "AddressPairAndPortSecurityRequired",
		},
		"fewer pairs are allowed": {
			func(c *openstacktest.Cloud, _ openstacktest.Site) { c.SetMaxPairs(2) }, pairs(3), nil, "AllowedAddressPairExhausted",
		},
		"a port's pairs are full": {
			func(c *openstacktest.Cloud, s openstacktest.Site) {
				var ten []string
				for i := range 10 {
					ten = append(ten, netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}).String())
				}
				c.SetPairs(s.Servers[0].Port, ten...)
			}, pairs(1), nil, "AllowedAddressPairExhausted",
		},
		"there are no pairs": {
			func(c *openstacktest.Cloud, _ openstacktest.Site) { c.DropExtension("allowed-address-pairs") }, pairs(1), nil, "HTTPBadRequest",
		},
		"there are no security groups": {
			func(c *openstacktest.Cloud, _ openstacktest.Site) { c.DropExtension("security-group") },
			func(c *openstack.Client, t *testing.T, _ openstacktest.Site) error {
				_, err := c.SecurityGroups(t.Context(), "x")
				return err
			}, openstack.ErrNotFound, "HTTPNotFound",
		},
		"the network has no router": {
			func(c *openstacktest.Cloud, s openstacktest.Site) {
				c.Demo().Put("/network/v2.0/routers/"+s.Router+"/remove_router_interface", map[string]any{"subnet_id": s.Subnet})
			},
			func(c *openstack.Client, t *testing.T, s openstacktest.Site) error {
				_, err := c.AttachFloatingIP(t.Context(), s.FloatingIPIDs[0], 0, s.Servers[0].Port)
				return err
			}, openstack.ErrNotFound, "ExternalGatewayForFloatingIPNotFound",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, site, client := world(t)
			tc.bend(c, site)
			err := tc.do(client, t, site)
			var refused *openstack.Error
			if !errors.As(err, &refused) || refused.Type != tc.kind || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got %v, want %s", err, tc.kind)
			}
		})
	}
}

func TestALoginMeetsWhatATestHasBent(t *testing.T) {
	stranger := openstacktest.Start(t, openstacktest.Config{TLS: true})
	for name, tc := range map[string]struct {
		bend func(*openstacktest.Cloud)
		opts openstack.Options
		is   error
		text string
	}{
		"a wrong password":       {func(c *openstacktest.Cloud) { c.SetPassword("demo", "x") }, openstack.Options{}, openstack.ErrUnauthorized, ""},
		"no compute service":     {func(c *openstacktest.Cloud) { c.HideService("compute") }, openstack.Options{}, openstack.ErrConfig, "catalogue"},
		"Neutron elsewhere":      {func(c *openstacktest.Cloud) { c.MoveService("network", "RegionTwo") }, openstack.Options{}, openstack.ErrConfig, "RegionTwo"},
		"an unknown region":      {func(*openstacktest.Cloud) {}, openstack.Options{Region: "RegionNine"}, openstack.ErrConfig, "RegionOne"},
		"an unknown project":     {func(*openstacktest.Cloud) {}, openstack.Options{ProjectName: "nobody"}, openstack.ErrUnauthorized, ""},
		"a project of others":    {func(*openstacktest.Cloud) {}, openstack.Options{ProjectName: "admin"}, openstack.ErrUnauthorized, ""},
		"a CA that nobody knows": {func(*openstacktest.Cloud) {}, openstack.Options{CACert: stranger.CAFile()}, openstack.ErrUntrusted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := openstacktest.Start(t, openstacktest.Config{TLS: true})
			tc.bend(c)
			writeClouds(t, c)
			tc.opts.Cloud = "demo"
			_, err := openstack.Connect(t.Context(), tc.opts)
			if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %v with %q", err, tc.is, tc.text)
			}
		})
	}
}

func TestListsComeInAsManyPagesAsTheCloudLikes(t *testing.T) {
	c := openstacktest.Start(t, openstacktest.Config{})
	site := c.Seed(openstacktest.Seed{Servers: 5})
	client := connect(t, c, "demo")
	c.SetPageSize(2)
	c.Forget()
	found, err := client.Ports(t.Context(), openstack.PortFilter{NetworkID: site.Network})
	if err != nil || len(found) != 6 {
		t.Errorf("%d ports, %v, want 6", len(found), err)
	}
	if l := c.Requests(); len(l) != 3 {
		t.Errorf("pages:\n%s", l)
	}
}

func TestANovaOfOldAnswersWithoutMicroversions(t *testing.T) {
	c := openstacktest.Start(t, openstacktest.Config{})
	site := c.Seed(openstacktest.Seed{})
	c.SetLocked(site.Servers[0].ID, true)
	client := connect(t, c, "demo")
	if v, err := client.Server(t.Context(), site.Servers[0].ID); err != nil || !v.Locked {
		t.Errorf("server is %+v, %v", v, err)
	}
	c.SetMicroversion(1)
	if v, err := client.Server(t.Context(), site.Servers[0].ID); err != nil || v.Locked {
		t.Errorf("server of an old Nova is %+v, %v", v, err)
	}
}

func TestOnASharedNetworkOfOthersOnlyTheirOwnerChoosesAddresses(t *testing.T) {
	c, _, _ := world(t)
	admin := c.Admin()
	network := admin.Post("/network/v2.0/networks", map[string]any{"network": map[string]any{"name": "shared", "shared": true}}).ID()
	admin.Post("/network/v2.0/subnets", map[string]any{"subnet": map[string]any{"network_id": network, "ip_version": 4, "cidr": "10.5.0.0/24"}})
	for name, tc := range map[string]struct {
		extra map[string]any
		want  int
	}{
		"any address":     {nil, 201},
		"this address":    {map[string]any{"fixed_ips": []map[string]any{{"ip_address": "10.5.0.77"}}}, 403},
		"a pair":          {map[string]any{"allowed_address_pairs": []map[string]any{{"ip_address": "10.5.0.77"}}}, 403},
		"no filtering":    {map[string]any{"port_security_enabled": false}, 403},
		"for another":     {map[string]any{"project_id": "someone"}, 403},
		"a chosen host":   {map[string]any{"binding:host_id": "x"}, 403},
		"no group at all": {map[string]any{"security_groups": []string{}}, 201},
	} {
		t.Run(name, func(t *testing.T) {
			body := map[string]any{"network_id": network}
			for k, v := range tc.extra {
				body[k] = v
			}
			if a := c.Demo().Do("POST", "/network/v2.0/ports", map[string]any{"port": body}); a.Status != tc.want {
				t.Errorf("%d %s, want %d", a.Status, a.Body, tc.want)
			}
		})
	}
}

// writeClouds makes the working folder a new one with the cloud's clouds.yaml,
// and hides the environment.
func writeClouds(t *testing.T, c *openstacktest.Cloud) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("clouds.yaml", []byte(c.CloudsYAML()), 0o600); err != nil {
		t.Fatal(err)
	}
}
