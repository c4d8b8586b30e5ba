package mishap

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vrrp"
	"github.com/havip/havip/test/field"
)

var (
	deaths = flag.Int("deaths", 20, "how many actives die")
	seed   = flag.Uint64("seed", 0, "of what dies how and when; 0 takes one")
)

// The bounds that docs/agent.md states, for the interval of these tests.
const (
	// downInterval is that of the slowest backup, of priority 150, in whole
	// hundredths of an interval upwards.
	downInterval = 3*interval + (256-150)*interval/256
	// lease is what the kernel gives an address whose agent is gone.
	lease = time.Second
	// grace is what a busy machine may add.
	grace = time.Second
)

// death is a way to die, and what comes after it.
type death struct {
	name   string
	die    func(*member)
	revive func(g *group, i int)
}

func waysToDie() []death {
	return []death{
		{
			"kill -9",
			func(m *member) { m.Kill() },
			func(g *group, i int) { g.members[i].Start() },
		},
		{
			"SIGSTOP",
			func(m *member) { m.Signal(syscall.SIGSTOP) },
			func(g *group, i int) { g.members[i].Signal(syscall.SIGCONT) },
		},
		{
			"power cut",
			func(m *member) { m.node.PowerOff() },
			func(g *group, i int) { // another server comes in its place
				m := g.members[i]
				m.node = g.field.Join(addresses(i + 1)...)
				m.Agent = m.node.Agent(g.config(i))
			},
		},
	}
}

func TestAnotherTakesOverFromAnActiveThatDies(t *testing.T) {
	t.Parallel()
	base := *seed
	if base == 0 {
		base = rand.Uint64()
	}
	const fields = 2
	for i := range fields {
		t.Run(fmt.Sprint("field ", i+1), func(t *testing.T) {
			t.Parallel()
			t.Logf("-seed %d", base)
			random := rand.New(rand.NewPCG(base, uint64(i)))
			g := newGroup(t, field.IPv4, 3, nil)
			for range (*deaths + i) / fields {
				g.oneDies(random)
			}
		})
	}
}

// oneDies has the active die at a random moment of its interval.
func (g *group) oneDies(random *rand.Rand) {
	g.t.Helper()
	ways := waysToDie()
	way := ways[random.IntN(len(ways))]
	victim := g.active()
	i := 0
	for g.members[i] != victim {
		i++
	}
	probed := g.probes(5 * time.Millisecond)
	time.Sleep(time.Duration(random.Int64N(int64(interval))))

	died := time.Now()
	way.die(victim)
	next := g.active(victim)
	took := time.Since(died)
	reason, moves := next.Router().Reason, next.Transitions()
	way.revive(g, i)
	after := g.active()
	g.answers(after)
	r := probed()

	// What this machine slept is not the agents'.
	slept := asleep(r)
	g.t.Logf("%s of %s: one owner again after %v, silent for %v", way.name, victim.node.Name,
		took.Round(time.Millisecond), r.Longest().Length().Round(time.Millisecond))
	if limit := downInterval + grace + slept; r.Longest().Length() > limit {
		g.t.Errorf("%s: the address was silent for %v, want at most %v", way.name, r.Longest().Length(), limit)
	}
	if limit := lease + grace + slept; took > limit {
		g.t.Errorf("%s: one owner again after %v, want at most %v", way.name, took, limit)
	}
	if reason != string(vrrp.NoAdvert) {
		g.t.Errorf("%s: the next one took over because of %q", way.name, reason)
	}
	if slept > interval {
		g.t.Logf("the machine slept for %v: who moved when %s came back says nothing", slept, g.members[i].node.Name)
		return
	}
	if after != next || next.Transitions() != moves {
		g.t.Errorf("%s: the return of %s moved the active: %+v", way.name, g.members[i].node.Name, next.Router())
	}
}

// answers waits until the third node's probes have had time to meet the active:
// it has advertised again.
func (g *group) answers(active *member) {
	g.t.Helper()
	before := active.Router().Counters["adverts_sent"]
	field.Eventually(g.t, "the active advertises", func() bool { return active.Router().Counters["adverts_sent"] > before })
}

// An agent that comes back before its lease has run out goes on, and nobody
// notices.
func TestARestartWithinTwoIntervalsIsNotNoticed(t *testing.T) {
	t.Parallel()
	// Long, so that a start on a busy machine is within two of them.
	g := newGroup(t, field.IPv4, 3, func(c *config.Config) { c.Routers[0].Interval = api.Duration(4 * time.Second) })
	active := g.members[0]
	moves := map[*member]uint64{}
	for _, m := range g.members[1:] {
		field.Eventually(t, "each backup hears the active", func() bool { return m.Router().Counters["adverts_received"] > 0 })
		moves[m] = m.Transitions()
	}
	probed := g.probes(time.Millisecond)
	active.Kill()
	active.Start()
	active.Becomes(api.Active)
	if r := active.Router(); r.Reason != string(vrrp.Resumed) || !r.Held {
		t.Errorf("it is active because of %q, holding %t; want that it resumed", r.Reason, r.Held)
	}
	sent := active.Router().Counters["adverts_sent"]
	field.Eventually(t, "it goes on advertising", func() bool { return active.Router().Counters["adverts_sent"] > sent })
	g.wantNoneLost("restart", probed())
	for m, before := range moves {
		if n := m.Transitions() - before; n != 0 {
			t.Errorf("the restart caused %d transitions of %s", n, m.node.Name)
		}
	}
	var kinds []string
	for _, e := range active.Events() {
		if e.Kind == "transition" {
			kinds = append(kinds, fmt.Sprintf("%s -> %s", e.From, e.To))
		}
	}
	if got := strings.Join(kinds, ", "); got != "init -> active" {
		t.Errorf("the restarted agent went %s, want init -> active", got)
	}
}
