//go:build acceptance

package acceptance

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	"github.com/havip/havip/openstack/openstacktest/contract"
)

// What the tests without a cloud believe of one is true of this one.
func TestTheCloudKeepsTheContract(t *testing.T) {
	image, flavor, external, err := the.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own, err := networks.Get(t.Context(), the.neut, the.network).Extract()
	if err != nil {
		t.Fatal(err)
	}
	contract.RunContract(t, contract.Target{
		Network: strings.TrimSuffix(the.neut.Endpoint, "v2.0/"), Compute: strings.TrimSuffix(the.compute.Endpoint, "/"),
		Token: the.compute.Token(), Project: own.ProjectID, External: external, Image: image, Flavor: flavor,
	})
}
