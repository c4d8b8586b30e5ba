package life

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/havip/havip/test/lab/labtest"
)

// Somebody deletes the rule that lets the members hear each other. The backup
// takes over; as they announce the VIP past each other, one of them yields,
// and status names the cause. With the rule back all is well again.
func TestABlockedProtocolIsNamedAndOneYields(t *testing.T) {
	labtest.Need(t)
	defer sshOnly(t, neutron(t), "bastion-1", "bastion-2")()
	g := newGroup(t, "blocked")
	g.create(t)
	rules := list(t, g.cloud, "security-group-rules?direction=ingress&security_group_id="+
		one(t, g.cloud, "security-groups?name=havip-blocked").Text("id"))
	if len(rules) != 1 {
		t.Fatalf("rules: %v", rules)
	}
	remove(t, g.cloud, "security-group-rules/"+rules[0].Text("id"))

	labtest.Eventually(t, "status to name the cause, and one to yield", func() error {
		s, o := labtest.Look(t, g.name)
		if s.Healthy || o.Code != 3 {
			return fmt.Errorf("status: %v", o)
		}
		blocked := cure(s, "protocol 112", "it does not pass between bastion-1 and bastion-2")
		if !strings.Contains(blocked, "security group") || !strings.Contains(blocked, "havip create blocked") {
			return fmt.Errorf("it does not say what to do about protocol 112: %q\n%v", blocked, o)
		}
		// The backup has taken over and heard of the other by now: that is how
		// the cause is known.
		return oneHolds(s)
	})
	people := labtest.Must(t, 3, "status", g.name)
	if want := "protocol 112: it does not pass between bastion-1 and bastion-2"; !strings.Contains(people.Out, want) {
		t.Errorf("people are not told %q:\n%v", want, people)
	}

	g.create(t)
	if err := oneHolds(labtest.Healthy(t, g.name)); err != nil {
		t.Error(err)
	}
	g.gone(t)
}

// A firewall on a server does the same, and no security group is to blame: a
// create says so, and what to look for.
func TestAFirewallOnAServerIsNamed(t *testing.T) {
	g := newGroup(t, "firewall")
	g.create(t)
	closed := "nft add table ip havip-test && nft add chain ip havip-test in '{type filter hook input priority 0;}' && nft add rule ip havip-test in ip protocol 112 drop"
	const open = "nft delete table ip havip-test"
	for _, server := range []string{"bastion-1", "bastion-2"} {
		on(t, server, closed)
		t.Cleanup(func() { on(t, server, open+" 2>/dev/null; true") })
	}
	labtest.Eventually(t, "status to name the cause", func() error {
		s, o := labtest.Look(t, g.name)
		blocked := cure(s, "protocol 112", "it does not pass between bastion-1 and bastion-2")
		if !strings.Contains(blocked, "nft list ruleset") {
			return fmt.Errorf("it does not say what to do about protocol 112: %q\n%v", blocked, o)
		}
		return oneHolds(s)
	})
	o := labtest.Must(t, 1, "create", "-f", g.file, "--yes")
	if !strings.Contains(o.Err, "protocol 112 does not pass between them") || !strings.Contains(o.Err, "nft list ruleset") {
		t.Errorf("create does not name the cause:\n%v", o)
	}
	for _, server := range []string{"bastion-1", "bastion-2"} {
		on(t, server, open)
	}
	if err := oneHolds(labtest.Healthy(t, g.name)); err != nil {
		t.Error(err)
	}
	g.gone(t)
}

// sshOnly takes the servers' ports out of the project's default group, whose
// members may send each other anything. What it returns puts them back.
func sshOnly(t *testing.T, c *gophercloud.ServiceClient, servers ...string) func() {
	t.Helper()
	create(t, c, "security-groups", map[string]any{"security_group": map[string]any{"name": "ssh-only"}})
	only := one(t, c, "security-groups?name=ssh-only").Text("id")
	create(t, c, "security-group-rules", map[string]any{"security_group_rule": map[string]any{
		"security_group_id": only, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
	}})
	set := func(server, group string) {
		put(t, c, "ports/"+port(t, c, server).Text("id"), map[string]any{"port": map[string]any{"security_groups": []string{group}}})
	}
	usual := one(t, c, "security-groups?name=default").Text("id")
	for _, server := range servers {
		set(server, only)
	}
	return func() {
		for _, server := range servers {
			set(server, usual)
		}
		remove(t, c, "security-groups/"+only)
	}
}

// cure is that of a deviation, "" when there is no such one.
func cure(s labtest.Status, object, message string) string {
	for _, d := range s.Deviations {
		if d.Object == object && d.Message == message {
			return d.Cure
		}
	}
	return ""
}

// oneHolds is nil when one member is active and holds the VIP, and the others
// are backup without it.
func oneHolds(s labtest.Status) error {
	actives := 0
	for _, m := range s.Members {
		holds := len(m.Agent.Routers) == 1 && m.Agent.Routers[0].Held
		switch {
		case m.State == "active" && holds:
			actives++
		case m.State == "backup" && !holds:
		default:
			return fmt.Errorf("%s is %s, and has the VIP: %v", m.Name, m.State, holds)
		}
	}
	if actives != 1 {
		return fmt.Errorf("%d are active", actives)
	}
	return nil
}
