package openstack

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

func TestEndpointsAreUsedWithoutAskingThemForTheirVersions(t *testing.T) {
	cases := map[string]struct {
		service, url, want string
	}{
		"Neutron on a port":                    {"network", "http://c:9696", "http://c:9696/v2.0/ports"},
		"Neutron below a path":                 {"network", "http://c/networking/", "http://c/networking/v2.0/ports"},
		"Neutron with its version":             {"network", "http://c:9696/v2.0", "http://c:9696/v2.0/ports"},
		"Nova with its version":                {"compute", "http://c:8774/v2.1", "http://c:8774/v2.1/ports"},
		"Nova with version and project":        {"compute", "http://c/compute/v2.1/p1", "http://c/compute/v2.1/p1/ports"},
		"Nova of the old API":                  {"compute", "http://c:8774/v2/p1", "http://c:8774/v2/p1/ports"},
		"Nova without a version":               {"compute", "http://c/compute", "http://c/compute/v2.1/ports"},
		"a host whose name looks like version": {"network", "http://v2.0.c", "http://v2.0.c/v2.0/ports"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			l := locator{
				available: gophercloud.AvailabilityPublic,
				catalog:   []tokens.CatalogEntry{{Type: tc.service, Endpoints: []tokens.Endpoint{{Interface: "public", Region: "one", URL: tc.url}}}},
			}
			find := l.network
			if tc.service == "compute" {
				find = l.compute
			}
			client, region, err := find(&gophercloud.ProviderClient{})
			if err != nil {
				t.Fatal(err)
			}
			if got := client.ServiceURL("ports"); got != tc.want || region != "one" {
				t.Errorf("got %s in %s, want %s", got, region, tc.want)
			}
		})
	}
}
