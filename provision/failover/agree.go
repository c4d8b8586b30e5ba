package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/havip/havip/agent/api"
)

// state is what a member's agent says; nil when it cannot be asked.
type state struct {
	Member
	status *api.Status
	err    error
}

func (s state) is(want api.State) bool {
	if s.status == nil || len(s.status.Routers) == 0 {
		return false
	}
	for _, r := range s.status.Routers {
		if r.State != want || r.Held != (want == api.Active) {
			return false
		}
	}
	return true
}

// states asks all agents but one's at once; "" asks all.
func (t *Test) states(ctx context.Context, but string) []state {
	all := make([]state, 0, len(t.Members))
	for _, m := range t.Members {
		if m.ServerID != but {
			all = append(all, state{Member: m})
		}
	}
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, askTime)
			defer cancel()
			g, err := t.Guests.Guest(ctx, all[i].ServerID)
			if err == nil {
				var st api.Status
				if st, err = g.Status(ctx, t.Group); err == nil {
					all[i].status = &st
				}
			}
			if all[i].err = err; errors.Is(err, context.DeadlineExceeded) {
				t.Guests.Forget(all[i].ServerID)
			}
		})
	}
	wg.Wait()
	return all
}

// fresh is what a member's agent sees wrong that it did not before the test.
func (t *Test) fresh(s state) []string {
	if s.status == nil {
		return nil
	}
	var wrong []string
	note := func(what string) {
		if what = s.Name + ": " + what; !t.tolerated[what] {
			wrong = append(wrong, what)
		}
	}
	for _, c := range s.status.Checks {
		if !c.OK {
			note("check " + c.Name + " fails")
		}
	}
	for _, r := range s.status.Routers {
		for _, p := range r.Problems {
			note(p.Code)
		}
	}
	return wrong
}

// tolerate takes what is wrong now for what was wrong before.
func (t *Test) tolerate(all []state) {
	t.tolerated = map[string]bool{}
	for _, s := range all {
		for _, what := range t.fresh(s) {
			t.tolerated[what] = true
		}
	}
}

// agreed waits until one member is active, all others are backup, and nothing is
// wrong that was not before the test.
func (t *Test) agreed(ctx context.Context) ([]state, error) {
	ctx, cancel := context.WithTimeout(ctx, effectTime)
	defer cancel()
	for {
		all := t.states(ctx, "")
		actives, well := 0, true
		for _, s := range all {
			switch {
			case s.is(api.Active):
				actives++
			case !s.is(api.Backup):
				well = false
			}
			well = well && len(t.fresh(s)) == 0
		}
		if well && actives == 1 {
			return all, nil
		}
		if sleep(ctx, pollEvery) != nil {
			return nil, fmt.Errorf("the agents do not agree again: %s", describe(all))
		}
	}
}

func describe(all []state) string {
	var words []string
	for _, s := range all {
		word := "silent"
		if s.status != nil && len(s.status.Routers) > 0 {
			word = string(s.status.Routers[0].State)
		}
		words = append(words, s.Name+" "+word)
	}
	return strings.Join(words, ", ")
}

// roles are the active member and the backup that would take over.
func (t *Test) roles(all []state) (active, next Member) {
	best := -1
	for _, s := range all {
		if s.is(api.Active) {
			active = s.Member
		} else if p := s.status.Routers[0].Priority; p > best {
			best, next = p, s.Member
		}
	}
	return active, next
}

// effect waits until the fault has had its effect and names the member that is
// active then: another one, or the same. A VIP that ought to stay is watched for
// as long as a backup would need twice.
func (t *Test) effect(ctx context.Context, f Fault, active Member) (string, error) {
	if f.Expect == Stays {
		if err := sleep(ctx, 8*t.Interval+tail); err != nil {
			return "", err
		}
	}
	limit, cancel := context.WithTimeout(ctx, effectTime)
	defer cancel()
	but := active.ServerID
	if f.Expect == Stays || f.Place == ByAgent {
		but = ""
	}
	for {
		for _, s := range t.states(limit, but) {
			if s.is(api.Active) && (f.Expect == Stays || s.ServerID != active.ServerID) {
				return s.Name, nil
			}
		}
		if sleep(limit, pollEvery) != nil {
			return "", context.Cause(ctx) // nil: the round is judged, and fails
		}
	}
}
