package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/plan"
)

// pollEvery is how often the agents are asked while they come to agree.
const pollEvery = 100 * time.Millisecond

// settle waits until the agents agree: one active that holds the VIP, the
// others backup. When all are backup and none is active yet, it does not wait
// out the timers but asks the first member to take over.
func (s *Service) settle(ctx context.Context, p *Prepared, out *Outcome) error {
	began := s.Now()
	ctx, cancel := context.WithTimeout(ctx, settleTime(p.Desired))
	defer cancel()
	asked := false
	members := roster(p.Desired, p.Observed)
	for {
		out.Members = s.ask(ctx, p.fleet, p.Plan.Group, members)
		if active, ok := agreed(out.Members); ok {
			out.Active = active.Name
			s.Report.Step("agents", describe(out.Members), s.Now().Sub(began))
			return nil
		}
		if !asked && allBackup(out.Members) {
			asked = true
			if err := s.takeOver(ctx, p.fleet, p.Plan.Group, members[0].ServerID); err != nil {
				s.Report.Warn("could not ask "+members[0].Name+" to become active: "+err.Error(), "")
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

func (s *Service) takeOver(ctx context.Context, fleet *Fleet, group, serverID string) error {
	srv, err := fleet.server(ctx, serverID)
	if err != nil {
		return err
	}
	return srv.Switchover(ctx, group)
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
