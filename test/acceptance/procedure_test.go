//go:build acceptance

package acceptance

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The manual procedure that havip replaces, step by step: what an operator
// would look at after each, with the tools that an operator has.
func TestTheManualProcedure(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	const group, vip = "proc", "10.77.0.210"
	create := on("create", group, "--server", one.name, "--server", two.name,
		"--network", the.prefix+"net", "--address", vip, "--floating-ip", the.vipFIP,
		"--verify", "http:http://havip.test/", "--host-keys", "console", "--yes")
	t.Cleanup(func() { havip(on("delete", group, "--yes")...) })

	o := mustHavip(t, 0, create...)
	t.Logf("havip create took %.1f s:\n%s%s", o.took.Seconds(), o.err, o.out)
	if !strings.Contains(o.err, the.vipFIP+" http://havip.test/ ok") {
		t.Errorf("create does not say that the floating IP answers:\n%v", o)
	}

	checkCloud(t, group, vip, one, two)
	for _, h := range []*host{one, two} {
		checkService(t, h, group)
	}

	st := healthy(t, group)
	active, other := one, two
	if st.active(t) != one {
		t.Errorf("want the first server to be active, got %s", st.active(t).name)
		active, other = two, one
	}
	checkAddresses(t, st, vip, active, other)
	answers(t, the.vipFIP, active)

	t.Log("stop the active server: the other answers")
	active.powerOff(t)
	answers(t, the.vipFIP, other)
	if o := havip(on("status", group)...); o.code != 3 {
		t.Errorf("status with a server off: want exit code 3:\n%v", o)
	}

	t.Log("start it again: both are healthy, and the VIP stays where it is (preempt: false)")
	active.powerOn(t)
	st = healthy(t, group)
	if got := st.active(t); got != other {
		t.Errorf("preempt is false: the VIP should have stayed on %s, is on %s", other.name, got.name)
	}
	answers(t, the.vipFIP, other)

	t.Log("another interval is reloaded without a failover")
	before := map[string]time.Time{}
	pids := map[string]int{}
	for _, m := range st.Members {
		before[m.Name], pids[m.Name] = m.Agent.Routers[0].Since, m.Agent.PID
	}
	mustHavip(t, 0, append(create, "--interval", "200ms")...)
	st = healthy(t, group)
	for _, m := range st.Members {
		if m.Agent.Routers[0].Interval != "200ms" {
			t.Errorf("%s: the interval is %s", m.Name, m.Agent.Routers[0].Interval)
		}
		if !m.Agent.Routers[0].Since.Equal(before[m.Name]) || m.Agent.PID != pids[m.Name] {
			t.Errorf("%s: changed its state or was restarted by the reload", m.Name)
		}
	}

	t.Log("with preempt: true the VIP returns to the server with the higher priority")
	preempt := append(slices.Clone(create), "--interval", "200ms", "--preempt")
	mustHavip(t, 0, preempt...)
	answers(t, the.vipFIP, one)
	healthy(t, group)
	one.powerOff(t)
	answers(t, the.vipFIP, two)
	one.powerOn(t)
	answers(t, the.vipFIP, one)
	if got := healthy(t, group).active(t); got != one {
		t.Errorf("preempt is true: the VIP should have returned to %s, is on %s", one.name, got.name)
	}

	t.Log("the journal tells the transitions")
	journal := two.must(t, "sudo journalctl --no-pager -o cat -u havip-agent@"+group)
	for _, want := range []string{"from=backup to=active", "from=active to=backup"} {
		if !strings.Contains(journal, want) {
			t.Errorf("%s: the journal does not tell %q:\n%s", two.name, want, journal)
		}
	}
}

