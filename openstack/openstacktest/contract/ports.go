package contract

import "net/http"

func ports() []rule {
	return []rule{
		{"a new port is unbound and DOWN, with a MAC, an address and the project's default group", func(c *call) {
			p := c.port(object{})
			c.want(p, "status", "DOWN")
			c.want(p, "device_id", "")
			c.want(p, "device_owner", "")
			c.want(p, "allowed_address_pairs", []any{})
			c.want(p, "port_security_enabled", true)
			if l := entries(p, "fixed_ips"); len(l) != 1 || p["mac_address"] == "" {
				c.Errorf("port is %v", p)
			}
			groups := c.do("GET", "/security-groups?name=default&project_id="+c.w.project, nil).list()
			c.want(p, "security_groups", field(groups, "id"))
		}},
		{"a VIP's address may be outside of the allocation pools, and its port without groups", func(c *call) {
			p := c.port(object{"fixed_ips": []object{{"subnet_id": c.w.subnet, "ip_address": "10.88.0.200"}}, "security_groups": []string{}})
			c.want(p, "fixed_ips", []object{{"subnet_id": c.w.subnet, "ip_address": "10.88.0.200"}})
			c.want(p, "security_groups", []string{})
		}},
		{"an address that is in use is refused", func(c *call) {
			c.port(object{"fixed_ips": []object{{"subnet_id": c.w.subnet, "ip_address": "10.88.0.201"}}})
			c.do("POST", "/ports", object{"port": object{
				"network_id": c.w.network, "fixed_ips": []object{{"subnet_id": c.w.subnet, "ip_address": "10.88.0.201"}},
			}}).refused(http.StatusConflict, "IpAddressAlreadyAllocated")
		}},
		{"an address outside of the named subnet is refused", func(c *call) {
			c.do("POST", "/ports", object{"port": object{
				"network_id": c.w.network, "fixed_ips": []object{{"subnet_id": c.w.subnet, "ip_address": "10.99.0.5"}},
			}}).refused(http.StatusBadRequest, "InvalidIpForSubnet")
		}},
		{"an address outside of all subnets of the network is refused", func(c *call) {
			c.do("POST", "/ports", object{"port": object{
				"network_id": c.w.network, "fixed_ips": []object{{"ip_address": "10.99.0.5"}},
			}}).refused(http.StatusBadRequest, "InvalidIpForNetwork")
		}},
		{"a port of an unknown network is refused", func(c *call) {
			c.do("POST", "/ports", object{"port": object{"network_id": unknown}}).refused(http.StatusNotFound, "NetworkNotFound")
		}},
		{"an unknown port is not found", func(c *call) {
			c.do("GET", "/ports/"+unknown, nil).refused(http.StatusNotFound, "PortNotFound")
			c.do("PUT", "/ports/"+unknown, object{"port": object{"name": "x"}}).refused(http.StatusNotFound, "PortNotFound")
			c.do("DELETE", "/ports/"+unknown, nil).refused(http.StatusNotFound, "PortNotFound")
		}},
		{"unknown and read-only attributes are refused", func(c *call) {
			p := c.port(object{})
			c.putPort(p, object{"colour": "red"}).refused(http.StatusBadRequest, "HTTPBadRequest")
			c.putPort(p, object{"network_id": c.w.lone}).refused(http.StatusBadRequest, "HTTPBadRequest")
			c.putPort(p, object{"name": 5}).refused(http.StatusBadRequest, "HTTPBadRequest")
		}},
		{"port security off does not go with pairs, in either order", func(c *call) {
			p := c.port(object{"security_groups": []string{}, "allowed_address_pairs": []object{{"ip_address": "10.88.0.202"}}})
			c.putPort(p, object{"port_security_enabled": false}).refused(http.StatusConflict, "AddressPairAndPortSecurityRequired")
			q := c.port(object{"security_groups": []string{}, "port_security_enabled": false})
			c.putPort(q, object{"allowed_address_pairs": []object{{"ip_address": "10.88.0.202"}}}).refused(http.StatusConflict, "AddressPairAndPortSecurityRequired")
		}},
		{"port security off does not go with security groups, in either order", func(c *call) {
			p := c.port(object{})
			c.putPort(p, object{"port_security_enabled": false}).refused(http.StatusConflict, "PortSecurityPortHasSecurityGroup")
			q := c.port(object{"security_groups": []string{}, "port_security_enabled": false})
			c.putPort(q, object{"security_groups": p["security_groups"]}).refused(http.StatusBadRequest, "PortSecurityAndIPRequiredForSecurityGroups")
		}},
		{"a MAC that is in use on the network is refused", func(c *call) {
			p := c.port(object{})
			c.do("POST", "/ports", object{"port": object{"network_id": c.w.network, "mac_address": p["mac_address"]}}).
				refused(http.StatusConflict, "MacAddressInUse")
		}},
	}
}

// unknown is no object's ID.
const unknown = "00000000-0000-4000-8000-000000000001"
