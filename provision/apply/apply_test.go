package apply

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

var vip = netip.MustParseAddr("10.0.0.136")

// members is a cloud with the ports of two servers, one of which somebody
// else uses as well.
func members() *fakeCloud {
	c := newFakeCloud()
	c.ports["p1"] = &openstack.Port{
		ID: "p1", MAC: "fa:16:3e:00:00:01", Revision: 7, Tags: []string{"theirs"}, SecurityGroups: []string{"web"},
		Pairs: []openstack.AddressPair{{IP: "192.0.2.0/24", MAC: "fa:16:3e:00:00:01"}},
	}
	c.ports["p2"] = &openstack.Port{ID: "p2", MAC: "fa:16:3e:00:00:02", Revision: 3}
	c.fips["f1"] = &openstack.FloatingIP{ID: "f1", Address: netip.MustParseAddr("203.0.113.10"), PortID: "elsewhere", Revision: 5}
	return c
}

// creation is a whole create of two members, as plan.Diff makes it.
func creation(c *fakeCloud) plan.Plan {
	join := func(id string) plan.JoinPort {
		return plan.JoinPort{PortID: id, Observed: clonePort(c.ports[id]), VIPs: []int{0}, Tags: []string{plan.TagMember("g")}}
	}
	agent := func(server string) plan.ConvergeAgent {
		return plan.ConvergeAgent{ServerID: server, New: true, Config: config.Config{Group: "g", Routers: []config.Router{{VRID: 51}}}}
	}
	return plan.Plan{
		Group:   "g",
		Desired: plan.Desired{Group: "g", VRID: 51, VIPs: []plan.VIP{{Family: plan.IPv4, Address: vip}}},
		Actions: []plan.Action{
			{ID: "group", Op: plan.CreateSecurityGroup{Name: "havip-g", Families: []plan.Family{plan.IPv4}}},
			{ID: "vip", Op: plan.CreateVIPPort{Name: "havip-g-v4"}, Needs: []string{"group"}},
			{ID: "p1", Op: join("p1"), Needs: []string{"vip", "group"}},
			{ID: "p2", Op: join("p2"), Needs: []string{"vip", "group"}},
			{ID: "a1", Op: agent("s1"), Needs: []string{"p1"}, Server: "s1"},
			{ID: "a2", Op: agent("s2"), Needs: []string{"p2"}, Server: "s2"},
			{ID: "fip", Op: plan.AttachFloatingIP{ID: "f1", From: "elsewhere", Revision: 5, Tags: []string{plan.TagGroup("g")}}, Needs: []string{"a1", "a2"}},
		},
	}
}

func runner(c *fakeCloud, s *fakeServers) *Runner {
	return &Runner{
		Cloud: c, Servers: s, Progress: silent{}, Holder: "ann@desk/1",
		Now: func() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) },
	}
}

