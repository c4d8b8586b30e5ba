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
	d, all := g.Desired, roster(g.Desired, g.Observed)
	members := s.ask(ctx, fleet, sel.Name, all)
	from, ok := holder(members)
	if !ok {
		return Moved{Members: members}, &Problem{
			Message: "the group has no single active member that holds the VIP: " + describe(members),
			Details: troubles(members),
			Cure:    "havip status " + sel.Name,
		}
	}
	i, err := chooseTarget(d, members, to)
	if err != nil {
		return Moved{Members: members}, err
	}
	target := members[i]
	if target.ServerID == from.ServerID {
		return Moved{From: from.Name, To: from.Name, Members: members}, nil
	}
	if !target.is(api.Backup) {
		return Moved{Members: members}, notReady(sel.Name, target)
	}
	s.warnOfOthers(sel.Name, members, from, target)
	if d.Preempt && d.Members[i].Priority < highest(d) {
		s.Report.Warn("with preempt: true a member with higher priority takes the VIP back soon", "set vrrp.preempt: false to make a switchover last")
	}
	began := s.Now()
	if err := s.takeOver(ctx, fleet, sel.Name, target.ServerID); err != nil {
		return Moved{Members: members}, fmt.Errorf("switch over to %q: %w", target.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime(d))
	defer cancel()
	for {
		members = s.ask(ctx, fleet, sel.Name, all)
		if moved(members, from.ServerID, target.ServerID) {
			return Moved{From: from.Name, To: target.Name, Took: s.Now().Sub(began), Members: members}, nil
		}
		select {
		case <-ctx.Done():
			return Moved{Members: members}, disagreement(sel.Name, members)
		case <-time.After(pollEvery):
		}
	}
}

// moved tells whether the VIP is with the target alone and the one that had
// it is ready to take it back.
func moved(members []MemberStatus, from, target string) bool {
	now, ok := holder(members)
	return ok && now.ServerID == target && slices.ContainsFunc(members, func(m MemberStatus) bool {
		return m.ServerID == from && m.is(api.Backup)
	})
}

// warnOfOthers says which members have no part in a switchover and could not
// take over after it.
func (s *Service) warnOfOthers(group string, members []MemberStatus, from, target MemberStatus) {
	for _, m := range members {
		if m.ServerID != from.ServerID && m.ServerID != target.ServerID && !m.is(api.Backup) {
			s.Report.Warn(fmt.Sprintf("%s is %s, and no backup", m.Name, m.word()), "havip status "+group+" tells why")
		}
	}
}

// notReady says why a member cannot be moved to.
func notReady(group string, m MemberStatus) error {
	p := &Problem{
		Message: fmt.Sprintf("%s cannot take over: it is %s, not backup", m.Name, m.word()),
		Cure:    "havip status " + group,
	}
	switch {
	case m.Err != nil:
		p.Details = []string{m.Err.Error()}
	case m.State() == api.Backup: // and holds the VIP, or not all of it is backup
		p.Message = fmt.Sprintf("%s cannot take over: what it holds is not what a backup holds", m.Name)
	}
	return p
}

// chooseTarget finds the member that is meant: by name or ID, or the first
// backup in the order of priority.
func chooseTarget(d plan.Desired, members []MemberStatus, to string) (int, error) {
	if to == "" {
		i := slices.IndexFunc(members, func(m MemberStatus) bool { return m.is(api.Backup) })
		if i < 0 {
			return 0, &Problem{
				Message: "there is no backup to move to: " + describe(members),
				Details: troubles(members),
				Cure:    "havip status " + d.Group,
			}
		}
		return i, nil
	}
	if i := slices.IndexFunc(members, func(m MemberStatus) bool { return m.Name == to || m.ServerID == to }); i >= 0 {
		return i, nil
	}
	var named []int
	var all []string
	for i, m := range members {
		all = append(all, m.Name+"  "+m.ServerID)
		if d.Members[i].Server.Name == to {
			named = append(named, i)
		}
	}
	switch len(named) {
	case 1:
		return named[0], nil
	case 0:
		return 0, &Problem{Message: fmt.Sprintf("server %q is not a member of %s", to, d.Group), Details: all, Cure: "name one of its members"}
	default:
		return 0, &Problem{Message: fmt.Sprintf("%d members of %s are called %q", len(named), d.Group, to), Details: all, Cure: "use the ID"}
	}
}

func highest(d plan.Desired) int {
	return slices.MaxFunc(d.Members, func(a, b plan.Member) int { return a.Priority - b.Priority }).Priority
}
