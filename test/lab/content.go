package lab

import (
	"fmt"
	"net/netip"

	"github.com/havip/havip/openstack/openstacktest"
)

// FloatingIP is one that is allocated and leads nowhere yet.
const FloatingIP = "203.0.113.10"

// furnish gives the project demo what most tenants have: a network with a way
// out, servers that let SSH in, and a free floating IP. Each server has a
// floating IP of its own as well.
func furnish(c *openstacktest.Cloud, servers int, publicKey string) error {
	type object = map[string]any
	const v2 = "/network/v2.0"
	demo := c.Demo()
	// The first address of the pool: before the router takes it.
	if _, got := c.AddFloatingIP(""); got != netip.MustParseAddr(FloatingIP) {
		return fmt.Errorf("allocate the floating IP %s: got %s", FloatingIP, got)
	}
	network := demo.Post(v2+"/networks", object{"network": object{"name": "internal"}}).ID()
	subnet := demo.Post(v2+"/subnets", object{"subnet": object{
		"name": "internal-v4", "network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24",
		"allocation_pools": []object{{"start": "10.0.0.10", "end": "10.0.0.199"}},
	}}).ID()
	router := demo.Post(v2+"/routers", object{"router": object{
		"name": "main", "external_gateway_info": object{"network_id": c.ID("networks", "public")},
	}}).ID()
	demo.Put(v2+"/routers/"+router+"/add_router_interface", object{"subnet_id": subnet})

	demo.Post("/compute/v2.1/os-keypairs", object{"keypair": object{"name": "demo", "public_key": publicKey}})
	// The first port makes the default security group.
	for i := range servers {
		s := c.AddServer(fmt.Sprintf("bastion-%d", i+1), network)
		c.AddFloatingIP(s.Port)
	}
	var groups []struct{ ID, Name string }
	demo.Get(v2 + "/security-groups?name=default").Into(&groups)
	if len(groups) != 1 {
		return fmt.Errorf("find the default security group: there are %d", len(groups))
	}
	for _, r := range []object{
		{"protocol": "tcp", "port_range_min": 22, "port_range_max": 22},
		{"protocol": "icmp"},
	} {
		r["security_group_id"], r["direction"], r["ethertype"] = groups[0].ID, "ingress", "IPv4"
		demo.Post(v2+"/security-group-rules", object{"security_group_rule": r})
	}
	return nil
}
