package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/plan"
)

// pollEvery is how often the agents are asked while they come to agree.
const pollEvery = 100 * time.Millisecond

// settle waits until the agents agree: one active that holds the VIP, the
// others backup and hearing it. It does not wait out the timers: when all are
// backup it asks the first member to take over. In a new group the first is
// the active one in the end, whichever came up before it.
func (s *Service) settle(ctx context.Context, p *Prepared, out *Outcome) error {
	began := s.Now()
	ctx, cancel := context.WithTimeout(ctx, settleTime(p.Desired))
	defer cancel()
	asked := false
	members := roster(p.Desired, p.Observed)
	for {
		out.Members = s.ask(ctx, p.fleet, p.Plan.Group, members)
		first := out.Members[0]
		if !asked && first.is(api.Backup) && (p.founds() || allBackup(out.Members)) {
			asked = true
			if err := s.takeOver(ctx, p.fleet, p.Plan.Group, first.ServerID); err != nil {
				s.Report.Warn("could not ask "+first.Name+" to become active: "+err.Error(), "")
			}
			continue
		}
		if active, ok := agreed(out.Members); ok {
			out.Active = active.Name
			s.Report.Step("agents", describe(out.Members), s.Now().Sub(began))
			return nil
		}
		if s.Now().Sub(began) > blockedTime && blockedFor(out.Members) > blockedTime {
			return disagreement(p.Plan.Group, out.Members)
		}
		select {
		case <-ctx.Done():
			return disagreement(p.Plan.Group, out.Members)
		case <-time.After(pollEvery):
		}
	}
}

// founds tells whether the run makes the group: no agent ran before it.
func (p *Prepared) founds() bool {
	return !slices.ContainsFunc(p.Desired.Members, func(m plan.Member) bool {
		return p.Observed.Hosts[m.Server.ID].Agent.Running
	})
}

// settleTime is far more than agents need: ten down intervals, and time for
// slow servers.
func settleTime(d plan.Desired) time.Duration { return 30*time.Second + 40*d.Interval }

// blockedTime is how long members may say that advertisements do not arrive
// before that is believed to stay: Neutron opens a port a second or two after
// it has said so.
const blockedTime = 15 * time.Second

// blockedFor is for how long a member has seen that, by its own clock.
func blockedFor(members []MemberStatus) time.Duration {
	var longest time.Duration
	for _, m := range members {
		for _, p := range m.problems(api.ProblemAdvertsBlocked) {
			longest = max(longest, m.Status.Now.Sub(p.Since))
		}
	}
	return longest
}

func (s *Service) takeOver(ctx context.Context, fleet *Fleet, group, serverID string) error {
	srv, err := fleet.server(ctx, serverID)
	if err != nil {
		return err
	}
	return srv.Switchover(ctx, group)
}

// disagreement says how the agents do not agree, each in its own words.
func disagreement(group string, members []MemberStatus) error {
	p := &Problem{
		Message: "the agents do not agree on one active member: " + describe(members),
		Cure:    "read their journals: journalctl -u havip-agent@" + group,
	}
	active, single := holder(members)
	actives, blocked := 0, false
	for _, m := range members {
		if m.Err != nil {
			p.Details = append(p.Details, fmt.Sprintf("%s  %v", m.Name, m.Err))
			continue
		}
		if m.isPartly(api.Active) {
			actives++
		}
		blocked = blocked || len(m.problems(api.ProblemAdvertsBlocked)) > 0 || single && m.is(api.Backup) && !m.hears(active)
		p.Details = append(p.Details, m.words()...)
	}
	if actives > 1 || blocked {
		p.Message = "the agents do not hear each other, protocol 112 does not pass between them: " + describe(members)
		p.Cure = "look for a firewall on the servers: sudo nft list ruleset, sudo iptables -S; havip status " + group + " compares the security group"
	}
	return p
}

// words are what a member says of itself: how it is, and what it sees wrong.
func (m MemberStatus) words() []string {
	if m.Status == nil || len(m.Status.Routers) == 0 {
		return nil
	}
	all := []string{fmt.Sprintf("%s  %s: %s", m.Name, m.State(), m.Status.Routers[0].Reason)}
	for _, r := range m.Status.Routers {
		for _, problem := range r.Problems {
			all = append(all, fmt.Sprintf("%s  %s: %s", m.Name, problem.Code, problem.Detail))
		}
	}
	return all
}
