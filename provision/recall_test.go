package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/provision/spec"
)

// groupCloud holds the group "bastion" of project ops as create made it: VIP
// 10.0.0.136, VRID 4, and three servers.
type groupCloud struct{ *portCloud }

func newGroupCloud() groupCloud {
	c := groupCloud{&portCloud{}}
	c.ports = []openstack.Port{{
		ID: "vip", NetworkID: "internal", ProjectID: "ops", Tags: plan.VIPPortTags("bastion", 4), PortSecurity: true,
		FixedIPs: []openstack.FixedIP{{SubnetID: "sub", IP: netip.MustParseAddr("10.0.0.136")}},
	}}
	c.groups = []openstack.SecurityGroup{{
		ID: "sg", Name: "havip-bastion", ProjectID: "ops", Tags: []string{plan.TagGroup("bastion")},
		Rules: plan.Rules([]plan.Family{plan.IPv4}, "sg"),
	}}
	for i := 1; i <= 3; i++ {
		c.ports = append(c.ports, openstack.Port{
			ID: fmt.Sprintf("port-%d", i), NetworkID: "internal", ProjectID: "ops", DeviceID: fmt.Sprintf("server-%d", i),
			DeviceOwner: "compute:nova", PortSecurity: true, SecurityGroups: []string{"sg"},
			Pairs:    []openstack.AddressPair{{IP: "10.0.0.136"}},
			Tags:     []string{plan.TagMember("bastion")},
			FixedIPs: []openstack.FixedIP{{SubnetID: "sub", IP: netip.AddrFrom4([4]byte{10, 0, 0, byte(129 + i)})}},
		})
	}
	return c
}

func (groupCloud) Identity() openstack.Identity { return openstack.Identity{ProjectID: "ops"} }

// Servers finds bastion-1 to bastion-3 by name and ID.
func (groupCloud) Servers(_ context.Context, ref string) ([]openstack.Server, error) {
	number, ok := strings.CutPrefix(ref, "bastion-")
	if !ok {
		number, _ = strings.CutPrefix(ref, "server-")
	}
	return []openstack.Server{{ID: "server-" + number, Name: "bastion-" + number, Status: "ACTIVE"}}, nil
}

func (groupCloud) Subnets(context.Context, ...string) ([]openstack.Subnet, error) {
	return []openstack.Subnet{{ID: "sub", Name: "internal-v4", NetworkID: "internal", CIDR: netip.MustParsePrefix("10.0.0.0/24")}}, nil
}

// file is the group file that fits the cloud.
func file() *spec.Group {
	return &spec.Group{
		Name:    "bastion",
		Servers: []spec.Server{{Ref: "bastion-1"}, {Ref: "bastion-2"}, {Ref: "bastion-3"}},
		VIPs:    []spec.VIP{{Network: "internal", Address: netip.MustParseAddr("10.0.0.136")}},
		VRRP:    spec.VRRP{Interval: 300 * time.Millisecond, Version: 3, Mode: "unicast"},
	}
}

// agents are the agents of the three servers; one whose state is "" is silent.
// None of the servers lets itself be inspected.
type agents struct {
	mu     sync.Mutex
	states map[string]api.State // by server name
}

func (a *agents) dial(_ context.Context, t remote.Target) (Connection, error) {
	return agentConn{&sshConn{}, a, t.ServerName}, nil
}

type agentConn struct {
	*sshConn
	agents *agents
	name   string
}

func (c agentConn) Close() error { return nil }

func (c agentConn) Run(_ context.Context, command string, _ io.Reader) ([]byte, error) {
	c.agents.mu.Lock()
	defer c.agents.mu.Unlock()
	states := c.agents.states
	switch {
	case strings.Contains(command, "fact havip 1"):
		return nil, errors.New("not to be inspected")
	case states[c.name] == "":
		return nil, errors.New("no answer")
	case strings.Contains(command, "switchover --group"):
		for name, s := range states {
			if s == api.Active {
				states[name] = api.Backup
			}
		}
		states[c.name] = api.Active
		return nil, nil
	default:
		return json.Marshal(member(c.name, states[c.name]).Status)
	}
}

// objects are what deviates.
func objects(st GroupStatus) []string {
	var all []string
	for _, d := range st.Deviations {
		all = append(all, d.Object)
	}
	return all
}

func names(members []MemberStatus) []string {
	var all []string
	for _, m := range members {
		all = append(all, m.Name)
	}
	return all
}

func TestStatusComparesWithTheFileOrSaysWhyNot(t *testing.T) {
	unreachable := []string{"server bastion-1", "server bastion-2", "server bastion-3"}
	for _, tt := range []struct {
		name   string
		change func(*spec.Group)
		want   []string
	}{
		{"it fits, and this CLI has no agents and reaches no server", func(*spec.Group) {}, unreachable},
		{"its VIP is another one", func(g *spec.Group) {
			g.VIPs[0].Address = netip.MustParseAddr("10.0.0.140")
		}, slices.Concat([]string{"group file", "vips[0].address"}, unreachable)},
		{
			"it leaves a member out", func(g *spec.Group) { g.Servers = g.Servers[:2] },
			[]string{"port bastion-3", "server bastion-1", "server bastion-2", "server bastion-3"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := file()
			tt.change(g)
			s := &Service{Cloud: newGroupCloud(), Dial: (&agents{}).dial, Now: time.Now}
			st, err := s.Status(t.Context(), Selection{Name: "bastion", File: g})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, objects(st)); d != "" {
				t.Errorf("deviations (-want +got):\n%s", d)
			}
		})
	}
}

func TestStatusOfAGroupWhoseVIPPortIsGoneListsItsMembers(t *testing.T) {
	c := newGroupCloud()
	c.ports = c.ports[1:]
	s := &Service{Cloud: c, Dial: (&agents{}).dial, Now: time.Now}
	st, err := s.Status(t.Context(), Selection{Name: "bastion"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"bastion-1", "bastion-2", "bastion-3"}, names(st.Members)); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	if st.Healthy() || st.Deviations[0].Object != "VIP port of bastion" {
		t.Errorf("deviations: %+v", st.Deviations)
	}
}

func TestListShowsTheGroupsOfTheProjectOnly(t *testing.T) {
	c := newGroupCloud()
	for _, p := range c.ports { // an admin sees the other project's too
		p.ID, p.ProjectID, p.Tags = "dev-"+p.ID, "dev", slices.Clone(p.Tags)
		c.ports = append(c.ports, p)
	}
	c.ports = append(c.ports, openstack.Port{
		ID: "web", NetworkID: "internal", ProjectID: "dev", Tags: plan.VIPPortTags("web", 9), FixedIPs: c.ports[0].FixedIPs,
	})
	got, err := (&Service{Cloud: c}).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []GroupSummary{{
		Name: "bastion", VRID: 4, VIP: netip.MustParseAddr("10.0.0.136"), Network: "internal",
		Members: []string{"server-1", "server-2", "server-3"},
	}}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
}
