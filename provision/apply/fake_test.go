package apply

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// fakeCloud keeps the rules of Neutron that apply depends on: whole-list
// replacement, If-Match, revisions bumped by tags, default egress rules.
type fakeCloud struct {
	mu     sync.Mutex
	now    time.Time
	next   int
	ports  map[string]*openstack.Port
	groups map[string]*openstack.SecurityGroup
	fips   map[string]*openstack.FloatingIP

	// before is called, unlocked, at the start of every call: a rival's chance.
	before func(call string)
	// fail makes a call fail.
	fail map[string]error
	// lost is a creation that is done without an answer.
	lost  string
	calls []string
	// written is called, locked, when a port was written, before the answer.
	written func(*openstack.Port) error
}

func newFakeCloud() *fakeCloud {
	return &fakeCloud{
		now:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		ports: map[string]*openstack.Port{}, groups: map[string]*openstack.SecurityGroup{}, fips: map[string]*openstack.FloatingIP{},
		fail: map[string]error{},
	}
}

// begin records a call and locks; the caller unlocks.
func (c *fakeCloud) begin(ctx context.Context, format string, v ...any) error {
	call := fmt.Sprintf(format, v...)
	if c.before != nil {
		c.before(call)
	}
	c.mu.Lock()
	if err := ctx.Err(); err != nil {
		return err // as a request that is cut off
	}
	c.calls = append(c.calls, call)
	for k, err := range c.fail {
		if len(call) >= len(k) && call[:len(k)] == k {
			return err
		}
	}
	return nil
}

func (c *fakeCloud) id(kind string) string {
	c.next++
	return fmt.Sprintf("%s-%d", kind, c.next)
}

// answer fails when the answer to what was done is lost.
func (c *fakeCloud) answer(call string) error {
	if c.lost == call {
		return errors.New("fake: no answer")
	}
	return nil
}

var errMissing = fmt.Errorf("fake: %w", openstack.ErrNotFound)

func (c *fakeCloud) Port(ctx context.Context, id string) (openstack.Port, error) {
	err := c.begin(ctx, "get port %s", id)
	defer c.mu.Unlock()
	if err != nil {
		return openstack.Port{}, err
	}
	p, ok := c.ports[id]
	if !ok {
		return openstack.Port{}, errMissing
	}
	return clonePort(p), nil
}

func clonePort(p *openstack.Port) openstack.Port {
	q := *p
	q.Pairs, q.SecurityGroups, q.Tags = slices.Clone(p.Pairs), slices.Clone(p.SecurityGroups), slices.Clone(p.Tags)
	return q
}

func (c *fakeCloud) Ports(ctx context.Context, f openstack.PortFilter) ([]openstack.Port, error) {
	err := c.begin(ctx, "list ports")
	defer c.mu.Unlock()
	var all []openstack.Port
	for _, p := range c.ports {
		match := (f.Name == "" || p.Name == f.Name) && (f.NetworkID == "" || p.NetworkID == f.NetworkID) &&
			(!f.Own || p.ProjectID == "")
		for _, t := range f.Tags {
			match = match && slices.Contains(p.Tags, t)
		}
		if match {
			all = append(all, clonePort(p))
		}
	}
	return all, err
}

func (c *fakeCloud) CreatePort(ctx context.Context, o openstack.PortCreate) (openstack.Port, error) {
	err := c.begin(ctx, "create port %s", o.Name)
	defer c.mu.Unlock()
	if err != nil {
		return openstack.Port{}, err
	}
	if !o.Address.IsValid() {
		o.Address = netip.MustParseAddr("10.0.0.99")
	}
	p := &openstack.Port{ID: c.id("port"), Name: o.Name, Description: o.Description, NetworkID: o.NetworkID, CreatedAt: c.now, FixedIPs: []openstack.FixedIP{{IP: o.Address}}, Revision: 1}
	c.ports[p.ID] = p
	return clonePort(p), c.answer("create port")
}

func (c *fakeCloud) UpdatePort(ctx context.Context, id string, revision int, u openstack.PortUpdate) (openstack.Port, error) {
	err := c.begin(ctx, "put port %s", id)
	defer c.mu.Unlock()
	if err != nil {
		return openstack.Port{}, err
	}
	p := c.ports[id]
	if p.Revision != revision {
		return openstack.Port{}, fmt.Errorf("fake: %w", openstack.ErrConflict)
	}
	if u.Pairs != nil {
		p.Pairs = slices.Clone(*u.Pairs)
		for i := range p.Pairs {
			if p.Pairs[i].MAC == "" {
				p.Pairs[i].MAC = p.MAC // Neutron fills it in
			}
		}
	}
	if u.SecurityGroups != nil {
		p.SecurityGroups = slices.Clone(*u.SecurityGroups)
	}
	p.Revision++
	if c.written != nil {
		if err := c.written(p); err != nil {
			return openstack.Port{}, err
		}
	}
	return clonePort(p), nil
}

