//go:build acceptance

package acceptance

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One create with everything wrong that can be: all of it is said at once,
// with what to do about it, and nothing is touched.
func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	one, two, three := the.servers[0], the.servers[1], the.servers[2]
	g := newGroup(t, "wrong", one.fixed) // another port's address
	const keepalived = `vrrp_instance other { state BACKUP
 interface eth0
 virtual_router_id 77
 priority 1
 virtual_ipaddress { 10.77.0.249/32 }
}`
	t.Cleanup(func() {
		atOnce(t,
			cli("server", "set", "--name", three.name, three.id),
			cli("port", "set", "--enable-port-security", "--security-group", the.prefix+"locked", two.port),
			one.runs("sudo systemctl stop keepalived && sudo rm -f /etc/keepalived/keepalived.conf"))
	})
	atOnce(t,
		cli("server", "set", "--name", one.name, three.id),
		cli("port", "set", "--no-security-group", "--disable-port-security", two.port),
		cli("server", "stop", three.id),
		one.runs("echo '"+keepalived+"' | sudo tee /etc/keepalived/keepalived.conf >/dev/null && sudo systemctl start keepalived"))
	three.waitStatus(t, "SHUTOFF")
	before := snapshot(t)

	o := mustHavip(t, 4, on("create", g.name, "--network", the.network, "--address", g.vip, "--floating-ip", "192.0.2.99", "--vrid", "77",
		"--server", one.name, "--server", the.prefix+"nobody", "--server", two.id, "--server", three.id, "--server", one.id,
		"--host-keys", "accept-new", "--yes", "-v")...)
	t.Logf("%s", withoutTrace(o.err))
	says(t, o,
		"things stand in the way, nothing was touched",
		"server "+one.name+" matches 2 servers", one.id, three.id, "use the ID, or --server ", // the candidates
		the.prefix+"nobody: no such server in this project",
		"port security is off on port "+two.port, "openstack port set --enable-port-security "+two.port,
		"is shut off", "openstack server start "+three.id,
		one.fixed+" is in use by port "+one.name,
		"floating ip 192.0.2.99 is not one of this project's", the.vipFIP+"  unattached",
		"keepalived (pid ", "uses VRID 77", "choose another in vrrp.id",
	)
	untouched(t, o)
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("the cloud changed (-before +after):\n%s", diff)
	}
}

// withoutTrace is what a person reads of a run with -v.
func withoutTrace(stderr string) string {
	var b strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, `{"request"`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// A floating IP that leads somewhere is left there until its move is asked
// for; delete gives it back unattached, as it is not havip's to release.
func TestFloatingIPInUse(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "move", "10.77.0.221", one, two)
	spare := the.prefix + "spare"
	var p struct{ ID string }
	openstackCLI(t, &p, "port", "create", "--network", the.network, "--no-security-group", spare)
	t.Cleanup(func() { openstackCLI(t, nil, "port", "delete", p.ID) })
	openstackCLI(t, nil, "floating", "ip", "set", "--port", p.ID, the.vipFIP)

	o := mustHavip(t, 4, g.create("--floating-ip", the.vipFIP, "-v")...)
	says(t, o, "floating ip "+the.vipFIP, "is attached to", spare, "--move-floating-ip takes it from there")
	untouched(t, o)

	mustHavip(t, 0, g.create("--floating-ip", the.vipFIP, "--move-floating-ip")...)
	checkCloud(t, g.name, g.vip, one, two)
	answers(t, the.vipFIP, g.owner(t))

	mustHavip(t, 0, g.delete()...)
	var fip struct {
		Port string   `json:"port_id"`
		Tags []string `json:"tags"`
	}
	openstackCLI(t, &fip, "floating", "ip", "show", the.vipFIP)
	if fip.Port != "" || len(fip.Tags) > 0 {
		t.Errorf("delete was to leave the floating IP unattached and unmarked: %+v", fip)
	}
}
