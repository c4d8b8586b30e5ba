package mishap

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/test/field"
)

// detect switches duplicate address detection on, which a server has. It takes this
// many seconds and one more at most.
func detect(t *testing.T, n *field.Node, seconds int) {
	t.Helper()
	for key, value := range map[string]int{"accept_dad": 1, "dad_transmits": seconds} {
		if err := n.Space.Set("ipv6/conf/"+field.Device+"/"+key, strconv.Itoa(value)); err != nil {
			t.Fatal(err)
		}
	}
}

// A server that boots neither hears nor is heard while its kernel asks whether another
// station has its address.
func TestAMemberWhoseAddressIsNotUsableYetTakesNothingOver(t *testing.T) {
	t.Parallel()
	g := newGroup(t, field.IPv6, 2, unhurried)
	active, backup := g.members[0], g.members[1]
	detect(t, backup.node, 6) // longer than the down interval
	g.heard(active)

	before := active.Transitions()
	backup.node.NIC(false)
	backup.Becomes(api.Init)
	backup.node.NIC(true)
	field.Eventually(t, "the status tells what the member waits for", func() bool {
		return strings.Contains(backup.Router().Reason, "is tentative")
	})
	backup.Becomes(api.Backup)
	g.heard(active)
	if n := active.Transitions() - before; n != 0 {
		t.Errorf("%d transitions of the active", n)
	}
	for _, ev := range backup.Events() {
		if ev.To == api.Active {
			t.Errorf("the backup became active: %+v", ev)
		}
	}
}

// Another station has the member's address: it stays in init, and says why.
func TestAMemberWhoseAddressIsADuplicateTakesNoPart(t *testing.T) {
	t.Parallel()
	g := newGroup(t, field.IPv6, 2, unhurried)
	active, backup := g.members[0], g.members[1]
	detect(t, backup.node, 1)
	own := netip.PrefixFrom(backup.node.Addr(field.IPv6), 64)

	backup.node.NIC(false)
	backup.Becomes(api.Init)
	g.third.Add(own)
	backup.node.NIC(true)
	field.Eventually(t, "the status tells of the duplicate", func() bool {
		return strings.Contains(backup.Router().Reason, own.Addr().String()+" is a duplicate on the link")
	})
	still := g.still()
	sent := active.Router().Counters["adverts_sent"]
	field.Eventually(t, "a down interval has passed", func() bool { return active.Router().Counters["adverts_sent"] >= sent+5 })
	still("a duplicate")

	g.third.Remove(own)
	backup.node.NIC(false)
	backup.node.NIC(true)
	backup.Becomes(api.Backup)
	g.heard(active)
}
