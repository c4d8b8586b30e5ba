//go:build acceptance

package acceptance

import (
	"fmt"
	"strings"
	"testing"
)

// What happens to an agent and its address on a server, past havip.
func TestAgentIsKilledAndVIPIsRemoved(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "agent", "10.77.0.229", one, two)
	mustHavip(t, 0, g.create("--floating-ip", the.vipFIP)...)
	active := g.owner(t)

	t.Log("the VIP is removed by hand: it is back, without a transition")
	before := healthy(t, g.name)
	nic := before.member(t, active).Agent.Routers[0].Interface
	active.must(t, "sudo ip addr del "+g.vip+"/32 dev "+nic)
	wait(t, "the VIP is back", func() error {
		if !active.holds(t, g.vip) {
			return fmt.Errorf("%s does not have %s", active.name, g.vip)
		}
		return nil
	})
	after := healthy(t, g.name)
	for _, h := range g.members {
		was, is := before.member(t, h).Agent.Routers[0], after.member(t, h).Agent.Routers[0]
		if !was.Since.Equal(is.Since) {
			t.Errorf("%s changed its state: since %v (%s), before since %v (%s)", h.name, is.Since, is.Reason, was.Since, was.Reason)
		}
	}
	answers(t, the.vipFIP, active)

	t.Log("the active one's agent is killed: one owner again, and healthy")
	pid := after.member(t, active).Agent.PID
	active.must(t, "sudo systemctl kill --kill-who=main --signal=KILL "+g.unit())
	wait(t, "the agent is started again", func() error {
		o := active.ssh("systemctl show -p MainPID --value " + g.unit())
		if now := strings.TrimSpace(o.out); now == "" || now == "0" || now == fmt.Sprint(pid) {
			return fmt.Errorf("%v", o)
		}
		return nil
	})
	st := healthy(t, g.name)
	owner := g.owner(t)
	if got := st.active(t); got != owner {
		t.Errorf("%s says that it is active, and %s has the VIP", got.name, owner.name)
	}
	answers(t, the.vipFIP, owner)
}
