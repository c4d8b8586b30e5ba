package openstacktest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// state is all that requests change. Its objects are values, and what they
// refer to is replaced and never changed in place: a clone of the tables is a
// snapshot, which makes a request a transaction.
type state struct {
	made        int // counts objects, for their IDs
	networks    table[network]
	subnets     table[subnet]
	ports       table[port]
	groups      table[securityGroup]
	routers     table[router]
	floatingIPs table[floatingIP]
	servers     table[server]
	keypairs    table[keypair] // by user and name
	hostGroups  table[serverGroup]
	claims      table[claim] // by port
}

// table is the objects of a kind by their IDs.
type table[T any] map[string]T

func newState() *state {
	return &state{
		networks: table[network]{}, subnets: table[subnet]{}, ports: table[port]{},
		groups: table[securityGroup]{}, routers: table[router]{}, floatingIPs: table[floatingIP]{},
		servers: table[server]{}, keypairs: table[keypair]{}, hostGroups: table[serverGroup]{}, claims: table[claim]{},
	}
}

func (s *state) clone() *state {
	return &state{
		made:     s.made,
		networks: maps.Clone(s.networks), subnets: maps.Clone(s.subnets), ports: maps.Clone(s.ports),
		groups: maps.Clone(s.groups), routers: maps.Clone(s.routers), floatingIPs: maps.Clone(s.floatingIPs),
		servers: maps.Clone(s.servers), keypairs: maps.Clone(s.keypairs), hostGroups: maps.Clone(s.hostGroups), claims: maps.Clone(s.claims),
	}
}

// all is the objects of a table in a fixed order.
func (t table[T]) all() []T {
	var out []T
	for _, id := range slices.Sorted(maps.Keys(t)) {
		out = append(out, t[id])
	}
	return out
}

// newID is the next ID: the same in each run of a test.
func (s *state) newID() string {
	s.made++
	h := sha256.Sum256(fmt.Append(nil, "object ", s.made))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80 // version 4
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// newMAC is the next MAC of Neutron's usual base.
func (s *state) newMAC() string {
	s.made++
	return fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", s.made>>16&0xff, s.made>>8&0xff, s.made&0xff)
}

// standard is what Neutron keeps of each object ("standard attributes").
type standard struct {
	ID          string   `json:"id"`
	Description string   `json:"description"`
	ProjectID   string   `json:"project_id"`
	TenantID    string   `json:"tenant_id"`
	Tags        []string `json:"tags"`
	Revision    int      `json:"revision_number"`
	CreatedAt   string   `json:"created_at"`
	UpdatedAt   string   `json:"updated_at"`
}

// newStandard is that of a new object.
func (s *state) newStandard(project string, now time.Time) standard {
	at := stamp(now)
	return standard{ID: s.newID(), ProjectID: project, TenantID: project, Tags: []string{}, Revision: 1, CreatedAt: at, UpdatedAt: at}
}

// bump is what each write of an object does to it.
func (o *standard) bump(now time.Time) {
	o.Revision++
	o.UpdatedAt = stamp(now)
}

// meta gives generic code the part that all objects have.
func (o standard) meta() standard { return o }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// lower is a MAC or an ID as it is compared.
func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// deref is what a pointer points to, or nothing.
func deref[T any](p *T) T {
	var none T
	if p == nil {
		return none
	}
	return *p
}
