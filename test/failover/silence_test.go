package failover

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/test/lab/labtest"
)

// deaf is a command for a server, which does not hear what asks the VIP from one
// condition until another one.
func deaf(vip, from, until string) string {
	const table = "havip_deaf"
	return fmt.Sprintf("until %s; do sleep .02; done; nft 'add table ip %s; add chain ip %s in { type filter hook input priority 0; }; add rule ip %s in ip daddr %s drop' && { %s; code=$?; nft delete table ip %s; exit $code; }",
		from, table, table, table, vip, until, table)
}

// A way is silent when a round begins, when its fault is undone, and before the test.
func TestARoundIsAsLongAsItsSilences(t *testing.T) {
	t.Parallel()
	const name, vip, limit = "silences", "10.0.0.207", 5 * time.Second
	const witness, undo = "grep -qs [w]itness /proc/[0-9]*/cmdline", "/run/havip-undo-" + name
	// The member that was active takes the VIP back when it is there again.
	groupWith(t, ", preempt: true", name, vip, "bastion-11", "bastion-12")
	// run tests the group, and meanwhile runs a command on the active member.
	run := func(t *testing.T, command string) *running {
		active := labtest.Healthy(t, name).Active()
		cmd := start(t, "failover-test", name, "-o", "json", "--fault", "agent-stop", "--max-downtime", limit.String())
		if out, err := labtest.On(t, active, command); err != nil {
			t.Errorf("on %s: %v: %s", active, err, out)
		}
		<-cmd.ended
		return cmd
	}

	t.Run("when it begins", func(t *testing.T) {
		cmd := run(t, deaf(vip, witness, "sleep 10; test ! -e "+undo))
		r := parse(t, cmd.out.String())
		if x := r.Rounds[0]; r.Verdict != "passed" || x.silence("outside") > limit {
			t.Errorf("%s: %v; outside was silent for %s, and before the fault for 10s", x.Verdict, x.Why, x.silence("outside"))
		}
	})
	t.Run("when its fault is undone", func(t *testing.T) {
		cmd := run(t, deaf(vip, "test -e "+undo, "while test -e "+undo+"; do sleep .02; done; sleep 20"))
		x := parse(t, cmd.out.String()).Rounds[0]
		if x.Failback_ms < 10_000 || x.Failback_ms > 25_000 {
			t.Errorf("the VIP was silent for 20 s less the delay of a start, and the report says %.0f ms", x.Failback_ms)
		}
		if why := strings.Join(x.Why, "; "); cmd.ProcessState.ExitCode() != 5 || x.Verdict != "failed" || !strings.Contains(why, "s when it was undone, the limit is 5s") {
			t.Errorf("exit code %d, %s: %s", cmd.ProcessState.ExitCode(), x.Verdict, why)
		}
		if text := cmd.errs.String(); !strings.Contains(text, "s when it was undone, failed") || !strings.HasSuffix(text, "\n\n") {
			t.Errorf("the round's line does not say when, or no empty line parts it from the result:\n%q", text)
		}
	})
	t.Run("before the test", func(t *testing.T) {
		cmd := run(t, deaf(vip, witness, "while "+witness+"; do sleep .2; done; test ! -e "+undo))
		text := cmd.errs.String()
		if cmd.ProcessState.ExitCode() != 4 || !strings.Contains(text, "did not answer from here for 1m0s before the fault, and none was made") {
			t.Errorf("exit code %d; want 4, and why\n%s%s", cmd.ProcessState.ExitCode(), cmd.out.String(), text)
		}
	})
	labtest.Healthy(t, name)
}
