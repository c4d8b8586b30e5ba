package mishap

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/test/field"
)

// byMAC finds the NIC as havip has it found: by MAC and own address.
func (g *group) byMAC(c *config.Config) {
	for _, m := range g.members {
		if own := m.node.Addr(g.family); own == c.Routers[0].Source {
			c.Routers[0].Interface = config.Interface{MAC: m.node.MAC.String(), Address: own}
		}
	}
}

// each runs a test for both families.
func each(t *testing.T, test func(*testing.T, field.Family)) {
	t.Parallel()
	for _, family := range []field.Family{field.IPv4, field.IPv6} {
		t.Run(family.String(), func(t *testing.T) {
			t.Parallel()
			test(t, family)
		})
	}
}

// The address is put back at once, and no member changes its state.
func TestAnAddressThatSomebodyRemovedIsPutBack(t *testing.T) {
	each(t, func(t *testing.T, family field.Family) {
		g := newGroup(t, family, 2, unhurried)
		active := g.members[0]
		for _, removal := range []struct {
			name   string
			remove func()
		}{
			{"by hand", func() { active.node.Remove(g.vip) }},
			{"with all others", active.node.Flush},
		} {
			g.heard(active)
			still := g.still()
			restored := active.Router().Counters["vips_restored"]
			removal.remove()
			field.Eventually(t, "the address is put back", func() bool {
				return active.Router().Counters["vips_restored"] > restored && active.node.Has(g.vip.Addr())
			})
			g.heard(active)
			still("removed " + removal.name)
		}
	})
}

// An address that no member asked for is taken away from a backup, also with the prefix
// length of the subnet, as network managers are told of it.
func TestAnAddressThatABackupGotIsRemoved(t *testing.T) {
	each(t, func(t *testing.T, family field.Family) {
		g := newGroup(t, family, 2, unhurried)
		g.heard(g.members[0])
		still := g.still()
		backup := g.members[1]
		for i, p := range []netip.Prefix{g.vip, g.ofSubnet()} {
			backup.node.Add(p)
			field.Eventually(t, "the backup has it no more", func() bool {
				return backup.Router().Counters["vips_removed"] == uint64(i+1) && !backup.node.Has(g.vip.Addr())
			})
		}
		g.heard(g.members[0])
		still("an address on the backup")

		backup.Stop()
		backup.node.Add(g.ofSubnet())
		backup.Start()
		g.active()
	})
}

// ofSubnet is the VIP with the prefix length of the nodes' own addresses.
func (g *group) ofSubnet() netip.Prefix {
	if g.family == field.IPv6 {
		return netip.PrefixFrom(g.vip.Addr(), 64)
	}
	return netip.PrefixFrom(g.vip.Addr(), 24)
}

// The VIP of an active runs out with its lease, whoever put it there: nobody is left to
// remove it once the agent was killed.
func TestAnAddressThatAnActiveGotIsReplacedByALease(t *testing.T) {
	t.Parallel()
	g := newGroup(t, field.IPv4, 2, nil)
	first, second := g.members[0], g.members[1]
	first.node.Add(g.ofSubnet())
	field.Eventually(t, "somebody's address is noticed", func() bool {
		return slices.ContainsFunc(first.Events(), func(ev api.Event) bool { return strings.Contains(ev.Detail, g.ofSubnet().String()) })
	})
	g.heard(first)
	first.Kill()
	second.Becomes(api.Active)
	field.Eventually(t, "the address of the agent that was killed is gone", func() bool { return !first.node.Has(g.vip.Addr()) })
}

