//go:build acceptance

package acceptance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// effectiveRules are the rules that apply to a port, by all its security
// groups, as the openstack command shows them.
func effectiveRules(t *testing.T, port string) []string {
	t.Helper()
	var p struct {
		Groups []string `json:"security_group_ids"`
	}
	openstackCLI(t, &p, "port", "show", port)
	var all []string
	for _, g := range p.Groups {
		var rules []struct {
			Direction string `json:"Direction"`
			EtherType string `json:"Ethertype"`
			Protocol  string `json:"IP Protocol"`
			Range     string `json:"Port Range"`
			Prefix    string `json:"IP Range"`
			Remote    string `json:"Remote Security Group"`
		}
		openstackCLI(t, &rules, "security", "group", "rule", "list", "--long", g)
		for _, r := range rules {
			remote := "anywhere"
			if r.Remote != "" {
				remote = "group"
			}
			all = append(all, fmt.Sprintf("%s %s %s %s %s", r.Direction, r.EtherType, r.Protocol, r.Range, remote))
		}
	}
	slices.Sort(all)
	return all
}

func TestMembersComeAndGo(t *testing.T) {
	one, two, three := the.servers[0], the.servers[1], the.servers[2]
	const group, vip = "members", "10.77.0.212"
	create := func(members ...*host) {
		t.Helper()
		args := on("create", group, "--network", the.network, "--address", vip, "--floating-ip", the.vipFIP,
			"--verify", "http:http://havip.test/", "--host-keys", "accept-new", "--yes")
		for _, m := range members {
			args = append(args, "--server", m.name)
		}
		mustHavip(t, 0, args...)
	}
	t.Cleanup(func() { havip(on("delete", group, "--yes")...) })

	locked := effectiveRules(t, one.port)
	create(one, two)
	got := effectiveRules(t, one.port)
	want := append(slices.Clone(locked), "egress IPv4 112  group", "ingress IPv4 112  group")
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("only protocol 112 may be new on a port with locked egress (-want +got):\n%s", diff)
	}
	st := healthy(t, group)
	active := st.active(t)
	since := st.Members[0].Agent.Routers[0].Since

	t.Log("a third member is added: the active one does not notice")
	create(one, two, three)
	st = healthy(t, group)
	if len(st.Members) != 3 || st.active(t) != active || !st.Members[0].Agent.Routers[0].Since.Equal(since) {
		t.Errorf("want three members and no transition: %+v", st.Members)
	}
	checkCloud(t, group, vip, one, two, three)

	t.Log("a member is removed: nothing of the group is left on its port and its server")
	create(one, three)
	if st = healthy(t, group); len(st.Members) != 2 || st.active(t) != active {
		t.Errorf("want two members and no transition: %+v", st.Members)
	}
	checkGone(t, two, group, vip)

	t.Log("the active one is removed: another takes over")
	create(three, two)
	st = healthy(t, group)
	if st.active(t) == one {
		t.Errorf("%s was removed and is active", one.name)
	}
	checkGone(t, one, group, vip)
	answers(t, the.vipFIP, st.active(t))
	if diff := cmp.Diff(locked, effectiveRules(t, one.port)); diff != "" {
		t.Errorf("the removed member's rules are not what they were (-before +after):\n%s", diff)
	}

	t.Log("switchover moves the VIP, and back")
	to := two
	if st.active(t) == two {
		to = three
	}
	mustHavip(t, 0, on("switchover", group, "--to", to.name)...)
	answers(t, the.vipFIP, to)
	if got := healthy(t, group).active(t); got != to {
		t.Errorf("switchover to %s: active is %s", to.name, got.name)
	}
}

// checkGone tells whether a server and its port hold nothing of a group.
func checkGone(t *testing.T, h *host, group, vip string) {
	t.Helper()
	var p struct {
		Pairs []any    `json:"allowed_address_pairs"`
		Tags  []string `json:"tags"`
	}
	openstackCLI(t, &p, "port", "show", h.port)
	if len(p.Pairs) > 0 || len(p.Tags) > 0 {
		t.Errorf("%s: its port keeps %v %v", h.name, p.Pairs, p.Tags)
	}
	if o := h.ssh("systemctl is-active havip-agent@" + group); strings.TrimSpace(o.out) == "active" {
		t.Errorf("%s: the agent still runs", h.name)
	}
	if h.holds(t, vip) {
		t.Errorf("%s: still has the VIP", h.name)
	}
}
