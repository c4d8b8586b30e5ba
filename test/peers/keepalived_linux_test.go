package peers

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vrrp"
	"github.com/havip/havip/test/field"
)

// keepalived is keepalived on their node.
type keepalived struct {
	*field.Process
	m *meeting
}

func (k keepalived) Holds() bool { return k.m.theirs.Has(k.m.shared[0]) }
func (k keepalived) Stop()       { k.Process.Stop() }
func (k keepalived) Waits() bool { return k.Process.Said("Entering BACKUP STATE") && !k.Holds() }

// keepalived is what theyStart starts.
func (m *meeting) keepalived(conf field.VRRP) {
	m.start = func() rival { return keepalived{m.theirs.Keepalived(conf), m} }
}

// announcements is how often they have announced the address.
func (m *meeting) announcements() int {
	return len(m.theirCapture.Frames(func(f field.Frame) bool { return f.Announces(m.shared[0]) }))
}

var (
	group4 = netip.MustParseAddr("224.0.0.18") // RFC 9568 section 5.1.1.2
	group6 = netip.MustParseAddr("ff02::12")   // section 5.1.2.2
)

// The configuration that people copy from one another, and our agent as a
// service of a container that has no systemd.
func TestKeepalivedVersion2ByMulticast(t *testing.T) {
	m := meet(t)
	shared := prefixes("192.168.200.11/24")
	m.keepalived(field.VRRP{
		Version: 2, VRID: 50, Priority: 100, Interval: time.Second, NoPreempt: true, Addresses: shared,
	})
	service := m.weInContainer(config.Router{
		Version: 2, VRID: 50, Priority: 100, Interval: second,
		Mode: config.ModeMulticast, Source: m.ours.Addr(field.IPv4), Addresses: shared,
	})
	const running, stopped = 0, 3 // LSB, init script actions
	if code := service.Do("status"); code != stopped {
		t.Errorf("status before the start: %d, want %d", code, stopped)
	}
	m.conversation()
	if code := service.Do("status"); code != running {
		t.Errorf("status of the running service: %d", code)
	}
	m.weStop()
	if code := service.Do("status"); code != stopped {
		t.Errorf("status after the stop: %d, want %d", code, stopped)
	}
	m.wantAdverts(2, group4)
	m.wantMembership(group4)
	if log := service.Log(); !strings.Contains(log, "to=active") {
		t.Errorf("the syslog says nothing of the takeover:\n%s", log)
	}
}

func TestKeepalivedVersion3ByUnicast(t *testing.T) {
	t.Parallel()
	const interval = 500 * time.Millisecond
	shared := prefixes("192.168.200.123/32")
	pairWith := func(t *testing.T, us, them int, preempt bool, global ...string) *meeting {
		m := meet(t)
		m.keepalived(field.VRRP{
			Version: 3, VRID: 123, Priority: them, Interval: interval, NoPreempt: !preempt, Addresses: shared,
			Source: m.theirs.Addr(field.IPv4), Peers: []netip.Addr{m.ours.Addr(field.IPv4)},
			Global: global,
		})
		m.we(config.Router{
			Version: 3, VRID: 123, Priority: us, Interval: api.Duration(interval), Preempt: preempt, Addresses: shared,
			Source: m.ours.Addr(field.IPv4), Peers: []netip.Addr{m.theirs.Addr(field.IPv4)},
		})
		return m
	}
	pair := func(t *testing.T, us, them int, preempt bool) *meeting {
		return pairWith(t, us, them, preempt, "vrrp_garp_master_refresh 10")
	}
	t.Run("nobody preempts", func(t *testing.T) {
		m := pair(t, 100, 110, false)
		m.conversation()
		m.wantAdverts(3, m.theirs.Addr(field.IPv4))
	})
	t.Run("they announce again and again", func(t *testing.T) {
		m := pair(t, 100, 110, false)
		m.theyStart()
		m.theyHold()
		m.weStart()
		m.agent.Becomes(api.Backup)
		m.quiet()
		// Those of the takeover come in two bursts, 5 s apart.
		field.Eventually(t, "they announce at the takeover", func() bool { return m.announcements() >= 10 })
		before, moves := m.announcements(), m.agent.Transitions()
		field.Eventually(t, "they announce anew", func() bool { return m.announcements() > before })
		m.quiet()
		if n := m.agent.Transitions(); n != moves {
			t.Errorf("their announcements caused %d transitions", n-moves)
		}
		if p := m.agent.Router().Problems; len(p) > 0 {
			t.Errorf("their announcements are a problem for us: %+v", p)
		}
	})
	t.Run("they announce upon our last word, having been cut off", func(t *testing.T) {
		m := pairWith(t, 100, 110, false)
		m.theyStart()
		m.theyHold()
		m.weStart()
		m.agent.Becomes(api.Backup)
		// Two bursts: without a refresh there are no more.
		field.Eventually(t, "they announce at the takeover", func() bool { return m.announcements() >= 10 })
		m.theirs.Cut()
		m.agent.Becomes(api.Active)
		before := m.announcements()
		m.theirs.Mend()
		m.agent.Becomes(api.Backup)
		field.Eventually(t, "they announce again", func() bool { return m.announcements() > before })
	})
	t.Run("we relieve them of priority 1, which is a last word to us", func(t *testing.T) {
		m := pairWith(t, 100, 1, false, "vrrp_garp_master_refresh 1")
		m.theyStart()
		m.theyHold()
		m.weStart()
		m.weHold(vrrp.NoAdvert)
		field.Eventually(t, "they yield", m.rival.Waits)
	})
	t.Run("we preempt with 110", func(t *testing.T) {
		m := pair(t, 110, 100, true)
		m.theyStart()
		m.theyHold()
		m.weStart()
		m.weHold(vrrp.Preempting)
		field.Eventually(t, "they yield", m.rival.Waits)
		m.weStop()
		m.theyHold()
		m.weStart()
		m.weHold(vrrp.Preempting)
		m.quiet()
	})
	t.Run("they preempt with 110", func(t *testing.T) {
		m := pair(t, 100, 110, true)
		m.rival = dead{}
		m.weStart()
		m.weHold(vrrp.NoAdvert)
		m.theyStart()
		m.theyHold()
		m.agent.Becomes(api.Backup)
		if r := m.agent.Router(); r.Reason != string(vrrp.Preempted) {
			t.Errorf("we yielded because of %q", r.Reason)
		}
		m.quiet()
		m.rival.Kill()
		// keepalived that was killed leaves its address behind.
		m.theirs.Cut()
		m.rival = dead{}
		m.weHold(vrrp.NoAdvert)
	})
}

