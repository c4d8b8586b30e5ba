package mishap

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/test/field"
	"github.com/havip/havip/test/prober"
)

func TestMain(m *testing.M) { os.Exit(field.Main(m)) }

// group is the members of a virtual address, and a third node that uses it.
type group struct {
	t       *testing.T
	field   *field.Field
	third   *field.Node
	members []*member
	family  field.Family
	vip     netip.Prefix
	edit    func(*config.Config) // what differs from the usual
}

// member is an agent on its node.
type member struct {
	*field.Agent
	node *field.Node
}

// interval is short, so that tests are.
const interval = 100 * time.Millisecond

// unhurried is the interval where nobody may move: longer than a busy machine
// sleeps, which would be a reason to.
func unhurried(c *config.Config) {
	for i := range c.Routers {
		c.Routers[i].Interval = api.Duration(time.Second)
	}
}

// newGroup starts count members, by unicast. The first is the active one.
func newGroup(t *testing.T, family field.Family, count int, edit func(*config.Config)) *group {
	t.Helper()
	g := &group{t: t, field: field.New(t), family: family, vip: netip.MustParsePrefix("10.99.0.100/32"), edit: edit}
	if family == field.IPv6 {
		g.vip = netip.MustParsePrefix("fd00:99::100/128")
	}
	g.third = g.field.Join(addresses(200)...)
	for i := range count {
		g.members = append(g.members, &member{node: g.field.Join(addresses(i + 1)...)})
	}
	for i, m := range g.members {
		m.Agent = m.node.Agent(g.config(i))
	}
	for _, m := range g.members {
		field.Eventually(t, "each agent listens", func() bool {
			s := m.Router().State
			return s == api.Backup || s == api.Active
		})
	}
	g.members[0].Switchover()
	for _, m := range g.members[1:] {
		m.Becomes(api.Backup)
	}
	return g
}

// addresses are those of a node's NIC.
func addresses(n int) []string {
	return []string{fmt.Sprintf("10.99.0.%d/24", n), fmt.Sprintf("fd00:99::%d/64", n)}
}

// config is that of a member. The priorities lie far apart, as havip sets them.
func (g *group) config(i int) config.Config {
	r := config.Router{
		VRID: 51, Version: 3, Priority: 250 - 50*i, Interval: api.Duration(interval),
		Source: g.members[i].node.Addr(g.family), Addresses: []netip.Prefix{g.vip},
	}
	for j, m := range g.members {
		if j != i {
			r.Peers = append(r.Peers, m.node.Addr(g.family))
		}
	}
	c := config.Config{Routers: []config.Router{r}}
	if g.edit != nil {
		g.edit(&c)
	}
	return c
}

// active waits until one member is active and its kernel alone has the
// address. Agents in dead are not asked.
func (g *group) active(dead ...*member) *member {
	g.t.Helper()
	var found *member
	field.EventuallyOr(g.t, func() bool {
		found = nil
		for _, m := range g.members {
			if isOne(m, dead) {
				continue
			}
			switch m.Router().State {
			case api.Backup:
			case api.Active:
				if found != nil {
					return false
				}
				found = m
			default:
				return false
			}
		}
		owners := g.field.Owners(g.vip.Addr())
		return found != nil && len(owners) == 1 && owners[0] == found.node
	}, func() string {
		text := "one member is active and has the address, the others listen:"
		for _, m := range g.members {
			if !isOne(m, dead) {
				text += fmt.Sprintf("\n%s: %+v", m.node.Name, m.Router())
			}
		}
		for _, n := range g.field.Owners(g.vip.Addr()) {
			text += fmt.Sprintf("\n%s has the address", n.Name)
		}
		return text
	})
	return found
}

func isOne(m *member, of []*member) bool {
	for _, other := range of {
		if m == other {
			return true
		}
	}
	return false
}

// heard waits for some advertisements to be sent and received from now on.
func (g *group) heard(active *member) {
	g.t.Helper()
	const adverts = 2
	count := func(m *member) uint64 {
		if m == active {
			return m.Router().Counters["adverts_sent"]
		}
		return m.Router().Counters["adverts_received"]
	}
	before := map[*member]uint64{}
	for _, m := range g.members {
		before[m] = count(m)
	}
	for _, m := range g.members {
		field.Eventually(g.t, m.node.Name+" takes part", func() bool { return count(m) >= before[m]+adverts })
	}
}

// still notes who is what, and returns a check that nobody has moved.
func (g *group) still() (check func(what string)) {
	g.t.Helper()
	before := map[*member]uint64{}
	for _, m := range g.members {
		before[m] = m.Transitions()
	}
	return func(what string) {
		g.t.Helper()
		for _, m := range g.members {
			if n := m.Transitions() - before[m]; n != 0 {
				g.t.Errorf("%s: %d transitions of %s: %s", what, n, m.node.Name, m.Router().Reason)
			}
		}
	}
}

// probes has the third node probe the address until the returned function is
// called.
func (g *group) probes(every time.Duration) (end func() prober.Report) {
	g.t.Helper()
	var p *prober.Prober
	err := g.third.Space.Do(func() (err error) {
		p, err = prober.Open(prober.Config{Target: g.vip.Addr(), Device: field.Device, Every: every})
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g.t.Cleanup(stop)
	type result struct {
		report prober.Report
		err    error
	}
	done := make(chan result, 1)
	go func() {
		report, err := p.Run(ctx)
		done <- result{report, err}
	}()
	field.Eventually(g.t, "the first probe is answered", func() bool { return !p.Latest().At.IsZero() })
	from := time.Now()
	return func() prober.Report {
		g.t.Helper()
		stop()
		r := <-done
		if r.err != nil {
			g.t.Fatal(r.err)
		}
		return r.report.Since(from)
	}
}

// asleep is the longest time in which the machine sent no probe: it was busy
// elsewhere, or its own hypervisor was.
func asleep(r prober.Report) (longest time.Duration) {
	run := 0
	for _, p := range r.Probes {
		if run++; !p.At.IsZero() {
			run = 0
		}
		longest = max(longest, time.Duration(run)*r.Every)
	}
	return longest
}

// wantNoneLost looks at probes of a time in which nothing was to be noticed.
func (g *group) wantNoneLost(what string, r prober.Report) {
	g.t.Helper()
	const few = 20
	if r.Sent() < few {
		g.t.Errorf("%s: %d probes were sent, %d missed their time, too few to say anything", what, r.Sent(), r.Unsent())
	}
	if n := r.Lost(); n > 0 {
		g.t.Errorf("%s: %d of %d probes were lost, longest silence %v", what, n, r.Sent(), r.Longest().Length())
	}
}
