package preflight

import (
	"fmt"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// extensions checks what Neutron must be able to do. An unknown list is no
// finding: the calls themselves will tell.
func (c *checker) extensions() {
	if c.o.Extensions == nil {
		return
	}
	wants := []struct {
		alias, why string
		needed     bool
	}{
		{"allowed-address-pairs", "no port can hold a second address", true},
		{"security-group", "protocol 112 cannot be allowed between the members", true},
		{"standard-attr-tag", "havip could not find again what it made", true},
		{"router", "there are no floating IPs", c.wantsFloatingIP()},
		{"revision-if-match", "a change that another tool makes to a port at the same moment can be lost", false},
		{"port-security", "whether a port lets the VIP through cannot be seen", false},
	}
	for _, w := range wants {
		if c.o.Extensions[w.alias] {
			continue
		}
		f := Finding{Subject: "extension " + w.alias, Message: "Neutron does not have it: " + w.why}
		switch {
		case w.needed:
			f.Hint = "ask the cloud's operator for it"
			c.fail(f)
		case w.alias != "router":
			c.warn(f)
		}
	}
}

func (c *checker) wantsFloatingIP() bool {
	for _, v := range c.group.VIPs {
		if v.FloatingIP.Address.IsValid() || v.FloatingIP.Network != "" {
			return true
		}
	}
	return false
}

// quotas counts only what is to be made.
func (c *checker) quotas() {
	ports, ips := 0, 0
	for _, v := range c.d.VIPs {
		if _, ok := c.found.VIPPort(v.Family); !ok {
			ports++
		}
		if v.FloatingIP != nil && v.FloatingIP.ID == "" {
			ips++
		}
	}
	groups, rules := 0, 0
	if _, ok := c.found.SecurityGroup(); !ok {
		groups, rules = 1, 2*len(c.d.VIPs) // ingress and egress for each family
	}
	c.quota("ports", c.o.Quotas.Port, ports)
	c.quota("security groups", c.o.Quotas.SecurityGroup, groups)
	c.quota("security group rules", c.o.Quotas.SecurityGroupRule, rules)
	c.quota("floating ips", c.o.Quotas.FloatingIP, ips)
}

func (c *checker) quota(name string, q *openstack.Quota, need int) {
	if q == nil || q.Limit < 0 || need == 0 || q.Used+need <= q.Limit {
		return
	}
	c.fail(Finding{
		Subject: "quota for " + name,
		Message: fmt.Sprintf("%d more needed, %d of %d used", need, q.Used, q.Limit),
		Hint:    "delete what is not needed, or ask the cloud's operator for more",
	})
}

// several tells whether two runs at once made a VIP port of a family each.
func (c *checker) several(family plan.Family) bool {
	n := 0
	for _, p := range c.found.VIPPorts {
		if plan.PortAddress(p, family).IsValid() {
			n++
		}
	}
	return n > 1
}

// existing checks what carries the group's marks already: what a race left
// behind, and what nobody but its owner can tell apart.
func (c *checker) existing() {
	for _, family := range []plan.Family{plan.IPv4, plan.IPv6} {
		var list []string
		for _, p := range c.found.VIPPorts {
			if a := plan.PortAddress(p, family); a.IsValid() {
				list = append(list, fmt.Sprintf("%s  %s  %s", p.Name, p.ID, a))
			}
		}
		if len(list) > 1 {
			c.fail(Finding{
				Subject: "group " + c.group.Name,
				Message: fmt.Sprintf("%d %s VIP ports carry its mark; two runs at once may have made them", len(list), family),
				Details: list,
				Hint:    "delete the one that is not in use: openstack port delete ID",
			})
		}
	}
	if n := len(c.found.SecurityGroups); n > 1 {
		var list []string
		for _, g := range c.found.SecurityGroups {
			list = append(list, fmt.Sprintf("%s  %s", g.Name, g.ID))
		}
		c.fail(Finding{
			Subject: "group " + c.group.Name,
			Message: fmt.Sprintf("%d security groups carry its mark; two runs at once may have made them", n),
			Details: list,
			Hint:    "delete the one that no port uses: openstack security group delete ID",
		})
	}
}
