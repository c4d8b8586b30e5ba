// Package preflight resolves a group against what was observed in the cloud
// and on the servers, and reports everything that stands in the way at once,
// before anything is touched. It is pure: no I/O, no clock.
package preflight

import (
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/spec"
)

// Options are the choices that are not part of the group.
type Options struct {
	// MoveFloatingIP allows taking a floating IP away from where it is.
	MoveFloatingIP bool
	// Release is the agent that this CLI can put on servers.
	Release plan.AgentRelease
	// LookOnly tells that nothing will be made or installed: what plan.Drift
	// says itself of such a group is no finding then, and neither is that there
	// are no agents to install.
	LookOnly bool
}

// Check resolves g: names become IDs, "auto" a number. The result is whole
// unless the findings refuse it.
func Check(g spec.Group, o plan.Observed, opt Options) (plan.Desired, Findings) {
	c := &checker{
		group: g, o: o, opt: opt,
		found: plan.Find(g.Name, o),
		d: plan.Desired{
			Group: g.Name, Interval: g.VRRP.Interval, Preempt: g.VRRP.Preempt,
			PreemptDelay: g.VRRP.PreemptDelay, StartDelay: g.VRRP.StartDelay, Announce: g.VRRP.Announce,
			Version: g.VRRP.Version, Mode: g.VRRP.Mode, Checks: g.Checks,
			Agent: opt.Release, MoveFloatingIP: opt.MoveFloatingIP,
		},
	}
	c.extensions()
	c.existing()
	servers := c.servers()
	c.vips()
	c.members(servers)
	c.pairs()
	c.vrid()
	c.hosts()
	c.floatingIPs()
	c.quotas()
	return c.d, c.findings
}

// checker carries one check; the methods fill in d and findings.
type checker struct {
	group    spec.Group
	o        plan.Observed
	opt      Options
	found    plan.Found
	d        plan.Desired
	wants    []spec.FloatingIP // in the order of d.VIPs
	findings Findings
}

func (c *checker) fail(f Finding) {
	f.Severity = Error
	c.findings = append(c.findings, f)
}

func (c *checker) warn(f Finding) {
	f.Severity = Warning
	c.findings = append(c.findings, f)
}
