package openstacktest

import (
	"fmt"
	"slices"
	"time"
)

// with changes what is no object: limits, policies, the catalogue.
func (c *Cloud) with(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

// must is change for what cannot be refused but by a mistake of the test.
func (c *Cloud) must(do func(*state) error) {
	if err := c.change(do); err != nil {
		panic(fmt.Sprintf("openstacktest: %v", err))
	}
}

// DropExtension takes extensions of Neutron away, with what they add to
// objects and requests.
func (c *Cloud) DropExtension(aliases ...string) {
	c.with(func() {
		for _, a := range aliases {
			if !slices.Contains(extensions(), a) {
				panic(fmt.Sprintf("openstacktest: no extension %q", a))
			}
			c.rules.absent[a] = true
		}
	})
}

// Deny takes an action of Neutron's policy from members: get_quota,
// create_port, update_port, create_security_group, create_floatingip or
// update_floatingip.
func (c *Cloud) Deny(action string) { c.with(func() { c.rules.denied[action] = true }) }

// SetQuota limits a resource of each project, as port or security_group; -1:
// no limit.
func (c *Cloud) SetQuota(resource string, limit int) {
	c.with(func() { c.rules.quotas[resource] = limit })
}

// SetMaxPairs limits the address pairs of a port; it is 10 as in Neutron.
func (c *Cloud) SetMaxPairs(n int) { c.with(func() { c.rules.maxPairs = n }) }

// SetPageSize limits how many objects a list has on a page; 0: all.
func (c *Cloud) SetPageSize(n int) { c.with(func() { c.rules.pageSize = n }) }

// SetMicroversion makes 2.minor the newest that Nova knows.
func (c *Cloud) SetMicroversion(minor int) { c.with(func() { c.rules.newest = minor }) }

// SetLatency makes each request take at least so long.
func (c *Cloud) SetLatency(d time.Duration) { c.with(func() { c.config.Latency = d }) }

// RevokeTokens makes all tokens invalid: the next request gets a 401.
func (c *Cloud) RevokeTokens() { c.with(func() { clear(c.identity.tokens) }) }

// SetTokenLife is how long tokens made from now on are valid.
func (c *Cloud) SetTokenLife(d time.Duration) { c.with(func() { c.identity.life = d }) }

// SetPassword changes the password of demo or admin.
func (c *Cloud) SetPassword(user, password string) {
	c.with(func() {
		for i := range c.identity.users {
			if c.identity.users[i].Name == user {
				c.identity.users[i].Password = password
			}
		}
	})
}

// HideService takes a service (network, compute, image) out of the catalogue.
func (c *Cloud) HideService(kind string) {
	c.with(func() {
		c.identity.endpoints = slices.DeleteFunc(c.identity.endpoints, func(e endpoint) bool { return e.Type == kind })
	})
}

// MoveService puts a service's endpoints into another region.
func (c *Cloud) MoveService(kind, to string) {
	c.with(func() {
		for i := range c.identity.endpoints {
			if c.identity.endpoints[i].Type == kind {
				c.identity.endpoints[i].Region = to
			}
		}
	})
}

// SetPortSecurity switches a port's security; off, its groups and pairs go.
func (c *Cloud) SetPortSecurity(portID string, on bool) {
	body := object{"port_security_enabled": on}
	if !on {
		body["security_groups"], body["allowed_address_pairs"] = []string{}, []object{}
	}
	c.Admin().Put("/network/v2.0/ports/"+portID, object{"port": body})
}

// SetPairs replaces the pairs of a port, as another tool would.
func (c *Cloud) SetPairs(portID string, addresses ...string) {
	pairs := []object{}
	for _, a := range addresses {
		pairs = append(pairs, object{"ip_address": a})
	}
	c.Demo().Put("/network/v2.0/ports/"+portID, object{"port": object{"allowed_address_pairs": pairs}})
}

// SetGroups replaces the security groups of a port, as another tool would.
func (c *Cloud) SetGroups(portID string, ids ...string) {
	c.Demo().Put("/network/v2.0/ports/"+portID, object{"port": object{"security_groups": append([]string{}, ids...)}})
}

// Touch is a rival's write of a port: only the revision tells.
func (c *Cloud) Touch(portID string) {
	c.must(func(s *state) error {
		p, found := s.ports[portID]
		if !found {
			return fmt.Errorf("no port %s", portID)
		}
		p.bump(c.config.Now())
		s.ports[portID] = p
		return nil
	})
}

// SetConsole is what a server has printed.
func (c *Cloud) SetConsole(serverID, text string) {
	c.server(serverID, func(v *server) { v.Console = text })
}

// SetHost puts a server on a hypervisor: two on one have the same hostId.
func (c *Cloud) SetHost(serverID, host string) {
	c.server(serverID, func(v *server) { v.Host = host })
}

// SetLocked locks a server.
func (c *Cloud) SetLocked(serverID string, locked bool) {
	c.server(serverID, func(v *server) { v.Locked = locked })
}

// SetState is a server's vm_state (active, stopped, paused, building, error,
// shelved_offloaded, rescued) and task_state, whatever its machine does.
func (c *Cloud) SetState(serverID, vm, task string) {
	c.server(serverID, func(v *server) { v.VMState, v.TaskState = vm, task })
}

func (c *Cloud) server(id string, do func(*server)) {
	c.must(func(s *state) error {
		v, found := s.servers[id]
		if !found {
			return fmt.Errorf("no server %s", id)
		}
		do(&v)
		s.servers[id] = v
		return nil
	})
}
