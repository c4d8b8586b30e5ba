//go:build acceptance

package acceptance

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Other tools and people undo what havip made: status names each thing, one
// create mends all of them, and what is not havip's is still there after it
// and after delete.
func TestDriftIsNamedAndMended(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "drift", "10.77.0.224", one, two)
	spare := the.prefix + "elsewhere"
	var foreign struct{ ID string } // somebody else's security group
	openstackCLI(t, &foreign, "security", "group", "create", the.prefix+"foreign-sg")
	t.Cleanup(func() {
		atOnce(t,
			cli("port", "set", "--no-allowed-address", "--no-tag", "--no-security-group", "--security-group", the.prefix+"locked", one.port),
			cli("port", "delete", spare))
		openstackCLI(t, nil, "security", "group", "delete", foreign.ID)
	})
	atOnce(t,
		cli("port", "create", "--network", the.network, "--no-security-group", spare),
		cli("port", "set", "--allowed-address", "ip-address=10.77.0.251", "--security-group", foreign.ID, "--tag", "owner=ann", one.port))
	before := snapshot(t)
	mustHavip(t, 0, g.create("--floating-ip", the.vipFIP)...)
	healthy(t, g.name)
	checkForeign(t, one, foreign.ID)

	// All at once: what "port set" without "--allowed-address" leaves is what
	// a tool leaves that writes the list whole.
	atOnce(t,
		cli("port", "set", "--no-allowed-address", two.port),
		cli("floating", "ip", "set", "--port", spare, the.vipFIP),
		one.runs("sudo systemctl stop "+g.unit()),
		two.runs("sudo sed -i 's/interval: .*/interval: 700ms/' /etc/havip/"+g.name+".yaml"))
	atOnce(t,
		cli("port", "unset", "--security-group", g.sg(), two.port),
		cli("port", "delete", g.vipPort()))

	st := groupStatus(t, 3, g.name)
	all := strings.Join(messages(st), "\n")
	t.Log(all)
	for _, want := range []string{
		"port " + two.name + ": allowed address " + g.vip + " is missing",
		"port " + two.name + ": security group " + g.sg() + " is not on it",
		"agent on " + one.name + ": it does not run",
		"agent on " + two.name + ": its configuration file was changed and not reloaded",
		"VIP port " + g.vipPort() + ": it is gone",
		"floating ip " + the.vipFIP + ": it is attached to",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("status does not say %q", want)
		}
	}
	for _, d := range st.Deviations {
		if d.Cure == "" {
			t.Errorf("status does not say what to do about it: %+v", d)
		}
	}

	t.Log("one create mends all of it")
	// Nobody says which address: the agents know.
	mend := group{name: g.name, members: g.members}
	mustHavip(t, 0, mend.create("--floating-ip", the.vipFIP, "--move-floating-ip")...)
	st = healthy(t, g.name)
	if st.VIPs[0].Address != g.vip {
		t.Errorf("the VIP port has come back with another address: %+v", st.VIPs)
	}
	answers(t, the.vipFIP, g.owner(t))
	checkForeign(t, one, foreign.ID)

	t.Log("delete leaves what is not havip's")
	mustHavip(t, 0, g.delete()...)
	checkForeign(t, one, foreign.ID)
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("delete leaves the cloud changed (-before +after):\n%s", diff)
	}
}

// checkForeign tells whether a member's port still has what is not havip's.
func checkForeign(t *testing.T, h *host, group string) {
	t.Helper()
	var p struct {
		Pairs []struct {
			IP string `json:"ip_address"`
		} `json:"allowed_address_pairs"`
		Groups []string `json:"security_group_ids"`
		Tags   []string `json:"tags"`
	}
	openstackCLI(t, &p, "port", "show", h.port)
	pair := slices.ContainsFunc(p.Pairs, func(a struct {
		IP string `json:"ip_address"`
	},
	) bool {
		return a.IP == "10.77.0.251"
	})
	if !pair || !slices.Contains(p.Groups, group) || !slices.Contains(p.Tags, "owner=ann") {
		t.Errorf("%s: its port lost what is not havip's: %+v", h.name, p)
	}
}
