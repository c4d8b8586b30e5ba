//go:build acceptance

package acceptance

import (
	"fmt"
	"testing"
)

// Somebody deletes the rule that lets the members hear each other: one of
// them yields, status names the cause, and with the rule back both return.
func TestABlockedProtocolIsNamedAndOneYields(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "blocked", "10.77.0.231", one, two)
	mustHavip(t, 0, g.create("--floating-ip", the.vipFIP)...)
	healthy(t, g.name)
	var rules []struct{ ID string }
	openstackCLI(t, &rules, "security", "group", "rule", "list", "--ingress", g.sg())
	if len(rules) != 1 {
		t.Fatalf("rules: %v", rules)
	}
	openstackCLI(t, nil, "security", "group", "rule", "delete", rules[0].ID)

	wait(t, "status names the cause, and one has yielded", func() error {
		o := havip(append(on("status"), g.name)...)
		if o.code != 3 {
			return fmt.Errorf("%v", o)
		}
		st := groupStatus(t, 3, g.name)
		for _, d := range st.Deviations {
			if d.Object == "protocol 112" && d.Message == "it does not pass between "+one.name+" and "+two.name {
				return st.oneActive()
			}
		}
		return fmt.Errorf("it does not name the cause:\n%v", o)
	})
	answers(t, the.vipFIP, g.owner(t))

	mustHavip(t, 0, g.create("--floating-ip", the.vipFIP)...)
	st := healthy(t, g.name)
	if err := st.oneActive(); err != nil {
		t.Error(err)
	}
	answers(t, the.vipFIP, st.active(t))
}

// oneActive is nil when one member is active and the others are backup.
func (s status) oneActive() error {
	count := map[string]int{}
	for _, m := range s.Members {
		count[m.State]++
	}
	if count["active"] != 1 || count["backup"] != len(s.Members)-1 {
		return fmt.Errorf("%+v", count)
	}
	return nil
}
