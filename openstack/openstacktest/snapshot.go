package openstacktest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Snapshot is all objects of Neutron and all servers as text, one a line, but
// for what each write moves: revisions and times. Equal snapshots are equal
// clouds.
func (c *Cloud) Snapshot() string {
	c.mu.Lock()
	s := c.state
	c.mu.Unlock()
	var b strings.Builder
	lines(&b, "network", s.networks)
	lines(&b, "subnet", s.subnets)
	lines(&b, "port", s.ports)
	lines(&b, "security group", s.groups)
	lines(&b, "router", s.routers)
	lines(&b, "floating IP", s.floatingIPs)
	for _, v := range s.servers.all() {
		fmt.Fprintf(&b, "server %s %s %s %v locked=%t\n", v.ID, v.Name, v.status(), v.Ports, v.Locked)
	}
	return b.String()
}

func lines[T any](b *strings.Builder, kind string, of table[T]) {
	for _, o := range of.all() {
		m := flat(o)
		delete(m, "revision_number")
		delete(m, "updated_at")
		text, err := json.Marshal(m) // sorts the keys
		if err != nil {
			panic(fmt.Sprintf("openstacktest: an object that is no JSON: %v", err))
		}
		fmt.Fprintf(b, "%s %s\n", kind, text)
	}
}