func TestACreationLeadsToTheWantedCloud(t *testing.T) {
	c, s := members(), &fakeServers{}
	res, err := runner(c, s).Run(t.Context(), creation(c))
	if err != nil {
		t.Fatal(err)
	}
	group := c.groups[res.Resources.SecurityGroup]
	for _, r := range group.Rules {
		if r.Protocol == "" {
			t.Errorf("Neutron's allow-all egress rule is still there: %+v", r)
		}
	}
	want := []openstack.AddressPair{
		{IP: "192.0.2.0/24", MAC: "fa:16:3e:00:00:01"},
		{IP: "10.0.0.136", MAC: "fa:16:3e:00:00:01"},
	}
	if diff := cmp.Diff(want, c.ports["p1"].Pairs); diff != "" {
		t.Errorf("pairs of p1 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"web", group.ID}, c.ports["p1"].SecurityGroups); diff != "" {
		t.Errorf("groups of p1 (-want +got):\n%s", diff)
	}
	port := c.ports[res.Resources.VIPs[0].PortID]
	if diff := cmp.Diff([]string{"havip", "havip:group=g", "havip:vrid=51"}, slices.Sorted(slices.Values(port.Tags))); diff != "" {
		t.Errorf("tags of the VIP port (-want +got):\n%s", diff)
	}
	if got := c.fips["f1"].PortID; got != port.ID {
		t.Errorf("floating IP is on %s", got)
	}
	if got := s.last.Config.Routers[0].Addresses; len(got) != 1 || got[0].String() != "10.0.0.136/32" {
		t.Errorf("the agent's addresses were not filled in: %v", got)
	}
	if i := slices.Index(c.calls, "attach fip f1 to "+port.ID); len(s.calls) != 2 || i < 0 {
		t.Errorf("calls: %v %v", c.calls, s.calls)
	}
}

func TestUndoTakesBackWhatTheRunDidAndNothingElse(t *testing.T) {
	c, s := members(), &fakeServers{}
	before := snapshot(c)
	r := runner(c, s)
	res, err := r.Run(t.Context(), creation(c))
	if err != nil {
		t.Fatal(err)
	}
	if left := r.Undo(t.Context(), res); left != nil {
		t.Fatalf("left behind: %v", left)
	}
	if diff := cmp.Diff(before, snapshot(c), cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the cloud is not as before (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"remove s1", "remove s2"}, slices.Sorted(slices.Values(s.calls[2:]))); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

// snapshot is the cloud without revisions.
func snapshot(c *fakeCloud) map[string]any {
	all := map[string]any{}
	for id, p := range c.ports {
		q := clonePort(p)
		q.Revision = 0
		all[id] = q
	}
	for id, g := range c.groups {
		all[id] = *g
	}
	for id, f := range c.fips {
		g := *f
		g.Tags, g.Revision = append([]string{}, f.Tags...), 0
		all[id] = g
	}
	return all
}

func TestAFailureStopsWhatDependsOnItAndNothingElse(t *testing.T) {
	c, s := members(), &fakeServers{}
	c.fail["put port p1"] = errors.New("boom")
	res, err := runner(c, s).Run(t.Context(), creation(c))
	if err == nil || !strings.Contains(err.Error(), "boom") || strings.Count(err.Error(), "\n") > 0 {
		t.Fatalf("want the one failure, got: %v", err)
	}
	if diff := cmp.Diff([]string{"converge s2"}, s.calls); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	var done []string
	for _, a := range res.Done {
		done = append(done, a.ID)
	}
	slices.Sort(done)
	if diff := cmp.Diff([]string{"a2", "group", "p2", "vip"}, done); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
}

func TestARivalsWriteBetweenReadAndPutIsKept(t *testing.T) {
	c, s := members(), &fakeServers{}
	p := creation(c)
	rival := 2 // times in a row
	c.before = func(call string) {
		if call == "put port p1" && rival > 0 {
			rival--
			c.mu.Lock()
			defer c.mu.Unlock()
			port := c.ports["p1"]
			port.Pairs = append(slices.Clone(port.Pairs), openstack.AddressPair{IP: "198.51.100." + string(rune('1'+rival)), MAC: port.MAC})
			port.Revision++
		}
	}
	if _, err := runner(c, s).Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, pair := range c.ports["p1"].Pairs {
		got = append(got, pair.IP)
	}
	if diff := cmp.Diff([]string{"192.0.2.0/24", "198.51.100.2", "198.51.100.1", "10.0.0.136"}, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
}

// A run that is cut off between the two leaves a port that the next one finds.
func TestAPortIsMarkedBeforeItIsFenced(t *testing.T) {
	c := members()
	mark := plan.TagMember("g")
	op := plan.LeavePort{PortID: "p1", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.9")}, SecurityGroup: "web", Marks: []string{mark}}
	if _, err := runner(c, &fakeServers{}).Run(t.Context(), plan.Plan{Group: "g", Actions: []plan.Action{{ID: "a", Op: op}}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"tag ports p1 " + mark, "get port p1", "put port p1"}
	if d := cmp.Diff(want, c.calls); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
	if p := c.ports["p1"]; slices.Contains(p.SecurityGroups, "web") || !slices.Contains(p.Tags, mark) {
		t.Errorf("security groups %v, tags %v", p.SecurityGroups, p.Tags)
	}
}

func TestATugOfWarEndsWithAnError(t *testing.T) {
	c, s := members(), &fakeServers{}
	p := creation(c)
	c.before = func(call string) {
		if call == "put port p1" {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ports["p1"].Revision++
		}
	}
	_, err := runner(c, s).Run(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "10 times in a row") {
		t.Errorf("got: %v", err)
	}
}

func TestOfTwoCreationsAtOnceTheOlderOneStays(t *testing.T) {
	c, s := members(), &fakeServers{}
	p := creation(c)
	c.before = func(call string) {
		if call == "create group havip-g" && len(c.groups) == 0 {
			c.before = nil
			lock := Lock{Holder: "bob@laptop/2", Until: time.Date(2026, 1, 1, 12, 9, 0, 0, time.UTC)}
			_, _ = c.CreateSecurityGroup(t.Context(), openstack.SecurityGroupCreate{Name: "havip-g", Description: lock.In(plan.Description("g", 51))})
		}
	}
	_, err := runner(c, s).Run(t.Context(), p)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Lock.Holder != "bob@laptop/2" {
		t.Fatalf("got: %v", err)
	}
	if len(c.groups) != 1 || len(c.ports) != 2 || len(s.calls) != 0 {
		t.Errorf("the loser left something: %d groups, %d ports, %v", len(c.groups), len(c.ports), s.calls)
	}
}

func TestAYoungerCreationIsWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		goes bool // the rival sees that it is late
	}{
		{name: "it goes, and the run goes on", goes: true},
		{name: "it stays, as one that looked before we were there does", goes: false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := members(), &fakeServers{}
				p := creation(c)
				looks, rival := 0, ""
				c.before = func(call string) {
					if call != "list groups" {
						return
					}
					looks++
					switch {
					case looks == 1:
						lock := Lock{Holder: "bob@laptop/2", Until: time.Date(2026, 1, 1, 12, 9, 0, 0, time.UTC)}
						g, _ := c.CreateSecurityGroup(t.Context(), openstack.SecurityGroupCreate{Name: "havip-g", Description: lock.In(plan.Description("g", 51))})
						rival = g.ID
					case looks == 3 && tt.goes:
						_ = c.DeleteSecurityGroup(t.Context(), rival)
					}
				}
				_, err := runner(c, s).Run(t.Context(), p)
				var locked *LockedError
				switch {
				case tt.goes && err != nil:
					t.Errorf("got: %v", err)
				case !tt.goes && (!errors.As(err, &locked) || locked.Lock.Holder != "bob@laptop/2"):
					t.Errorf("got: %v", err)
				}
				if len(c.groups) != 1 {
					t.Errorf("%d groups remain", len(c.groups))
				}
			})
		})
	}
}

