package preflight

import (
	"fmt"
	"strings"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/spec"
)

// candidate is a member whose server is known and whose ports are not yet.
type candidate struct {
	spec   spec.Server
	server openstack.Server
}

// servers resolves the references to servers and checks their state.
func (c *checker) servers() []candidate {
	var all []candidate
	refs := make(map[string]string) // by server ID
	for _, s := range c.group.Servers {
		list := c.o.Servers[s.Ref]
		subject := "server " + s.Ref
		switch {
		case len(list) == 0:
			c.fail(Finding{
				Subject: subject, Message: "no such server in this project",
				Hint: "openstack server list shows what there is",
			})
			continue
		case len(list) > 1:
			c.fail(Finding{
				Subject: subject, Message: fmt.Sprintf("matches %d servers", len(list)),
				Details: serverLines(list), Hint: "use the ID, or --server " + list[0].ID,
			})
			continue
		}
		server := list[0]
		if other, ok := refs[server.ID]; ok {
			c.fail(Finding{
				Subject: subject, Message: fmt.Sprintf("is the same server as %q", other),
				Details: serverLines(list), Hint: "name each member once",
			})
			continue
		}
		refs[server.ID] = s.Ref
		if !c.opt.LookOnly {
			c.state(server)
		}
		all = append(all, candidate{spec: s, server: server})
	}
	c.hypervisors(all)
	return all
}

// state checks what Nova says of a server.
func (c *checker) state(s openstack.Server) {
	subject := "server " + s.Name
	switch s.Status {
	case "ACTIVE":
	case "SHUTOFF":
		c.fail(Finding{Subject: subject, Message: "is shut off", Hint: "openstack server start " + s.ID})
	case "ERROR":
		c.fail(Finding{
			Subject: subject, Message: "is in status ERROR",
			Hint: fmt.Sprintf("openstack server show %s tells why; or leave it out", s.ID),
		})
	default:
		f := Finding{Subject: subject, Message: "is in status " + s.Status + ", not ACTIVE", Hint: "wait until it is ACTIVE, or leave it out"}
		if back := s.WakeUp(); back != "" {
			f.Hint = fmt.Sprintf("openstack server %s %s", back, s.ID)
		}
		f.Booting = s.Status == "BUILD" || s.Status == "REBOOT" || s.Status == "HARD_REBOOT"
		c.fail(f)
	}
	if s.TaskState != "" {
		c.warn(Finding{Subject: subject, Message: "Nova is at work on it: " + s.TaskState})
	}
	if s.Locked {
		c.warn(Finding{
			Subject: subject, Message: "is locked: the failover test cannot stop or reboot it",
			Hint: "openstack server unlock " + s.ID,
		})
	}
}

// hypervisors warns of members that one failure takes away together.
func (c *checker) hypervisors(all []candidate) {
	var order []string
	names := make(map[string][]string)
	for _, m := range all {
		if id := m.server.HostID; id != "" {
			if names[id] == nil {
				order = append(order, id)
			}
			names[id] = append(names[id], m.server.Name)
		}
	}
	for _, id := range order {
		if len(names[id]) > 1 {
			c.warn(Finding{
				Subject: "servers " + strings.Join(names[id], ", "),
				Message: "run on one hypervisor: when it fails, all of them do",
				Hint:    "a server group with the policy anti-affinity keeps them apart",
			})
		}
	}
}

// serverLines are servers as in "bastion  3b1c...  ACTIVE   10.0.0.130".
func serverLines(list []openstack.Server) []string {
	lines := make([]string, 0, len(list))
	for _, s := range list {
		var ips []string
		for _, a := range s.Addresses {
			ips = append(ips, a.IP.String())
		}
		lines = append(lines, strings.TrimRight(fmt.Sprintf("%s  %s  %-7s  %s", s.Name, s.ID, s.Status, strings.Join(ips, ", ")), " "))
	}
	return lines
}
