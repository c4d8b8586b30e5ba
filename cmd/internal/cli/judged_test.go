package cli

import (
	"context"
	"errors"
	"testing"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/failover"
)

func TestAFailedTestEndsWithItsExitCodeWhateverBrokeItOff(t *testing.T) {
	broken := errors.New("round 1, server-reboot: the group is not well again")
	for name, tt := range map[string]struct {
		err     error
		verdict failover.Verdict
		want    int
	}{
		"passed":                        {nil, failover.Passed, ui.ExitDone},
		"inconclusive":                  {nil, failover.Inconclusive, ui.ExitTest},
		"failed":                        {nil, failover.Failed, ui.ExitTest},
		"failed, and broken off":        {broken, failover.Failed, ui.ExitTest},
		"broken off before anything":    {broken, failover.Inconclusive, ui.ExitFailed},
		"not well for the next round":   {&failover.DisagreeError{States: "one silent"}, failover.Inconclusive, ui.ExitTest},
		"failed, and something is left": {&provision.LeftError{Err: broken}, failover.Failed, ui.ExitLeft},
		"failed, and Ctrl-C":            {context.Canceled, failover.Failed, ui.ExitInterrupted},
	} {
		err := judged(tt.err, tt.verdict)
		if got := ui.Code(err); got != tt.want {
			t.Errorf("%s: exit code %d, want %d", name, got, tt.want)
		}
		if tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s: the error is lost: %v", name, err)
		}
	}
}
