package contract

import (
	"fmt"
	"net/http"
)

func (c *call) group() object {
	c.Helper()
	return c.make("security-groups", "security_group", object{})
}

func groups() []rule {
	return []rule{
		{"a new security group allows all egress and nothing else", func(c *call) {
			g := c.group()
			var got []string
			for _, r := range entries(g, "security_group_rules") {
				got = append(got, fmt.Sprint(r["direction"], " ", r["ethertype"], " ", r["protocol"], " ", r["remote_group_id"], " ", r["remote_ip_prefix"]))
			}
			if len(got) != 2 || got[0] == got[1] {
				c.Errorf("rules are %q", got)
			}
			for _, r := range got {
				if r != "egress IPv4 <nil> <nil> <nil>" && r != "egress IPv6 <nil> <nil> <nil>" {
					c.Errorf("a rule is %q", r)
				}
			}
		}},
		{"two security groups may have one name", func(c *call) {
			if a, b := c.group(), c.group(); a["name"] != b["name"] || id(a) == id(b) {
				c.Errorf("groups are %v and %v", a, b)
			}
		}},
		{"a PUT replaces the whole list of a port's groups", func(c *call) {
			a, b := c.group(), c.group()
			p := c.port(object{"security_groups": []string{id(a)}})
			c.want(c.putPort(p, object{"security_groups": []string{id(b)}}).object(), "security_groups", []string{id(b)})
		}},
		{"a group that a port is in cannot be deleted", func(c *call) {
			g := c.group()
			c.port(object{"security_groups": []string{id(g)}})
			c.do("DELETE", "/security-groups/"+id(g), nil).refused(http.StatusConflict, "SecurityGroupInUse")
		}},
		{"an unknown group is refused on a port", func(c *call) {
			p := c.port(object{})
			c.putPort(p, object{"security_groups": []string{unknown}}).refused(http.StatusNotFound, "SecurityGroupNotFound")
		}},
		{"the group named default stays", func(c *call) {
			g := c.do("GET", "/security-groups?name=default&project_id="+c.w.project, nil).list()
			c.do("POST", "/security-groups", object{"security_group": object{"name": "default"}}).
				refused(http.StatusConflict, "SecurityGroupDefaultAlreadyExists")
			c.do("PUT", "/security-groups/"+id(g[0]), object{"security_group": object{"name": "x"}}).
				refused(http.StatusConflict, "SecurityGroupCannotUpdateDefault")
		}},
		{"ports are listed by the group they are in", func(c *call) {
			g := c.group()
			p := c.port(object{"security_groups": []string{id(g)}})
			if got := field(c.do("GET", "/ports?security_groups="+id(g), nil).list(), "id"); len(got) != 1 || got[0] != id(p) {
				c.Errorf("ports in the group are %v", got)
			}
		}},
	}
}

func securityRules() []rule {
	post := func(c *call, g object, attributes object) reply {
		attributes["security_group_id"] = id(g)
		if attributes["direction"] == nil {
			attributes["direction"] = "ingress"
		}
		return c.do("POST", "/security-group-rules", object{"security_group_rule": attributes})
	}
	return []rule{
		{"a rule twice is refused, and 112 and vrrp are one", func(c *call) {
			g := c.group()
			post(c, g, object{"protocol": "112", "remote_group_id": id(g)}).ok()
			post(c, g, object{"protocol": "112", "remote_group_id": id(g)}).refused(http.StatusConflict, "SecurityGroupRuleExists")
			post(c, g, object{"protocol": "vrrp", "remote_group_id": id(g)}).refused(http.StatusConflict, "SecurityGroupRuleExists")
		}},
		{"a protocol is shown as it was written", func(c *call) {
			g := c.group()
			c.want(post(c, g, object{"protocol": 112}).object(), "protocol", "112")
			c.want(post(c, g, object{"protocol": "vrrp", "ethertype": "IPv6"}).object(), "protocol", "vrrp")
		}},
		{"rules of one request are made all or none", func(c *call) {
			g := c.group()
			one := func(proto string) object {
				return object{"security_group_id": id(g), "direction": "ingress", "protocol": proto}
			}
			c.do("POST", "/security-group-rules", object{"security_group_rules": []object{one("112"), one("nonsense")}}).
				refused(http.StatusBadRequest, "SecurityGroupRuleInvalidProtocol")
			if l := entries(c.read("security-groups", id(g)), "security_group_rules"); len(l) != 2 {
				c.Errorf("%d rules after a refused request, want the two of a new group", len(l))
			}
			if l := c.do("POST", "/security-group-rules", object{"security_group_rules": []object{one("112"), one("tcp")}}).list(); len(l) != 2 {
				c.Errorf("%d rules made, want 2", len(l))
			}
		}},
		{"ports need a protocol that has some", func(c *call) {
			g := c.group()
			post(c, g, object{"port_range_min": 22, "port_range_max": 22}).refused(http.StatusBadRequest, "SecurityGroupProtocolRequiredWithPorts")
			post(c, g, object{"protocol": "112", "port_range_min": 22, "port_range_max": 22}).refused(http.StatusBadRequest, "SecurityGroupInvalidProtocolForPort")
			post(c, g, object{"protocol": "tcp", "port_range_min": 23, "port_range_max": 22}).refused(http.StatusBadRequest, "SecurityGroupInvalidPortRange")
		}},
		{"a rule has one remote end, of its own IP version", func(c *call) {
			g := c.group()
			post(c, g, object{"remote_group_id": id(g), "remote_ip_prefix": "10.0.0.0/8"}).refused(http.StatusBadRequest, "SecurityGroupMultipleRemoteEntites")
			post(c, g, object{"remote_ip_prefix": "2001:db8::/64"}).refused(http.StatusBadRequest, "SecurityGroupRuleParameterConflict")
			post(c, g, object{"remote_group_id": unknown}).refused(http.StatusNotFound, "SecurityGroupNotFound")
		}},
		{"a rule can be deleted once", func(c *call) {
			g := c.group()
			r := entries(g, "security_group_rules")[0]
			c.do("DELETE", "/security-group-rules/"+id(r), nil).ok()
			c.do("DELETE", "/security-group-rules/"+id(r), nil).refused(http.StatusNotFound, "SecurityGroupRuleNotFound")
		}},
	}
}
