//go:build acceptance

package acceptance

import (
	"strings"
	"testing"

	"github.com/havip/havip/openstack/openstacktest/contract"
)

// What the tests without a cloud believe of one is true of this one.
func TestTheCloudKeepsTheContract(t *testing.T) {
	image, flavor, external, err := the.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	contract.RunContract(t, contract.Target{
		Network: strings.TrimSuffix(the.neut.Endpoint, "v2.0/"), Compute: strings.TrimSuffix(the.compute.Endpoint, "/"),
		Token: the.compute.Token(), External: external, Image: image, Flavor: flavor,
	})
}
