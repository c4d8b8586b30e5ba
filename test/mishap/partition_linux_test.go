package mishap

import (
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/test/field"
)

// looksAt tells whether the third node looks for the address at a member.
func (g *group) looksAt(m *member) bool {
	g.t.Helper()
	list, err := g.third.Space.Links().NeighList(0, netlink.FAMILY_ALL)
	if err != nil {
		g.t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(n netlink.Neigh) bool {
		return n.IP.Equal(g.vip.Addr().AsSlice()) && slices.Equal(n.HardwareAddr, m.node.MAC)
	})
}

// An active that was cut off does not hear who yields to it, and has announced all
// that it had to: without that one's last word it would be looked for elsewhere until
// its next refresh.
func TestAnActiveThatWasCutOffIsFoundAgain(t *testing.T) {
	each(t, func(t *testing.T, family field.Family) {
		g := newGroup(t, family, 2, func(c *config.Config) {
			c.Routers[0].Announce.Refresh = api.Duration(time.Hour)
		})
		a, b := g.members[0], g.members[1]
		const schedule = 4 // announcements, in 9 s
		field.Eventually(t, "the active has announced for the last time", func() bool {
			return a.Router().Counters["announcements"] >= schedule
		})
		g.third.Run("ping", "-c1", g.vip.Addr().String())

		a.node.Cut()
		b.Becomes(api.Active)
		field.Eventually(t, "the third node looks for the address at the other one", func() bool { return g.looksAt(b) })

		a.node.Mend()
		b.Becomes(api.Backup)
		if got := g.active(); got != a {
			t.Fatalf("%s is active, want %s", got.node.Name, a.node.Name)
		}
		field.Eventually(t, "the third node looks for the address where it is", func() bool { return g.looksAt(a) })
	})
}