func TestKeepalivedVersion3ByMulticast(t *testing.T) {
	t.Parallel()
	const interval = 500 * time.Millisecond
	t.Run("IPv4", func(t *testing.T) {
		m := meet(t)
		shared := prefixes("192.168.200.11/32", "192.168.200.12/32")
		m.keepalived(field.VRRP{Version: 3, VRID: 60, Priority: 100, Interval: interval, NoPreempt: true, Addresses: shared})
		m.we(config.Router{
			Version: 3, VRID: 60, Priority: 100, Interval: api.Duration(interval),
			Mode: config.ModeMulticast, Source: m.ours.Addr(field.IPv4), Addresses: shared,
		})
		m.conversation()
		m.weStop()
		m.wantAdverts(3, group4)
		m.wantMembership(group4)
	})
	t.Run("IPv6", func(t *testing.T) {
		m := meet(t)
		shared := prefixes("fe80::200:11/128", "fd00:200::11/128")
		m.keepalived(field.VRRP{Version: 3, VRID: 60, Priority: 100, Interval: interval, NoPreempt: true, Addresses: shared})
		m.we(config.Router{
			Version: 3, VRID: 60, Priority: 100, Interval: api.Duration(interval),
			Mode: config.ModeMulticast, Source: m.ours.LinkLocal(), Addresses: shared,
		})
		m.conversation()
		m.weStop()
		m.wantAdverts(3, group6)
		m.wantMembership(group6)
	})
}

func TestKeepalivedVersion3ByUnicastOverIPv6(t *testing.T) {
	m := meet(t)
	const interval = 500 * time.Millisecond
	shared := prefixes("fe80::200:11/128", "fd00:200::11/128")
	m.keepalived(field.VRRP{
		Version: 3, VRID: 60, Priority: 100, Interval: interval, NoPreempt: true, Addresses: shared,
		Source: m.theirs.Addr(field.IPv6), Peers: []netip.Addr{m.ours.Addr(field.IPv6)},
		// Its unicast over IPv6 has the kernel's 64 otherwise, which RFC 9568
		// section 7.1 has us drop.
		Extra: []string{"unicast_ttl 255"},
	})
	m.we(config.Router{
		Version: 3, VRID: 60, Priority: 100, Interval: api.Duration(interval), Addresses: shared,
		Source: m.ours.Addr(field.IPv6), Peers: []netip.Addr{m.theirs.Addr(field.IPv6)},
	})
	m.conversation()
	m.wantAdverts(3, m.theirs.Addr(field.IPv6))
}
