package contract

import "net/http"

func routers() []rule {
	return []rule{
		{"a router with an interface stays, and so does a subnet or network that is in use", func(c *call) {
			c.do("DELETE", "/routers/"+c.w.router, nil).refused(http.StatusConflict, "RouterInUse")
			c.do("DELETE", "/subnets/"+c.w.subnet, nil).refused(http.StatusConflict, "SubnetInUse")
			c.do("DELETE", "/networks/"+c.w.network, nil).refused(http.StatusConflict, "NetworkInUse")
		}},
		{"a router's interface that a floating IP needs stays", func(c *call) {
			p := c.port(object{})
			c.make("floatingips", "floatingip", object{"floating_network_id": c.w.External, "port_id": id(p)})
			c.do("PUT", "/routers/"+c.w.router+"/remove_router_interface", object{"subnet_id": c.w.subnet}).
				refused(http.StatusConflict, "RouterInterfaceInUseByFloatingIP")
		}},
		{"a router's interface is a port with the subnet's gateway, not to be deleted as a port", func(c *call) {
			l := c.do("GET", "/ports?device_owner=network:router_interface&device_id="+c.w.router, nil).list()
			if len(l) != 1 {
				c.Fatalf("the router has %d interfaces", len(l))
			}
			c.want(l[0], "fixed_ips", []object{{"subnet_id": c.w.subnet, "ip_address": "10.88.0.1"}})
			c.do("DELETE", "/ports/"+id(l[0]), nil).refused(http.StatusConflict, "ServicePortInUse")
		}},
		{"a router has one interface on a subnet", func(c *call) {
			c.do("PUT", "/routers/"+c.w.router+"/add_router_interface", object{"subnet_id": c.w.subnet}).
				refused(http.StatusBadRequest, "BadRequest")
		}},
		{"subnets of a network do not overlap", func(c *call) {
			c.do("POST", "/subnets", object{"subnet": object{"network_id": c.w.lone, "ip_version": 4, "cidr": "10.89.0.128/25"}}).
				refused(http.StatusBadRequest, "InvalidInput")
		}},
	}
}
