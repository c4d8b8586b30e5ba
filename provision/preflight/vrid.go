package preflight

import (
	"fmt"
	"slices"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// vrid settles the VRID: the one that is asked for, else the group's own, else
// the lowest that no havip group of the networks and no other daemon on the
// servers has.
func (c *checker) vrid() {
	taken := c.takenVRIDs()
	if want := c.group.VRRP.ID; want != 0 {
		c.d.VRID = want
		if by, ok := taken[want]; ok {
			c.fail(Finding{
				Subject: "vrrp.id", Message: fmt.Sprintf("%d is taken by group %s on that network", want, by),
				Hint: "choose another, or auto",
			})
		}
		return
	}
	if c.d.VRID = c.ownVRID(); c.d.VRID != 0 {
		return
	}
	for _, m := range c.d.Members {
		for _, f := range c.o.Hosts[m.Server.ID].Foreign {
			for _, id := range f.VRIDs {
				taken[id] = f.Name
			}
		}
	}
	for id := 1; id <= 255; id++ {
		if _, ok := taken[id]; !ok {
			c.d.VRID = id
			return
		}
	}
	c.fail(Finding{Subject: "vrrp.id", Message: "all 255 are taken on that network", Hint: "delete a group that is not needed, or use another network"})
}

// ownVRID is the one that the group has: its VIP ports say so or, should they
// be gone, its security group, or its agents.
func (c *checker) ownVRID() int {
	for _, p := range c.found.VIPPorts {
		if id := plan.VRIDOf(p); id != 0 {
			return id
		}
	}
	if g, ok := c.found.SecurityGroup(); ok {
		if id := plan.VRIDOf(openstack.Port{Tags: g.Tags, Description: g.Description}); id != 0 {
			return id
		}
	}
	for _, m := range c.d.Members {
		if a := c.o.Hosts[m.Server.ID].Agent.Config; a != nil && len(a.Routers) > 0 {
			return a.Routers[0].VRID
		}
	}
	return 0
}

// takenVRIDs are those of the other groups on the VIPs' networks, whoever's
// project they are in, with the group's name.
func (c *checker) takenVRIDs() map[int]string {
	taken := make(map[int]string)
	for _, p := range c.o.Ports {
		onOurs := slices.ContainsFunc(c.d.VIPs, func(v plan.VIP) bool { return v.Network.ID == p.NetworkID })
		own := slices.ContainsFunc(c.found.VIPPorts, func(f openstack.Port) bool { return f.ID == p.ID })
		if id := plan.VRIDOf(p); id != 0 && onOurs && !own {
			taken[id] = plan.GroupOf(p.Tags, p.Description)
		}
	}
	return taken
}
