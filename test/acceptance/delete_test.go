//go:build acceptance

package acceptance

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Delete takes away what it can reach, lists what it cannot, and finishes the
// work when it is run again as it says.
func TestDeleteFinishesLater(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "later", "10.77.0.222", one, two)
	before := snapshot(t)
	mustHavip(t, 0, g.create("--floating-ip", the.vipFIP)...)

	// Somebody else uses the group's security group.
	foreign := the.prefix + "foreign"
	openstackCLI(t, nil, "port", "create", "--network", the.network, "--security-group", g.sg(), foreign)
	t.Cleanup(func() { cli("port", "delete", foreign)() }) //nolint:errcheck // the test itself deletes it when all is well
	two.powerOff(t)

	o := mustHavip(t, 6, g.delete()...)
	t.Logf("%s%s", o.err, o.out)
	says(t, o, "agent of group "+g.name+" on "+two.name, "SHUTOFF", "openstack server start "+two.name,
		"security group "+g.sg(), foreign, "openstack port unset --security-group ")
	if o := one.ssh("ls /etc/havip /usr/local/bin/havip-agent"); o.code == 0 {
		t.Errorf("%s could be reached and keeps the agent:\n%v", one.name, o)
	}
	checkFenced(t, g, one, two)
	var port struct {
		Groups []string `json:"security_group_ids"`
	}
	openstackCLI(t, &port, "port", "show", foreign)
	var sg struct{ ID string }
	openstackCLI(t, &sg, "security", "group", "show", g.sg())
	if !slices.Equal(port.Groups, []string{sg.ID}) {
		t.Errorf("the foreign port was changed: its groups are %v", port.Groups)
	}

	t.Log("as it says: start the server, take the group off the port, delete once more")
	two.powerOn(t)
	openstackCLI(t, nil, "port", "unset", "--security-group", sg.ID, foreign)
	mustHavip(t, 0, g.delete()...)
	if left := two.must(t, "ls -d /etc/havip /usr/local/bin/havip-agent /etc/systemd/system/havip-agent@.service 2>/dev/null; true"); left != "" {
		t.Errorf("delete leaves on %s:\n%s", two.name, left)
	}
	if two.holds(t, g.vip) {
		t.Errorf("delete leaves the VIP on %s", two.name)
	}
	openstackCLI(t, nil, "port", "delete", foreign)
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("delete leaves the cloud changed (-before +after):\n%s", diff)
	}
}

// checkFenced tells whether the cloud holds nothing more that would let a
// server use the VIP.
func checkFenced(t *testing.T, g *group, members ...*host) {
	t.Helper()
	var ports []struct {
		Name string
		IPs  []struct {
			IP string `json:"ip_address"`
		} `json:"Fixed IP Addresses"`
	}
	openstackCLI(t, &ports, "port", "list", "--network", the.network)
	for _, p := range ports {
		if p.Name == g.vipPort() {
			t.Errorf("the VIP port is still there: %+v", p)
		}
	}
	for _, h := range members {
		var p struct {
			Pairs  []any    `json:"allowed_address_pairs"`
			Groups []string `json:"security_group_ids"`
		}
		openstackCLI(t, &p, "port", "show", h.port)
		if len(p.Pairs) > 0 || len(p.Groups) != 1 {
			t.Errorf("%s: its port keeps something of the group: %+v", h.name, p)
		}
	}
	var fip struct {
		Port string `json:"port_id"`
	}
	openstackCLI(t, &fip, "floating", "ip", "show", the.vipFIP)
	if fip.Port != "" {
		t.Errorf("the floating IP still leads to port %s", fip.Port)
	}
}

// A group is deleted whole also when one of its servers is gone for good. Of
// a server that was made with a port of its own, the port stays, with
// everything on it.
func TestDeleteAfterAServerIsGone(t *testing.T) {
	one := the.servers[0]
	extra := the.extraServer(t)
	g := newGroup(t, "gone", "10.77.0.223", one, extra)
	before := snapshot(t)
	mustHavip(t, 0, g.create()...)
	openstackCLI(t, nil, "server", "delete", "--wait", extra.id)

	st := groupStatus(t, 3, g.name)
	if len(st.Members) == 0 || !strings.Contains(strings.Join(messages(st), "\n"), "port") {
		t.Errorf("status does not name what is wrong: %+v", st)
	}
	mustHavip(t, 0, g.delete()...)
	// Nova unbinds the port; that alone is not havip's.
	if diff := cmp.Diff(unbound(before, extra.id), snapshot(t)); diff != "" {
		t.Errorf("delete leaves the cloud changed (-before +after):\n%s", diff)
	}
}

var deviceOwner = regexp.MustCompile(`"device_owner": "[^"]*"`)

// unbound is a snapshot as it is when a server has left its port.
func unbound(snapshot, server string) string {
	var b strings.Builder
	left := false
	for line := range strings.Lines(snapshot) {
		if strings.Contains(line, `"device_id": "`+server+`"`) {
			line, left = strings.Replace(line, server, "", 1), true
		} else if left {
			line, left = deviceOwner.ReplaceAllString(line, `"device_owner": ""`), false
		}
		b.WriteString(line)
	}
	return b.String()
}