func (c *fakeCloud) DescribePort(ctx context.Context, id, description string) error {
	err := c.begin(ctx, "describe port %s", id)
	defer c.mu.Unlock()
	if err == nil {
		c.ports[id].Description = description
	}
	return err
}

func (c *fakeCloud) DeletePort(ctx context.Context, id string) error {
	err := c.begin(ctx, "delete port %s", id)
	defer c.mu.Unlock()
	if err == nil {
		delete(c.ports, id)
	}
	return err
}

func (c *fakeCloud) SecurityGroups(ctx context.Context, name string) ([]openstack.SecurityGroup, error) {
	err := c.begin(ctx, "list groups")
	defer c.mu.Unlock()
	var all []openstack.SecurityGroup
	for _, g := range c.groups {
		if g.Name == name {
			all = append(all, *g)
		}
	}
	return all, err
}

func (c *fakeCloud) SecurityGroup(ctx context.Context, id string) (openstack.SecurityGroup, error) {
	err := c.begin(ctx, "get group %s", id)
	defer c.mu.Unlock()
	if g, ok := c.groups[id]; ok {
		return *g, err
	}
	return openstack.SecurityGroup{}, errMissing
}

func (c *fakeCloud) CreateSecurityGroup(ctx context.Context, o openstack.SecurityGroupCreate) (openstack.SecurityGroup, error) {
	err := c.begin(ctx, "create group %s", o.Name)
	defer c.mu.Unlock()
	if err != nil {
		return openstack.SecurityGroup{}, err
	}
	c.now = c.now.Add(time.Second)
	g := &openstack.SecurityGroup{ID: c.id("group"), Name: o.Name, Description: o.Description, Revision: 1, CreatedAt: c.now}
	for _, e := range []string{"IPv4", "IPv6"} {
		g.Rules = append(g.Rules, openstack.Rule{ID: c.id("rule"), Direction: "egress", EtherType: e})
	}
	c.groups[g.ID] = g
	return *g, c.answer("create group")
}

func (c *fakeCloud) DescribeSecurityGroup(ctx context.Context, id string, revision int, description string) (openstack.SecurityGroup, error) {
	err := c.begin(ctx, "describe group %s", id)
	defer c.mu.Unlock()
	g, ok := c.groups[id]
	switch {
	case err != nil:
		return openstack.SecurityGroup{}, err
	case !ok:
		return openstack.SecurityGroup{}, errMissing
	case revision != 0 && revision != g.Revision:
		return openstack.SecurityGroup{}, fmt.Errorf("fake: %w", openstack.ErrConflict)
	}
	g.Description, g.Revision = description, g.Revision+1
	return *g, nil
}

func (c *fakeCloud) DeleteSecurityGroup(ctx context.Context, id string) error {
	err := c.begin(ctx, "delete group %s", id)
	defer c.mu.Unlock()
	if err != nil {
		return err
	}
	for _, p := range c.ports {
		if slices.Contains(p.SecurityGroups, id) {
			return errors.New("fake: group in use")
		}
	}
	delete(c.groups, id)
	return nil
}

func (c *fakeCloud) CreateRules(ctx context.Context, group string, rules []openstack.Rule) error {
	err := c.begin(ctx, "create %d rules", len(rules))
	defer c.mu.Unlock()
	if err != nil {
		return err
	}
	for _, r := range rules {
		r.ID = c.id("rule")
		c.groups[group].Rules = append(c.groups[group].Rules, r)
	}
	return nil
}

func (c *fakeCloud) DeleteRule(ctx context.Context, id string) error {
	err := c.begin(ctx, "delete rule %s", id)
	defer c.mu.Unlock()
	if err != nil {
		return err
	}
	for _, g := range c.groups {
		g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r openstack.Rule) bool { return r.ID == id })
	}
	return err
}

func (c *fakeCloud) CreateFloatingIP(ctx context.Context, network, portID, description string) (openstack.FloatingIP, error) {
	err := c.begin(ctx, "create fip")
	defer c.mu.Unlock()
	if err != nil {
		return openstack.FloatingIP{}, err
	}
	f := &openstack.FloatingIP{ID: c.id("fip"), Address: netip.MustParseAddr("203.0.113.99"), NetworkID: network, PortID: portID, Description: description, Revision: 1}
	c.fips[f.ID] = f
	return *f, c.answer("create fip")
}

func (c *fakeCloud) FloatingIPs(ctx context.Context) ([]openstack.FloatingIP, error) {
	err := c.begin(ctx, "list fips")
	defer c.mu.Unlock()
	var all []openstack.FloatingIP
	for _, f := range c.fips {
		all = append(all, *f)
	}
	return all, err
}

func (c *fakeCloud) FloatingIP(ctx context.Context, id string) (openstack.FloatingIP, error) {
	err := c.begin(ctx, "get fip %s", id)
	defer c.mu.Unlock()
	if err != nil {
		return openstack.FloatingIP{}, err
	}
	f, ok := c.fips[id]
	if !ok {
		return openstack.FloatingIP{}, errMissing
	}
	return *f, nil
}