// What befalls a member's NIC moves the address where it must; afterwards the
// member takes part as before, without a restart.
func TestAMemberRecoversFromWhatBefallsItsNIC(t *testing.T) {
	mishaps := []struct {
		name     string
		befall   func(*group, *field.Node) (mend func())
		stranded bool // the member cannot serve meanwhile
	}{
		{"the cable is pulled", func(_ *group, n *field.Node) func() {
			n.Unplug()
			return n.Plug
		}, true},
		{"the cable is dead", func(_ *group, n *field.Node) func() {
			n.Cut()
			return n.Mend
		}, false},
		{"it is switched off", func(_ *group, n *field.Node) func() {
			n.NIC(false)
			return func() { n.NIC(true) }
		}, true},
		{"it is renamed", func(_ *group, n *field.Node) func() {
			n.Rename(field.Device, "lan0")
			return func() {}
		}, false},
		{"it is taken out", func(_ *group, n *field.Node) func() { return n.Replace() }, true},
		{"it is lent", func(_ *group, n *field.Node) func() { return n.Lend() }, true},
		{"its own address is removed", func(g *group, n *field.Node) func() {
			var own netip.Prefix
			for _, p := range n.Addresses {
				if p.Addr() == n.Addr(g.family) {
					own = p
				}
			}
			n.Remove(own)
			return func() { n.Add(own) }
		}, true},
	}
	t.Parallel()
	for _, mishap := range mishaps {
		t.Run(mishap.name, func(t *testing.T) {
			each(t, func(t *testing.T, family field.Family) {
				g := &group{}
				*g = *newGroup(t, family, 2, nil)
				g.edit = g.byMAC
				for i, m := range g.members { // by MAC, which only the node knows
					m.Configure(g.config(i))
					m.Stop()
					m.Start()
				}
				first := g.active()
				pid := first.PID()
				mend := mishap.befall(g, first.node)
				if mishap.stranded {
					field.Eventually(t, "the member sees it", func() bool { return first.Router().State != api.Active })
				}
				for _, m := range g.members {
					if m != first && mishap.name != "it is renamed" {
						m.Becomes(api.Active)
					}
				}
				mend()
				g.active()
				first.Switchover()
				if g.active() != first {
					t.Error("the member has not become active again")
				}
				g.heard(first)
				if first.PID() != pid || first.Exited() {
					t.Error("the agent has ended")
				}
			})
		})
	}
}

// A NIC that comes back under its index has left the group, and is no longer what the
// agent's sockets are bound to.
func TestAMemberInMulticastHearsTheOthersOnANICThatWasAway(t *testing.T) {
	t.Parallel()
	g := newGroup(t, field.IPv4, 2, func(c *config.Config) {
		for i := range c.Routers {
			c.Routers[i].Mode, c.Routers[i].Peers = config.ModeMulticast, nil
		}
	})
	active, backup := g.members[0], g.members[1]
	g.heard(active)
	before := active.Transitions()
	back := backup.node.Lend()
	backup.Becomes(api.Init)
	back()
	backup.Becomes(api.Backup)
	g.heard(active) // which is what tells: a deaf one would be active soon
	if n := active.Transitions() - before; n != 0 {
		t.Errorf("%d transitions of the active", n)
	}
	for _, ev := range backup.Events() {
		if ev.To == api.Active {
			t.Errorf("the backup became active: %+v", ev)
		}
	}
	// Nor is it deaf to who claims the VIP.
	claims := backup.Router().Counters["claims"]
	active.node.Remove(g.vip) // and it announces when it has put it back
	field.Eventually(t, "the announcement of the active is heard", func() bool { return backup.Router().Counters["claims"] > claims })
}

// An agent that slept through so many changes that the kernel could not keep
// word of them looks for itself.
func TestChangesThatTheKernelCouldNotTellAreSeen(t *testing.T) {
	t.Parallel()
	// Long, so that the sleep is no reason for the others to take over.
	g := newGroup(t, field.IPv4, 2, func(c *config.Config) { c.Routers[0].Interval = api.Duration(5 * time.Second) })
	active := g.members[0]
	still := g.still()

	active.Signal(syscall.SIGSTOP)
	noise := netip.MustParseAddr("10.98.0.1")
	links := active.node.Space.Links()
	lo, err := links.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for lostWord(t, active) == 0 {
		a := &netlink.Addr{IPNet: &net.IPNet{IP: noise.AsSlice(), Mask: net.CIDRMask(32, 32)}}
		if err := links.AddrReplace(lo, a); err != nil {
			t.Fatal(err)
		}
		noise = noise.Next()
	}
	active.node.Remove(g.vip) // nobody is told
	active.Signal(syscall.SIGCONT)
	field.Eventually(t, "the address is put back", func() bool { return active.node.Has(g.vip.Addr()) })
	still("lost word of changes")

	// It hears of the next change as before.
	restored := active.Router().Counters["vips_restored"]
	active.node.Remove(g.vip)
	field.Eventually(t, "the address is put back", func() bool { return active.Router().Counters["vips_restored"] > restored })
	still("a change after that")
}

// lostWord is how often the kernel could not tell a listener in the node of a
// change (proc(5), /proc/net/netlink).
func lostWord(t *testing.T, m *member) (lost int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/netlink", m.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		// sk, protocol, port, groups, rmem, wmem, dump, locks, drops, inode
		f := strings.Fields(line)
		if len(f) < 9 || f[1] != "0" {
			continue
		}
		n, err := strconv.Atoi(f[8])
		if err != nil {
			t.Fatal(err)
		}
		lost += n
	}
	return lost
}