func TestLock(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	mark := plan.Description("g", 51)
	held := func(holder string, until time.Time) string { return Lock{Holder: holder, Until: until}.In(mark) }
	for _, tt := range []struct {
		name        string
		description string
		stale       bool // somebody wrote since it was observed
		locked      bool
	}{
		{name: "a free group is taken", description: mark},
		{name: "a held group is refused", description: held("bob@laptop/2", at.Add(time.Minute)), locked: true},
		{name: "the lock of a run that was killed here is taken over", description: held("ann@desk/dead", at.Add(time.Minute))},
		{name: "a lock that ran out is taken over", description: held("bob@laptop/2", at.Add(-time.Second))},
		{name: "one's own lock is renewed", description: held("ann@desk/1", at.Add(time.Minute))},
		{name: "somebody was faster", description: mark, stale: true, locked: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newFakeCloud()
			g, _ := c.CreateSecurityGroup(t.Context(), openstack.SecurityGroupCreate{Name: "havip-g", Description: tt.description})
			if tt.stale {
				c.groups[g.ID].Revision++
			}
			r := runner(c, &fakeServers{})
			r.Now = func() time.Time { return at }
			r.Abandoned = func(holder string) bool { return holder == "ann@desk/dead" }
			err := r.Acquire(t.Context(), "g", g)
			if locked := (*LockedError)(nil); errors.As(err, &locked) != tt.locked {
				t.Fatalf("got: %v", err)
			}
			if tt.locked {
				return
			}
			l, rest := ParseLock(c.groups[g.ID].Description)
			if l.Holder != "ann@desk/1" || !l.Until.Equal(at.Add(LockTime)) || rest != mark {
				t.Errorf("lock: %+v, rest %q", l, rest)
			}
			if err := r.Release(t.Context(), "g", 51, g.ID); err != nil || c.groups[g.ID].Description != mark {
				t.Errorf("release: %v, %q", err, c.groups[g.ID].Description)
			}
		})
	}
}

func TestACancelledRunStartsNothingMore(t *testing.T) {
	c, s := members(), &fakeServers{}
	p := creation(c)
	ctx, cancel := context.WithCancel(t.Context())
	c.before = func(call string) {
		if strings.HasPrefix(call, "create port") {
			cancel()
		}
	}
	_, err := runner(c, s).Run(ctx, p)
	if !errors.Is(err, context.Canceled) || len(s.calls) > 0 || len(c.ports["p1"].Pairs) != 1 {
		t.Errorf("got %v; servers: %v", err, s.calls)
	}
}