// checkCloud is what "openstack port show" and its kind say.
func checkCloud(t *testing.T, group, vip string, members ...*host) {
	t.Helper()
	var port struct {
		ID       string   `json:"id"`
		Groups   []string `json:"security_group_ids"`
		FixedIPs []struct {
			IP string `json:"ip_address"`
		} `json:"fixed_ips"`
		Tags     []string `json:"tags"`
		DeviceID string   `json:"device_id"`
		Owner    string   `json:"device_owner"`
	}
	openstackCLI(t, &port, "port", "show", "havip-"+group+"-v4")
	if len(port.Groups) > 0 || len(port.FixedIPs) != 1 || port.FixedIPs[0].IP != vip || port.DeviceID+port.Owner != "" {
		t.Errorf("VIP port: want no security group, no device, and the address %s: %+v", vip, port)
	}
	var fip struct {
		Port  string `json:"port_id"`
		Fixed string `json:"fixed_ip_address"`
	}
	openstackCLI(t, &fip, "floating", "ip", "show", the.vipFIP)
	if fip.Port != port.ID || fip.Fixed != vip {
		t.Errorf("floating IP: want it on the VIP port %s: %+v", port.ID, fip)
	}
	var sg struct {
		ID    string `json:"id"`
		Rules []struct {
			Direction string `json:"direction"`
			Protocol  string `json:"protocol"`
			Remote    string `json:"remote_group_id"`
			EtherType string `json:"ethertype"`
		} `json:"rules"`
	}
	openstackCLI(t, &sg, "security", "group", "show", "havip-"+group)
	directions := map[string]bool{}
	for _, r := range sg.Rules {
		if (r.Protocol != "112" && r.Protocol != "vrrp") || r.Remote != sg.ID || r.EtherType != "IPv4" {
			t.Errorf("security group: more than protocol 112 from and to itself: %+v", r)
		}
		directions[r.Direction] = true
	}
	if len(sg.Rules) != 2 || !directions["ingress"] || !directions["egress"] {
		t.Errorf("security group: want protocol 112 in and out: %+v", sg.Rules)
	}
	for _, h := range members {
		var p struct {
			Pairs []struct {
				IP  string `json:"ip_address"`
				MAC string `json:"mac_address"`
			} `json:"allowed_address_pairs"`
			Groups []string `json:"security_group_ids"`
			MAC    string   `json:"mac_address"`
		}
		openstackCLI(t, &p, "port", "show", h.port)
		if len(p.Pairs) != 1 || p.Pairs[0].IP != vip || p.Pairs[0].MAC != p.MAC {
			t.Errorf("%s: want the pair %s on its port: %+v", h.name, vip, p.Pairs)
		}
		if !slices.Contains(p.Groups, sg.ID) {
			t.Errorf("%s: its port lacks the security group: %v", h.name, p.Groups)
		}
	}
}

// checkService is what systemctl says on a server.
func checkService(t *testing.T, h *host, group string) {
	t.Helper()
	unit := "havip-agent@" + group + ".service"
	for command, want := range map[string]string{
		"systemctl is-active " + unit:                                                "active",
		"systemctl is-enabled " + unit:                                               "enabled",
		"systemctl list-unit-files --no-legend 'havip-agent@.service'":               "havip-agent@.service",
		"ps -o user= -p $(systemctl show -p MainPID --value " + unit + ")":           "havip",
		"grep CapPrm /proc/$(systemctl show -p MainPID --value " + unit + ")/status": "0000000000003000", // NET_ADMIN, NET_RAW
	} {
		if got := h.must(t, command); !strings.Contains(got, want) {
			t.Errorf("%s: %s says %q, want %q", h.name, command, got, want)
		}
	}
}

// checkAddresses is what "ip addr show" says on the NIC that havip found.
func checkAddresses(t *testing.T, st status, vip string, active, other *host) {
	t.Helper()
	for _, m := range st.Members {
		h := byName(t, m.Name)
		shown := h.must(t, "ip addr show dev "+m.Agent.Routers[0].Interface)
		if !strings.Contains(shown, " "+h.fixed+"/") {
			t.Errorf("%s: its own address is not on %s:\n%s", h.name, m.Agent.Routers[0].Interface, shown)
		}
		if has := strings.Contains(shown, " "+vip+"/32 "); has != (h == active) {
			t.Errorf("%s: VIP on it: %v, active is %s:\n%s", h.name, has, active.name, shown)
		}
	}
	if other.holds(t, vip) {
		t.Errorf("%s is backup and has the VIP", other.name)
	}
}
