package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/spec"
)

// floatingIPs resolves the floating IP of each VIP and checks that traffic can
// get from it to the VIP.
func (c *checker) floatingIPs() {
	for i := range c.d.VIPs {
		v := &c.d.VIPs[i]
		want := c.wants[i]
		switch {
		case !want.Address.IsValid() && want.Network == "":
			continue
		case v.Family == plan.IPv6:
			c.fail(Finding{
				Subject: "floating ip of " + v.Subnet.Name, Message: "Neutron has floating IPs for IPv4 only",
				Hint: "an IPv6 VIP is reached by routing: leave floating_ip out",
			})
			continue
		case want.Address.IsValid():
			v.FloatingIP = c.present(want, *v)
		default:
			v.FloatingIP = c.allocate(want.Network, *v)
		}
		if v.FloatingIP != nil {
			c.occupied(*v)
			c.router(*v)
		}
	}
}

// present is a floating IP that the project has.
func (c *checker) present(want spec.FloatingIP, v plan.VIP) *plan.FloatingIP {
	subject := "floating ip " + want.Address.String()
	i := slices.IndexFunc(c.o.FloatingIPs, func(f openstack.FloatingIP) bool { return f.Address == want.Address })
	if i < 0 {
		var lines []string
		for _, f := range c.o.FloatingIPs {
			lines = append(lines, fmt.Sprintf("%s  %s", f.Address, c.leadsTo(f)))
		}
		c.fail(Finding{
			Subject: subject, Message: "is not one of this project's", Details: lines,
			Hint: "use one of those, or {network: NAME} to allocate one",
		})
		return nil
	}
	f := c.o.FloatingIPs[i]
	c.move(subject, f, v)
	return &plan.FloatingIP{ID: f.ID, Address: f.Address, Network: c.externalByID(f.NetworkID)}
}

// move checks a floating IP that leads somewhere else now.
func (c *checker) move(subject string, f openstack.FloatingIP, v plan.VIP) {
	own, ok := c.found.VIPPort(v.Family)
	if f.PortID == "" || ok && own.ID == f.PortID {
		return
	}
	if !c.opt.MoveFloatingIP {
		c.fail(Finding{
			Subject: subject, Message: "is attached to " + c.leadsTo(f),
			Hint: "--move-floating-ip takes it from there, last of all",
		})
		return
	}
	for _, m := range c.d.Members {
		if c.o.Hosts[m.Server.ID].Address == f.Address.String() {
			c.warn(Finding{
				Subject: subject, Message: fmt.Sprintf("is the way our SSH comes to %s; it moves last, then the way is gone", m.Server.Name),
				Hint: "give ssh.jump, or the server's own address in ssh.host, for the next run",
			})
		}
	}
}

// leadsTo is what a floating IP is attached to, as people know it.
func (c *checker) leadsTo(f openstack.FloatingIP) string {
	if f.PortID == "" {
		return "unattached"
	}
	for _, p := range c.o.Ports {
		switch {
		case p.ID != f.PortID:
		case p.DeviceID == "":
			return fmt.Sprintf("%s, port %s", f.Fixed, portName(p))
		default:
			return fmt.Sprintf("%s of %s", f.Fixed, c.owner(p))
		}
	}
	return fmt.Sprintf("%s (port %s)", f.Fixed, f.PortID)
}

func (c *checker) externalByID(id string) openstack.Network {
	for _, n := range c.o.External {
		if n.ID == id {
			return n
		}
	}
	return openstack.Network{ID: id, External: true}
}

// allocate is the floating IP that the group has from this network already, or
// a new one.
func (c *checker) allocate(ref string, v plan.VIP) *plan.FloatingIP {
	var list []openstack.Network
	var lines []string
	for _, n := range c.o.External {
		if n.ID == ref || n.Name == ref {
			list = append(list, n)
		}
		lines = append(lines, fmt.Sprintf("%s  %s", n.Name, n.ID))
	}
	subject := "network " + ref
	switch {
	case len(list) > 1:
		c.fail(Finding{Subject: subject, Message: fmt.Sprintf("matches %d external networks", len(list)), Details: lines, Hint: "use the ID in floating_ip.network"})
		return nil
	case len(list) == 0:
		c.fail(Finding{Subject: subject, Message: "is not an external network: no floating IP can come from it", Details: lines, Hint: "use one of those; openstack network list --external shows them"})
		return nil
	}
	own, hasPort := c.found.VIPPort(v.Family)
	for _, f := range c.found.FloatingIPs {
		ours := f.PortID == "" || hasPort && f.PortID == own.ID
		if f.NetworkID == list[0].ID && ours {
			return &plan.FloatingIP{ID: f.ID, Address: f.Address, Network: list[0]}
		}
	}
	return &plan.FloatingIP{Network: list[0]}
}

// occupied checks that no floating IP of somebody else's is on the VIP:
// Neutron allows one for each fixed address.
func (c *checker) occupied(v plan.VIP) {
	p, ok := c.found.VIPPort(v.Family)
	if !ok {
		return
	}
	for _, f := range c.o.FloatingIPs {
		if f.PortID == p.ID && f.ID != v.FloatingIP.ID && plan.GroupOf(f.Tags, f.Description) != c.group.Name {
			c.fail(Finding{
				Subject: "floating ip " + f.Address.String(), Message: fmt.Sprintf("is on the VIP %s, and not by havip", v.Address),
				Hint: "name it in the group file, or detach it: openstack floating ip unset --port " + f.Address.String(),
			})
		}
	}
}

// router checks that a router joins the VIP's subnet and the floating IP's
// network. Neutron shows a member its own network's ports only.
func (c *checker) router(v plan.VIP) {
	subject := fmt.Sprintf("subnet %s", subnetName(v.Subnet))
	external := v.FloatingIP.Network
	hidden, other := false, []string{}
	for _, p := range c.o.Ports {
		if !routerPort(p) || !portIn(p, v.Subnet).IsValid() {
			continue
		}
		i := slices.IndexFunc(c.o.Routers, func(r openstack.Router) bool { return r.ID == p.DeviceID })
		if i < 0 {
			hidden = true
			continue
		}
		r := c.o.Routers[i]
		if r.ExternalNetwork == external.ID {
			if r.Distributed {
				// With OVS a distributed router answers for the floating IP on the
				// VIP port's node (Launchpad 1774459); OVN follows the VIP.
				c.warn(Finding{Subject: "router " + r.Name, Message: "is distributed: with Open vSwitch (not OVN) the floating IP does not follow the VIP"})
			}
			return
		}
		other = append(other, fmt.Sprintf("%s  %s", r.Name, r.ID))
	}
	f := Finding{
		Subject: subject, Message: fmt.Sprintf("no router joins it with the external network %s", networkName(external)),
		Details: other, Hint: fmt.Sprintf("openstack router add subnet ROUTER %s, with a router whose gateway is %s", v.Subnet.ID, networkName(external)),
	}
	if hidden || v.Network.ProjectID != c.o.Identity.ProjectID {
		f.Message = fmt.Sprintf("whether a router joins it with the external network %s cannot be seen", networkName(external))
		f.Hint = "the end of create tells whether the floating IP answers"
		c.warn(f)
		return
	}
	c.fail(f)
}

func networkName(n openstack.Network) string {
	if n.Name == "" {
		return n.ID
	}
	return n.Name
}

// routerPort tells whether a port is a router's on its subnet: plain,
// distributed, or highly available.
func routerPort(p openstack.Port) bool {
	return strings.HasPrefix(p.DeviceOwner, "network:router_interface") || p.DeviceOwner == "network:ha_router_replicated_interface"
}
