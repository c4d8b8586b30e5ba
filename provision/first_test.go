package provision_test

import (
	"testing"

	"github.com/havip/havip/openstack/openstacktest"
)

// The second member's agent comes up before the first one's, and is active at
// once.
func TestTheFirstMemberOfANewGroupIsActive(t *testing.T) {
	cloud := openstacktest.Start(t, openstacktest.Config{})
	site := cloud.Seed(openstacktest.Seed{Servers: 3})
	r := newRack(cloud.View())
	r.eager = site.Servers[1].Address
	service := newService(t, cloud, r)
	if out := create(t, service, parse(t, 2, site.FloatingIPs[0])); out.Active != "bastion-1" {
		t.Errorf("%s is active in a new group, want bastion-1", out.Active)
	}
	r.active = r.servers[r.eager]
	if out := create(t, service, parse(t, 3, site.FloatingIPs[0])); out.Active != "bastion-2" {
		t.Errorf("%s is active: a member that joins moves nothing", out.Active)
	}
}
