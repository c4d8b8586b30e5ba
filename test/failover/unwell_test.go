package failover

import (
	"fmt"
	"strings"
	"testing"

	provision "github.com/havip/havip/provision/failover"
	"github.com/havip/havip/test/lab/labtest"
)

func TestAGroupThatIsNotWell(t *testing.T) {
	t.Parallel()
	const name = "unwell"
	group(t, name, "10.0.0.209", "bastion-15", "bastion-16", "bastion-17")
	t.Run("a member that is off is left out of the test", func(t *testing.T) {
		active := labtest.Healthy(t, name).Active()
		off := map[bool]string{true: "bastion-16", false: "bastion-17"}[active == "bastion-17"]
		power(t, off, "SHUTOFF")
		defer power(t, off, "ACTIVE")
		labtest.Must(t, 4, "failover-test", name, "--fault", "switchover")
		o := labtest.Must(t, 0, "failover-test", name, "--fault", "switchover", "--allow-degraded")
		if want := off + " is left out of the test: its server is SHUTOFF"; !strings.Contains(o.Err, want) {
			t.Errorf("it does not say %q:\n%v", want, o)
		}
	})
	t.Run("one that is not well again after a fault has failed", func(t *testing.T) {
		active := labtest.Healthy(t, name).Active()
		// With the fault it goes deaf and dumb, so that it comes back and hears nobody.
		const table = "havip_unwell"
		defer func() { _, _ = labtest.On(t, active, "nft delete table ip "+table) }()
		rules := strings.ReplaceAll("nft 'add table ip T; add chain ip T in { type filter hook input priority 0; }; add rule ip T in ip protocol 112 drop; "+
			"add chain ip T out { type filter hook output priority 0; }; add rule ip T out ip protocol 112 drop'", "T", table)
		wait := fmt.Sprintf("(while [ ! -e /run/havip-undo-%s ]; do sleep 0.05; done; %s) </dev/null >/dev/null 2>&1 &", name, rules)
		if out, err := labtest.On(t, active, wait); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		cmd := start(t, "failover-test", name, "--fault", string(provision.AgentStop), "-o", "json")
		<-cmd.ended
		if code := cmd.ProcessState.ExitCode(); code != 5 {
			t.Errorf("exit code %d, want 5\n%s%s", code, cmd.out.String(), cmd.errs.String())
		}
		r := parse(t, cmd.out.String())
		if r.Verdict != "failed" || len(r.Rounds) != 1 || len(r.Rounds[0].Why) == 0 || !strings.HasPrefix(r.Rounds[0].Why[0], "the group is not well again: ") {
			t.Errorf("the report is %+v", r)
		}
		if !strings.Contains(cmd.errs.String(), "the group is not well again: ") {
			t.Errorf("it does not say why it ended:\n%s", cmd.errs.String())
		}
	})
	labtest.Healthy(t, name)
}
