package contract

import "net/http"

func floatingIPs() []rule {
	post := func(c *call, attributes object) reply {
		attributes["floating_network_id"] = c.w.External
		return c.do("POST", "/floatingips", object{"floatingip": attributes})
	}
	fip := func(c *call, attributes object) object {
		attributes["floating_network_id"] = c.w.External
		return c.make("floatingips", "floatingip", attributes)
	}
	put := func(c *call, f object, attributes object) reply {
		return c.do("PUT", "/floatingips/"+id(f), object{"floatingip": attributes})
	}
	return []rule{
		{"a floating IP on an unbound port knows the port's address and router", func(c *call) {
			p := c.port(object{})
			f := fip(c, object{"port_id": id(p)})
			c.want(f, "fixed_ip_address", entries(p, "fixed_ips")[0]["ip_address"])
			c.want(f, "router_id", c.w.router)
			c.want(c.read("ports", id(p)), "status", "DOWN")
		}},
		{"a floating IP needs a router between its port and its network", func(c *call) {
			p := c.port(object{"network_id": c.w.lone})
			post(c, object{"port_id": id(p)}).refused(http.StatusNotFound, "ExternalGatewayForFloatingIPNotFound")
			f := fip(c, object{})
			put(c, f, object{"port_id": id(p)}).refused(http.StatusNotFound, "ExternalGatewayForFloatingIPNotFound")
		}},
		{"a member may not choose the address of a floating IP", func(c *call) {
			post(c, object{"floating_ip_address": "203.0.113.77"}).refused(http.StatusForbidden, "PolicyNotAuthorized")
		}},
		{"a fixed address has one floating IP of a network", func(c *call) {
			p := c.port(object{})
			fip(c, object{"port_id": id(p)})
			post(c, object{"port_id": id(p)}).refused(http.StatusConflict, "FloatingIPPortAlreadyAssociated")
		}},
		{"a floating IP moves by one PUT, and null detaches it", func(c *call) {
			p, q := c.port(object{}), c.port(object{})
			f := fip(c, object{"port_id": id(p)})
			after := put(c, f, object{"port_id": id(q)}).object()
			c.want(after, "port_id", id(q))
			c.want(after, "fixed_ip_address", entries(q, "fixed_ips")[0]["ip_address"])
			last := put(c, f, object{"port_id": nil}).object()
			for _, key := range []string{"port_id", "fixed_ip_address", "router_id"} {
				c.want(last, key, nil)
			}
		}},
		{"a PUT of the description leaves a floating IP's port", func(c *call) {
			p := c.port(object{})
			f := fip(c, object{"port_id": id(p)})
			after := put(c, f, object{"description": "mine"}).object()
			c.want(after, "description", "mine")
			c.want(after, "port_id", id(p))
		}},
		{"a floating IP outlives its port", func(c *call) {
			p := c.port(object{})
			f := fip(c, object{"port_id": id(p)})
			c.do("DELETE", "/ports/"+id(p), nil).ok()
			c.want(c.read("floatingips", id(f)), "port_id", nil)
		}},
		{"a floating IP comes from an external network", func(c *call) {
			c.do("POST", "/floatingips", object{"floatingip": object{"floating_network_id": c.w.network}}).refused(http.StatusBadRequest, "BadRequest")
		}},
		{"an unknown floating IP is not found", func(c *call) {
			put(c, object{"id": unknown}, object{"port_id": nil}).refused(http.StatusNotFound, "FloatingIPNotFound")
		}},
	}
}
