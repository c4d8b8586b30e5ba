package provision

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/plan"
)

// pollEvery is how often the agents are asked while they come to agree.
const pollEvery = 100 * time.Millisecond

// MemberStatus is one member as its agent tells it.
type MemberStatus struct {
	Name     string
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

// settle waits until the agents agree: one active that holds the VIP, the
// others backup. When all are backup and none is active yet, it does not wait
// out the timers but asks the first member to take over.
func (s *Service) settle(ctx context.Context, p *Prepared, out *Outcome) error {
	began := s.Now()
	ctx, cancel := context.WithTimeout(ctx, settleTime(p.Desired))
	defer cancel()
	asked := false
	for {
		out.Members = s.ask(ctx, p.fleet, p.Plan.Group, p.Desired.Members)
		if name, ok := agreed(out.Members); ok {
			out.Active = name
			s.Report.Step("agents", describe(out.Members), s.Now().Sub(began))
			return nil
		}
		if !asked && allBackup(out.Members) {
			asked = true
			if err := s.takeOver(ctx, p.fleet, p.Plan.Group, p.Desired.Members[0].Server.ID); err != nil {
				s.Report.Warn("could not ask "+p.Desired.Members[0].Server.Name+" to become active: "+err.Error(), "")
			}
		}
		select {
		case <-ctx.Done():
			return disagreement(p.Plan.Group, out.Members)
		case <-time.After(pollEvery):
		}
	}
}

// settleTime is far more than agents need: ten down intervals, and time for
// slow servers.
func settleTime(d plan.Desired) time.Duration { return 30*time.Second + 40*d.Interval }

// ask asks every member's agent for its status, at once.
func (s *Service) ask(ctx context.Context, fleet *Fleet, group string, members []plan.Member) []MemberStatus {
	all := make([]MemberStatus, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		all[i] = MemberStatus{Name: m.Server.Name, ServerID: m.Server.ID}
		wg.Go(func() {
			srv, err := fleet.server(ctx, m.Server.ID)
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

func (s *Service) takeOver(ctx context.Context, fleet *Fleet, group, serverID string) error {
	srv, err := fleet.server(ctx, serverID)
	if err != nil {
		return err
	}
	return srv.Switchover(ctx, group)
}

// agreed tells whether exactly one member is active and holds the VIP while
// all others are backup without it.
func agreed(members []MemberStatus) (active string, ok bool) {
	for _, m := range members {
		if m.Status == nil || len(m.Status.Routers) == 0 {
			return "", false
		}
		state := m.State()
		for _, r := range m.Status.Routers {
			if r.State != state || r.Held != (state == api.Active) {
				return "", false
			}
		}
		switch {
		case state == api.Active && active == "":
			active = m.Name
		case state != api.Backup:
			return "", false
		}
	}
	return active, active != ""
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
		state := string(m.State())
		if state == "" {
			state = "silent"
		}
		parts = append(parts, m.Name+" "+state)
	}
	return strings.Join(parts, ", ")
}

func disagreement(group string, members []MemberStatus) error {
	p := &Problem{Message: "the agents do not agree on one active member: " + describe(members)}
	actives := 0
	for _, m := range members {
		switch {
		case m.Err != nil:
			p.Details = append(p.Details, fmt.Sprintf("%s  %v", m.Name, m.Err))
		case len(m.Status.Routers) > 0:
			r := m.Status.Routers[0]
			p.Details = append(p.Details, fmt.Sprintf("%s  %s: %s", m.Name, r.State, r.Reason))
			if r.State == api.Active {
				actives++
			}
		}
	}
	if actives > 1 {
		p.Cure = "their advertisements do not arrive: is IP protocol 112 blocked between them, by a firewall on the servers?"
	} else {
		p.Cure = "read their journals: journalctl -u havip-agent@" + group
	}
	return p
}
