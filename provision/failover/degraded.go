package failover

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/plan"
)

// settleTime is for how long a member that is not well when a test begins may just be
// on its way.
const settleTime = 10 * time.Second

// leaveOut leaves the members out of the test that are not well when it begins, as
// long as an active one and a backup remain.
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
	i := slices.IndexFunc(all, func(s state) bool { return s.is(api.Active) })
	if i < 0 {
		return &DisagreeError{describe(all)}
	}
	var well []Member
	for _, s := range all {
		if s.ServerID == all[i].ServerID || s.is(api.Backup) && plan.Hears(s.status, all[i].status) {
			well = append(well, s.Member)
		}
	}
	if len(well) < 2 || slices.ContainsFunc(all[i+1:], func(s state) bool { return s.is(api.Active) }) {
		return &DisagreeError{describe(all)}
	}
	for _, s := range all {
		if !slices.Contains(well, s.Member) {
			t.Progress.Warn(fmt.Sprintf("%s is left out of the test: it is %s", s.Name, s.word()), "havip status "+t.Group)
		}
	}
	t.Members = well
	return nil
}
