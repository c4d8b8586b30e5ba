package failover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/server"
)

// state is what a member's agent says; nil when it cannot be asked.
type state struct {
	Member
	reached bool // the server, at least
	status  *api.Status
	err     error
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
				all[i].reached = true
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

// agreed waits until one member is active, all others are backup and hear it, and
// nothing is wrong that was not before the test.
func (t *Test) agreed(ctx context.Context) ([]state, error) {
	return t.until(ctx, effectTime, func([]state) bool { return true })
}

// prepared waits until they agree, and each backup would take over: after its start
// an agent only listens for a while.
func (t *Test) prepared(ctx context.Context, within time.Duration) ([]state, error) {
	return t.until(ctx, within, func(all []state) bool {
		return !slices.ContainsFunc(all, func(s state) bool {
			return s.is(api.Backup) && s.status.Now.Sub(s.status.Started) < t.StartDelay+4*t.Interval
		})
	})
}

func (t *Test) until(ctx context.Context, within time.Duration, also func([]state) bool) ([]state, error) {
	limit, cancel := context.WithTimeout(ctx, within+t.StartDelay)
	defer cancel()
	for {
		all := t.states(ctx, "") // which has its own limit: who answers late is not silent
		if t.agree(all) && also(all) {
			return all, nil
		}
		if sleep(limit, pollEvery) != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, &DisagreeError{States: describe(all)}
		}
	}
}

// DisagreeError is a group that is not well within the time that it has for it: not
// one member is active and all others are backup, or something is wrong that was not
// before the test.
type DisagreeError struct{ States string }

func (e *DisagreeError) Error() string {
	return "the group is not well again: " + e.States
}

func (t *Test) agree(all []state) bool {
	i := slices.IndexFunc(all, func(s state) bool { return s.is(api.Active) })
	if i < 0 {
		return false
	}
	for j, s := range all {
		if j != i && (!s.is(api.Backup) || !plan.Hears(s.status, all[i].status)) || len(t.fresh(s)) > 0 {
			return false
		}
	}
	return true
}

func describe(all []state) string {
	var words []string
	for _, s := range all {
		words = append(words, s.Name+" "+s.word())
	}
	return strings.Join(words, ", ")
}

func (s state) word() string {
	if s.status == nil || len(s.status.Routers) == 0 {
		return "silent"
	}
	return string(s.status.Routers[0].State)
}

// roles are the active member and the backup that would take over: a healthy one
// before one whose check fails.
func (t *Test) roles(all []state) (active, next Member) {
	best := -1
	for _, s := range all {
		if s.is(api.Active) {
			active = s.Member
			continue
		}
		rank := s.status.Routers[0].Priority
		if !slices.ContainsFunc(s.status.Checks, func(c api.Check) bool { return !c.OK }) {
			rank += 256
		}
		if rank > best {
			best, next = rank, s.Member
		}
	}
	return active, next
}

// effect waits until the fault has had its effect and names the member that is
// active then: another one, or the same. A VIP that ought to stay is watched for
// as long as a backup would need twice. lives tells whether the active one's server
// was heard just now.
func (t *Test) effect(ctx context.Context, f Fault, active Member, lives func() bool) (string, error) {
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
	paused := time.Time{}
	for {
		for _, s := range t.states(limit, but) {
			if s.is(api.Active) && (f.Expect == Stays || s.ServerID != active.ServerID) {
				return s.Name, nil
			}
		}
		if f.Name == ServerPause && paused.IsZero() && t.isPaused(limit, active) {
			paused = time.Now()
		}
		if !paused.IsZero() && time.Since(paused) > stillAfter && lives() {
			return "", &server.NotPossibleError{Why: "the cloud says that the server is paused, and it runs on"}
		}
		if sleep(limit, pollEvery) != nil {
			return t.stayed(ctx, active)
		}
	}
}

// stillAfter is how long after a pause nothing more may come from a server.
const stillAfter = 3 * blindAfter

func (t *Test) isPaused(ctx context.Context, m Member) bool {
	s, err := t.Cloud.Server(ctx, m.ServerID)
	return err == nil && s.Status == "PAUSED" && s.TaskState == ""
}

// stayed is the active member after a fault without effect, if it still is; "" when
// nobody is known to be. The round is judged, and fails.
func (t *Test) stayed(ctx context.Context, active Member) (string, error) {
	for _, s := range t.states(ctx, "") {
		if s.ServerID == active.ServerID && s.is(api.Active) {
			return active.Name, context.Cause(ctx)
		}
	}
	return "", context.Cause(ctx)
}
