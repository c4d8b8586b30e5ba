package contract

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// world is what the rules share: a network with a router, and one without.
type world struct {
	Target
	name, project            string // name of everything that is made
	network, subnet, router  string
	lone, loneSubnet, server string
	serverPort               string
}

func (w *world) build(c *call) {
	suffix := make([]byte, 3)
	_, _ = rand.Read(suffix) // never fails
	w.name = "havip-contract-" + hex.EncodeToString(suffix)
	// removed newest first
	own := c.make("networks", "network", object{})
	w.network, w.project = id(own), fmt.Sprint(own["project_id"])
	w.subnet = id(c.make("subnets", "subnet", subnetBody(w.network, "10.88.0")))
	w.lone = id(c.make("networks", "network", object{"name": w.name + "-lone"}))
	w.loneSubnet = id(c.make("subnets", "subnet", subnetBody(w.lone, "10.89.0")))
	w.router = id(c.make("routers", "router", object{"external_gateway_info": object{"network_id": w.External}}))
	c.do("PUT", "/routers/"+w.router+"/add_router_interface", object{"subnet_id": w.subnet}).ok()
	c.Cleanup(func() {
		c.eventually("remove the router's interface", func() bool {
			r := c.do("PUT", "/routers/"+w.router+"/remove_router_interface", object{"subnet_id": w.subnet})
			return r.status < 300 || r.status == 404
		})
	})
	w.buildServer(c)
}

// subnetBody is a subnet whose upper half is outside of the allocation pool.
func subnetBody(network, prefix string) object {
	return object{
		"network_id": network, "ip_version": 4, "cidr": prefix + ".0/24",
		"allocation_pools": []object{{"start": prefix + ".10", "end": prefix + ".99"}},
	}
}

// buildServer starts a server on a port of its own and does not wait for it.
func (w *world) buildServer(c *call) {
	w.serverPort = id(c.port(object{}))
	w.server = id(c.do("POST", w.Compute+"/servers", object{"server": object{
		"name": w.name, "imageRef": w.Image, "flavorRef": w.Flavor, "networks": []object{{"port": w.serverPort}},
	}}).object())
	c.Cleanup(func() {
		c.eventually("delete the server", func() bool {
			c.do("DELETE", w.Compute+"/servers/"+w.server, nil)
			return c.do("GET", w.Compute+"/servers/"+w.server, nil).status == 404
		})
	})
}
