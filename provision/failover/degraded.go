package failover

import (
	"context"
	"errors"
	"time"

	"github.com/havip/havip/agent/api"
)

// settleTime is for how long a member that is not well when a test begins may just be
// on its way.
const settleTime = 10 * time.Second

// leaveOut leaves the members out of the test that cannot take over when it begins, as
// long as the others agree and are two at least.
func (t *Test) leaveOut(ctx context.Context) error {
	var all []state
	for began := time.Now(); time.Since(began) < settleTime; {
		if all = t.states(ctx, ""); t.agree(all) {
			return nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
	var well []state
	var out []string
	for _, s := range all {
		if why := t.cannotTakeOver(ctx, s); why != "" {
			out = append(out, s.Name+" is left out of the test: "+why)
			continue
		}
		well = append(well, s)
	}
	if len(well) < 2 || !t.agree(well) {
		return &DisagreeError{describe(all)}
	}
	t.Members = nil
	for _, s := range well {
		t.Members = append(t.Members, s.Member)
	}
	for _, o := range out {
		t.Progress.Warn(o, "havip status "+t.Group)
	}
	return nil
}

// cannotTakeOver says why a member cannot become active meanwhile, as far as that is
// known for sure: one that only cannot be asked from here may.
func (t *Test) cannotTakeOver(ctx context.Context, s state) string {
	if s.status != nil {
		if len(s.status.Routers) > 0 && s.status.Routers[0].State == api.Init {
			return "its agent is in init: " + s.status.Routers[0].Reason
		}
		return ""
	}
	if sv, err := t.Cloud.Server(ctx, s.ServerID); err == nil && sv.Status != "ACTIVE" {
		return "its server is " + sv.Status
	}
	if s.reached && !errors.Is(s.err, context.DeadlineExceeded) {
		return "no agent answers there"
	}
	return ""
}
