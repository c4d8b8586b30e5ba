package preflight

import (
	"fmt"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// vrid settles the VRID: the one that is asked for, else the group's own, else
// the lowest that no havip group of the networks and no other daemon on the
// servers has.
func (c *checker) vrid() {
	taken := plan.TakenVRIDs(c.group.Name, c.d.VIPs, c.o)
	own := c.ownVRID()
	if want := c.group.VRRP.ID; want != 0 && want != own {
		c.d.VRID = want
		if by, ok := taken[want]; ok {
			c.fail(Finding{
				Subject: "vrrp.id", Message: fmt.Sprintf("%d is taken by group %s on that network", want, by),
				Hint: "choose another, or auto",
			})
		}
		return
	}
	if c.d.VRID = own; own != 0 {
		c.collides(own, taken)
		return
	}
	c.claimForeign(taken)
	c.d.Taken = taken
	if c.d.VRID = plan.FreeVRID(taken); c.d.VRID == 0 {
		c.fail(Finding{Subject: "vrrp.id", Message: "all 255 are taken on that network", Hint: "delete a group that is not needed, or use another network"})
	}
}

// collides refuses a group whose VRID another one took at the same moment.
// Where nothing is to be made plan.Drift says so.
func (c *checker) collides(own int, taken map[int]string) {
	by, ok := taken[own]
	if !ok || c.opt.LookOnly {
		return
	}
	c.claimForeign(taken)
	c.fail(Finding{
		Subject: "vrrp.id", Message: fmt.Sprintf("%d is the VRID of group %s and of group %s on one network", own, c.group.Name, by),
		Hint: plan.VRIDHint(c.group.Name, by, taken),
	})
}

// claimForeign adds what other daemons on the members' servers use.
func (c *checker) claimForeign(taken map[int]string) {
	for _, m := range c.d.Members {
		for _, f := range c.o.Hosts[m.Server.ID].Foreign {
			for _, id := range f.VRIDs {
				taken[id] = f.Name
			}
		}
	}
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