// putFloatingIP points one at a port, or at none. The caller holds the lock.
func (c *fakeCloud) putFloatingIP(id string, revision int, portID string) (openstack.FloatingIP, error) {
	f, ok := c.fips[id]
	switch {
	case !ok:
		return openstack.FloatingIP{}, errMissing
	case revision != 0 && revision != f.Revision:
		return openstack.FloatingIP{}, fmt.Errorf("fake: %w", openstack.ErrConflict)
	}
	f.PortID, f.Fixed, f.Revision = portID, netip.Addr{}, f.Revision+1
	return *f, nil
}

func (c *fakeCloud) AttachFloatingIP(ctx context.Context, id string, revision int, portID string) (openstack.FloatingIP, error) {
	err := c.begin(ctx, "attach fip %s to %s", id, portID)
	defer c.mu.Unlock()
	if err != nil {
		return openstack.FloatingIP{}, err
	}
	return c.putFloatingIP(id, revision, portID)
}

func (c *fakeCloud) DetachFloatingIP(ctx context.Context, id string, revision int) error {
	err := c.begin(ctx, "detach fip %s", id)
	defer c.mu.Unlock()
	if err == nil {
		_, err = c.putFloatingIP(id, revision, "")
	}
	return unlessGone(err)
}

func (c *fakeCloud) DescribeFloatingIP(ctx context.Context, id string, revision int, description string) error {
	err := c.begin(ctx, "describe fip %s", id)
	defer c.mu.Unlock()
	if err == nil {
		fixed := c.fips[id].Fixed
		if _, err = c.putFloatingIP(id, revision, c.fips[id].PortID); err == nil {
			c.fips[id].Description, c.fips[id].Fixed = description, fixed
		}
	}
	return err
}

func (c *fakeCloud) DeleteFloatingIP(ctx context.Context, id string, revision int) error {
	err := c.begin(ctx, "delete fip %s", id)
	defer c.mu.Unlock()
	f, ok := c.fips[id]
	switch {
	case err != nil:
		return err
	case ok && revision != 0 && revision != f.Revision:
		return fmt.Errorf("fake: %w", openstack.ErrConflict)
	}
	delete(c.fips, id)
	return nil
}

func (c *fakeCloud) AddTag(ctx context.Context, k openstack.Kind, id, tag string) error {
	err := c.begin(ctx, "tag %s %s %s", k, id, tag)
	defer c.mu.Unlock()
	if err == nil {
		c.retag(id, func(tags []string) []string {
			if slices.Contains(tags, tag) {
				return tags
			}
			return append(slices.Clone(tags), tag)
		})
	}
	return err
}

func (c *fakeCloud) SetTags(ctx context.Context, k openstack.Kind, id string, tags []string) error {
	err := c.begin(ctx, "set tags %s %s %v", k, id, tags)
	defer c.mu.Unlock()
	if err == nil {
		c.retag(id, func([]string) []string { return slices.Clone(tags) })
	}
	return err
}

func (c *fakeCloud) RemoveTag(ctx context.Context, k openstack.Kind, id, tag string) error {
	err := c.begin(ctx, "untag %s %s %s", k, id, tag)
	defer c.mu.Unlock()
	if err == nil {
		c.retag(id, func(tags []string) []string {
			return slices.DeleteFunc(slices.Clone(tags), func(s string) bool { return s == tag })
		})
	}
	return err
}

// retag changes tags; Neutron bumps the revision with them.
func (c *fakeCloud) retag(id string, change func([]string) []string) {
	if p, ok := c.ports[id]; ok {
		p.Tags, p.Revision = change(p.Tags), p.Revision+1
	}
	if g, ok := c.groups[id]; ok {
		g.Tags, g.Revision = change(g.Tags), g.Revision+1
	}
	if f, ok := c.fips[id]; ok {
		f.Tags, f.Revision = change(f.Tags), f.Revision+1
	}
}

// fakeServers records what is done to servers.
type fakeServers struct {
	mu    sync.Mutex
	calls []string
	fail  error
	away  error // no server can be reached
	last  plan.ConvergeAgent
}

type fakeServer struct {
	all *fakeServers
	id  string
}

func (f *fakeServers) Server(_ context.Context, id string) (Server, error) {
	return &fakeServer{f, id}, f.away
}

func (s *fakeServer) note(what string) error {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.all.calls = append(s.all.calls, what+" "+s.id)
	return s.all.fail
}

func (s *fakeServer) Converge(_ context.Context, op plan.ConvergeAgent) error {
	s.all.mu.Lock()
	s.all.last = op
	s.all.mu.Unlock()
	return s.note("converge")
}
func (s *fakeServer) Stop(context.Context, string) error       { return s.note("stop") }
func (s *fakeServer) Remove(context.Context, string) error     { return s.note("remove") }
func (s *fakeServer) Switchover(context.Context, string) error { return s.note("switchover") }
func (s *fakeServer) Status(context.Context, string) (api.Status, error) {
	return api.Status{}, s.note("status")
}

// silent is a progress that nobody watches.
type silent struct{}

func (silent) Begin(plan.Action)      {}
func (silent) End(plan.Action, error) {}
