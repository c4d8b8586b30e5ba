package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/plan"
)

// Moved is what a switchover led to.
type Moved struct {
	From, To string
	Took     time.Duration
	Members  []MemberStatus
}

// Switchover moves the VIP to the named member; without a name to the backup
// with the highest priority. It ends when the agents agree on it.
func (s *Service) Switchover(ctx context.Context, sel Selection, to string) (Moved, error) {
	fleet := s.NewFleet()
	m, err := s.switchover(ctx, sel, to, fleet)
	return m, errors.Join(err, fleet.Close())
}

func (s *Service) switchover(ctx context.Context, sel Selection, to string, fleet *Fleet) (Moved, error) {
	g, err := s.look(ctx, sel, fleet)
	if err != nil {
		return Moved{}, err
	}
	d := g.Desired
	members := s.ask(ctx, fleet, sel.Name, d.Members)
	from, ok := agreed(members)
	if !ok {
		return Moved{Members: members}, &Problem{
			Message: "the group has no single active member to move from: " + describe(members),
			Cure:    "havip status " + sel.Name,
		}
	}
	target, err := chooseTarget(d, members, to)
	if err != nil {
		return Moved{Members: members}, err
	}
	if target.Server.Name == from {
		return Moved{From: from, To: from, Members: members}, nil
	}
	if d.Preempt && target.Priority < highest(d) {
		s.Report.Warn("with preempt: true a member with higher priority takes the VIP back soon", "set vrrp.preempt: false to make a switchover last")
	}
	began := s.Now()
	if err := s.takeOver(ctx, fleet, sel.Name, target.Server.ID); err != nil {
		return Moved{Members: members}, fmt.Errorf("switch over to %q: %w", target.Server.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime(d))
	defer cancel()
	for {
		members = s.ask(ctx, fleet, sel.Name, d.Members)
		if now, ok := agreed(members); ok && now == target.Server.Name {
			return Moved{From: from, To: now, Took: s.Now().Sub(began), Members: members}, nil
		}
		select {
		case <-ctx.Done():
			return Moved{Members: members}, disagreement(sel.Name, members)
		case <-time.After(pollEvery):
		}
	}
}

// chooseTarget finds the member that is meant: by name or ID, or the first
// backup in the order of priority.
func chooseTarget(d plan.Desired, members []MemberStatus, to string) (plan.Member, error) {
	var names []string
	for i, m := range d.Members {
		if to != "" && (m.Server.Name == to || m.Server.ID == to) {
			return m, nil
		}
		if to == "" && members[i].State() == api.Backup {
			return m, nil
		}
		names = append(names, m.Server.Name)
	}
	if to == "" {
		return plan.Member{}, &Problem{Message: "there is no backup to move to: " + describe(members), Cure: "havip status " + d.Group}
	}
	return plan.Member{}, &Problem{Message: fmt.Sprintf("server %q is not a member of %s", to, d.Group), Details: names, Cure: "name one of its members"}
}

func highest(d plan.Desired) int {
	return slices.MaxFunc(d.Members, func(a, b plan.Member) int { return a.Priority - b.Priority }).Priority
}
