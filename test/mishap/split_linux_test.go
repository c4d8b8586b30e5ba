package mishap

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/test/field"
)

// has tells whether a member names a problem.
func (m *member) has(code string) bool {
	return slices.ContainsFunc(m.Router().Problems, func(p api.Problem) bool { return p.Code == code })
}

// quarrel has two members of which one does not hear the other, and waits until
// they have settled it.
func quarrel(t *testing.T, family field.Family, oneWay bool) (g *group, winner, loser *member, heal func()) {
	t.Helper()
	g = newGroup(t, family, 2, nil)
	a, b := g.members[0], g.members[1]
	g.heard(a)
	g.field.Block(a.node, b.node)
	if !oneWay {
		g.field.Block(b.node, a.node)
	}
	// First each is active, or thinks about it.
	field.Eventually(t, "the backup misses the active", func() bool { return b.Router().Transitions["no advertisement heard"] > 0 })
	winner, loser = a, b
	if bytes.Compare(a.node.MAC, b.node.MAC) < 0 {
		winner, loser = b, a
	}
	for _, m := range g.members {
		if oneWay && m == winner {
			continue // it may be the deaf one, whom nobody tells
		}
		field.EventuallyOr(t, func() bool { return m.has(api.ProblemAdvertsBlocked) }, func() string {
			return fmt.Sprintf("%s says that advertisements are blocked: %+v", m.node.Name, m.Router())
		})
	}
	if g.active() != winner {
		t.Errorf("%s is active, want the one with the greater MAC: %s", g.active().node.Name, winner.node.Name)
	}
	return g, winner, loser, func() {
		g.field.Unblock(a.node, b.node)
		g.field.Unblock(b.node, a.node)
	}
}

// Where a security group lets everything but VRRP pass, the members still agree,
// say why they had to, and return to VRRP when it passes again.
func TestMembersAgreeAlsoWhereAdvertsAreBlocked(t *testing.T) {
	for _, way := range []struct {
		name   string
		oneWay bool
	}{{"both ways", false}, {"one way", true}} {
		t.Run(way.name, func(t *testing.T) {
			each(t, func(t *testing.T, family field.Family) {
				g, winner, loser, heal := quarrel(t, family, way.oneWay)

				// It stays so for longer than a loser waits that hears no more of the
				// winner: 3 s.
				still, wire := g.still(), winner.node.Capture()
				before := winner.Router().Counters["adverts_sent"]
				field.Eventually(t, "4 s go by", func() bool {
					return winner.Router().Counters["adverts_sent"] >= before+uint64(4*time.Second/interval)
				})
				still("while adverts are blocked")
				if owners := g.field.Owners(g.vip.Addr()); len(owners) != 1 || owners[0] != winner.node {
					t.Errorf("%d nodes have the address", len(owners))
				}
				if !loser.has(api.ProblemAdvertsBlocked) {
					t.Errorf("%s says no more that advertisements are blocked: %+v", loser.node.Name, loser.Router())
				}
				announced := wire.Frames(func(f field.Frame) bool { return f.Announces(g.vip.Addr()) })
				if !way.oneWay && len(announced) < 2 {
					t.Errorf("the winner announced %d times, want once a second", len(announced))
				}

				heal()
				g.heard(winner)
				still("when adverts pass again")
				loser.Switchover() // now each has heard the other
				if g.active() != loser {
					t.Error("a switchover after that has no effect")
				}
				if way.oneWay {
					return // it is named for half a minute after its last sign
				}
				for _, m := range g.members {
					field.EventuallyOr(t, func() bool { return !m.has(api.ProblemAdvertsBlocked) }, func() string {
						return fmt.Sprintf("%s says no more that advertisements are blocked: %+v", m.node.Name, m.Router().Problems)
					})
				}
			})
		})
	}
}

// The one that yielded does not wait for ever.
func TestTheLoserTakesOverWhenTheWinnerDies(t *testing.T) {
	each(t, func(t *testing.T, family field.Family) {
		_, winner, loser, _ := quarrel(t, family, false)
		winner.node.PowerOff()
		loser.Becomes(api.Active)
	})
}

// Somebody who is no member and claims the address is a problem with a name,
// and nobody moves.
func TestAClaimOfAStrangerMovesNobody(t *testing.T) {
	each(t, func(t *testing.T, family field.Family) {
		g := newGroup(t, family, 2, unhurried)
		g.heard(g.members[0])
		still := g.still()
		g.third.Add(g.vip)
		field.EventuallyOr(t, func() bool {
			g.third.Announce()
			return g.members[0].has(api.ProblemAddressConflict)
		}, func() string { return fmt.Sprintf("the active names the conflict: %+v", g.members[0].Router()) })
		g.heard(g.members[0])
		still("a stranger's claim")
		if !g.members[0].node.Has(g.vip.Addr()) {
			t.Error("the active has given the address to a stranger")
		}
	})
}
