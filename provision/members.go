package provision

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/plan"
)

// MemberStatus is one member as its agent tells it.
type MemberStatus struct {
	Name     string // for people; the server's, made unique where two have the same
	ServerID string
	Status   *api.Status // nil when it does not answer
	Err      error
}

// State is the state of the member's routers, which move together.
func (m MemberStatus) State() api.State {
	if m.Status == nil || len(m.Status.Routers) == 0 {
		return ""
	}
	return m.Status.Routers[0].State
}

// is tells whether all of the member's routers are in a state, and hold the
// VIPs where that is active and only there.
func (m MemberStatus) is(state api.State) bool {
	if m.State() != state {
		return false
	}
	for _, r := range m.Status.Routers {
		if r.State != state || r.Held != (state == api.Active) {
			return false
		}
	}
	return true
}

// isPartly tells whether one of the member's routers is in a state.
func (m MemberStatus) isPartly(state api.State) bool {
	if m.Status == nil {
		return false
	}
	for _, r := range m.Status.Routers {
		if r.State == state {
			return true
		}
	}
	return false
}

// roster is the members of a group, nobody asked yet.
func roster(d plan.Desired, o plan.Observed) []MemberStatus {
	names := plan.MemberNames(d, o)
	all := make([]MemberStatus, len(d.Members))
	for i, m := range d.Members {
		all[i] = MemberStatus{Name: names[i], ServerID: m.Server.ID}
	}
	return all
}

// ask asks every member's agent for its status, at once.
func (s *Service) ask(ctx context.Context, fleet *Fleet, group string, roster []MemberStatus) []MemberStatus {
	all := make([]MemberStatus, len(roster))
	var wg sync.WaitGroup
	for i, m := range roster {
		all[i] = MemberStatus{Name: m.Name, ServerID: m.ServerID}
		wg.Go(func() {
			srv, err := fleet.server(ctx, m.ServerID)
			if err == nil {
				var st api.Status
				if st, err = srv.Status(ctx, group); err == nil {
					all[i].Status = &st
				}
			}
			all[i].Err = err
		})
	}
	wg.Wait()
	return all
}

// agreed tells whether exactly one member is active and holds the VIP while
// all others are backup without it, and hear it: two that do not hear each
// other agree by chance and not for long.
func agreed(members []MemberStatus) (active MemberStatus, ok bool) {
	for _, m := range members {
		switch {
		case m.is(api.Backup):
		case m.is(api.Active) && !ok:
			active, ok = m, true
		default:
			return MemberStatus{}, false
		}
	}
	for _, m := range members {
		ok = ok && (m.ServerID == active.ServerID || m.hears(active))
	}
	return active, ok
}

// hears tells whether the member hears the active one's advertisements.
func (m MemberStatus) hears(active MemberStatus) bool { return plan.Hears(m.Status, active.Status) }

// problems are those of one kind that the member's agent sees.
func (m MemberStatus) problems(code string) []api.Problem {
	var all []api.Problem
	if m.Status != nil {
		for _, r := range m.Status.Routers {
			for _, p := range r.Problems {
				if p.Code == code {
					all = append(all, p)
				}
			}
		}
	}
	return all
}

// holder is the one member that is active, if it holds the VIP. What the
// others do besides does not matter.
func holder(members []MemberStatus) (active MemberStatus, ok bool) {
	for _, m := range members {
		switch {
		case m.is(api.Active) && !ok:
			active, ok = m, true
		case m.isPartly(api.Active):
			return MemberStatus{}, false
		}
	}
	return active, ok
}

func allBackup(members []MemberStatus) bool {
	for _, m := range members {
		if m.State() != api.Backup {
			return false
		}
	}
	return len(members) > 0
}

// describe is the members' states in one line.
func describe(members []MemberStatus) string {
	var parts []string
	for _, m := range members {
		parts = append(parts, m.Name+" "+m.word())
	}
	return strings.Join(parts, ", ")
}

// troubles are why members could not be asked.
func troubles(members []MemberStatus) []string {
	var all []string
	for _, m := range members {
		if m.Err != nil {
			all = append(all, fmt.Sprintf("%s  %v", m.Name, m.Err))
		}
	}
	return all
}

// word is the member's state in one word.
func (m MemberStatus) word() string {
	if state := m.State(); state != "" {
		return string(state)
	}
	return "silent"
}
