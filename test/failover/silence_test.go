package failover

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/test/lab/labtest"
)

// deafen is a command for a server that from a condition on does not hear what asks
// the VIP, and hear one that ends it.
func deafen(vip, from string) string {
	return fmt.Sprintf("until %s; do sleep .02; done; nft 'add table ip havip_deaf; add chain ip havip_deaf in { type filter hook input priority 0; }; add rule ip havip_deaf in ip daddr %s drop'", from, vip)
}

const hear = "nft delete table ip havip_deaf"

// deaf is one that ends it after another command, whose exit code counts.
func deaf(vip, from, then string) string {
	return fmt.Sprintf("%s && { %s; code=$?; %s; exit $code; }", deafen(vip, from), then, hear)
}

// A way is silent before the test, when a round begins, and when its fault is undone.
func TestARoundIsAsLongAsItsSilences(t *testing.T) {
	t.Parallel()
	const vip, other, limit = "10.0.0.207", "10.0.0.208", 5 * time.Second
	const witness, undo = "grep -qs [w]itness /proc/[0-9]*/cmdline", "/run/havip-undo-"
	// The member that was active takes the VIP back when it is there again.
	groupWith(t, ", preempt: true", "silences", vip, "bastion-11", "bastion-12")
	group(t, "silent", other, "bastion-13", "bastion-14")
	// run tests a group, and has a command run on its active member meanwhile.
	run := func(t *testing.T, group, command string) (cmd *running, active string) {
		active = labtest.Healthy(t, group).Active()
		cmd = start(t, "failover-test", group, "-o", "json", "--fault", "agent-stop", "--max-downtime", limit.String())
		if out, err := labtest.On(t, active, command); err != nil {
			t.Errorf("on %s: %v: %s", active, err, out)
		}
		return cmd, active
	}
	never, dumb := run(t, "silent", deafen(other, witness)) // takes a minute

	t.Run("when it begins", func(t *testing.T) {
		cmd, _ := run(t, "silences", deaf(vip, witness, "sleep 10; test ! -e "+undo+"silences"))
		<-cmd.ended
		r := parse(t, cmd.out.String())
		if x := r.Rounds[0]; r.Verdict != "passed" || x.silence("outside") > limit {
			t.Errorf("%s: %v; outside was silent for %s, and before the fault for 10s", x.Verdict, x.Why, x.silence("outside"))
		}
	})
	t.Run("when its fault is undone", func(t *testing.T) {
		cmd, _ := run(t, "silences", deaf(vip, "test -e "+undo+"silences", "while test -e "+undo+"silences; do sleep .02; done; sleep 20"))
		<-cmd.ended
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
		<-never.ended
		text := never.errs.String()
		if never.ProcessState.ExitCode() != 4 || !strings.Contains(text, "did not answer from here for 1m0s before the fault, and none was made") {
			t.Errorf("exit code %d; want 4, and why\n%s%s", never.ProcessState.ExitCode(), never.out.String(), text)
		}
		if out, err := labtest.On(t, dumb, hear); err != nil {
			t.Errorf("on %s: %v: %s", dumb, err, out)
		}
		if s := labtest.Healthy(t, "silent"); s.Active() != dumb {
			t.Errorf("%s is active, and %s was before", s.Active(), dumb)
		}
	})
}
