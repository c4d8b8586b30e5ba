package preflight

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/havip/havip/provision/plan"
)

// cause is why servers cannot be reached.
type cause struct {
	err, hint string
	booting   bool
}

// hosts checks what was found on the members' servers.
func (c *checker) hosts() {
	var causes []cause
	lost := make(map[cause][]string) // the servers' names
	for _, m := range c.d.Members {
		if m.Server.Status != "ACTIVE" {
			continue // said already, and nothing was looked at
		}
		subject := "server " + m.Server.Name
		h, ok := c.o.Hosts[m.Server.ID]
		if !ok {
			h.Err = "it was not looked at"
		}
		if c.opt.LookOnly && (h.Err != "" || !h.Root) {
			continue // plan.Drift says so
		}
		if h.Err != "" {
			why := cause{h.Err, cmp.Or(h.Hint, "check ssh.user, ssh.jump and the server's security groups"), h.Booting}
			if lost[why] == nil {
				causes = append(causes, why)
			}
			lost[why] = append(lost[why], m.Server.Name)
			continue
		}
		c.host(subject, m, h)
	}
	// A jump host that is down or a key that is missing is one thing to mend.
	for _, why := range causes {
		subject := "server " + lost[why][0]
		if len(lost[why]) > 1 {
			subject = "servers " + strings.Join(lost[why], ", ")
		}
		c.fail(Finding{Subject: subject, Message: "cannot be reached: " + why.err, Hint: why.hint, Booting: why.booting})
	}
}

func (c *checker) host(subject string, m plan.Member, h plan.Host) {
	if !h.Root {
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("user %s is not root and sudo asks for a password", h.User),
			Hint: "let it use sudo without a password, or choose another user in ssh.user",
		})
	}
	c.installable(subject, h)
	c.nic(subject, m, h)
	c.foreign(subject, h)
}

// installable checks that this CLI's agent is one for the server. A CLI that
// carries none can look all the same.
func (c *checker) installable(subject string, h plan.Host) {
	if c.opt.LookOnly && len(c.opt.Release.SHA256) == 0 {
		return
	}
	if archs := slices.Sorted(maps.Keys(c.opt.Release.SHA256)); !slices.Contains(archs, h.Arch) {
		have := cmp.Or(strings.Join(archs, ", "), "none")
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("is of architecture %s; this havip has agents for: %s", cmp.Or(h.Arch, "unknown"), have),
			Hint: "give it one with --agent-binary, or use a havip built with its agents (make build)",
		})
	}
	if h.Init != plan.Systemd && h.Init != plan.SysV {
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("its init system is %s; havip knows systemd and sysv", cmp.Or(string(h.Init), "unknown")),
		})
	}
	if a := h.Agent; a.BinarySHA256 != "" && a.BinarySHA256 != c.opt.Release.SHA256[h.Arch] && newer(a.Version, c.opt.Release.Version) {
		c.fail(Finding{
			Subject: subject, Message: fmt.Sprintf("its agent is %s, newer than this havip's %s", a.Version, c.opt.Release.Version),
			Hint: fmt.Sprintf("use havip %s or later", a.Version),
		})
	}
}

// nic checks that the server has the NICs of its ports, and that nobody but
// havip's agent put the VIP on one.
func (c *checker) nic(subject string, m plan.Member, h plan.Host) {
	for i, p := range m.Ports {
		if _, ok := h.NICOf(p.Port.MAC, p.Address); !ok {
			var lines []string
			for _, n := range h.NICs {
				lines = append(lines, strings.TrimRight(fmt.Sprintf("%s  %s  %s", n.Name, n.MAC, addresses(n)), " "))
			}
			c.fail(Finding{
				Subject: subject, Message: fmt.Sprintf("no NIC has the port's MAC %s and address %s", p.Port.MAC, p.Address),
				Details: lines, Hint: "bring the NIC up with the address that Neutron gave it (DHCP, or cloud-init)",
			})
		}
		vip := c.d.VIPs[i].Address
		if h.Agent.Running || vip == p.Address { // the latter is said of the VIP
			continue
		}
		for _, n := range h.NICs {
			if slices.ContainsFunc(n.Addresses, func(a netip.Prefix) bool { return a.Addr() == vip }) {
				c.fail(Finding{
					Subject: subject, Message: fmt.Sprintf("VIP %s is on %s already, and not by havip's agent", vip, n.Name),
					Hint: "remove it there, and from what configures it (netplan, ifcfg, another daemon)",
				})
			}
		}
	}
}

func addresses(n plan.NIC) string {
	var all []string
	for _, a := range n.Addresses {
		all = append(all, a.String())
	}
	return strings.Join(all, ", ")
}

// foreign checks for other VRRP daemons.
func (c *checker) foreign(subject string, h plan.Host) {
	for _, f := range h.Foreign {
		vip := slices.IndexFunc(c.d.VIPs, func(v plan.VIP) bool { return slices.Contains(f.Addresses, v.Address) })
		daemon := fmt.Sprintf("%s (pid %d)", f.Name, f.PID)
		switch {
		case vip >= 0:
			c.fail(Finding{
				Subject: subject, Message: fmt.Sprintf("%s holds the VIP %s", daemon, c.d.VIPs[vip].Address),
				Hint: fmt.Sprintf("stop it and take the address out of its configuration: systemctl disable --now %s", f.Name),
			})
		case slices.Contains(f.VRIDs, c.d.VRID):
			c.fail(Finding{
				Subject: subject, Message: fmt.Sprintf("%s uses VRID %d", daemon, c.d.VRID),
				Hint: "choose another in vrrp.id",
			})
		default:
			c.warn(Finding{Subject: subject, Message: daemon + " runs there too, with other addresses"})
		}
	}
}
