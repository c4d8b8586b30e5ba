package peers

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vrrp"
	"github.com/havip/havip/test/field"
)

func TestMain(m *testing.M) { os.Exit(field.Main(m)) }

// rival is another daemon on its node.
type rival interface {
	Holds() bool // the shared addresses
	Waits() bool // it is backup, and has said so itself
	Stop()
	Kill()
}

// meeting is our agent and another daemon, and a third node that uses what
// they share.
type meeting struct {
	t                   *testing.T
	field               *field.Field
	ours, theirs, third *field.Node
	shared              []netip.Addr
	source              netip.Addr       // of our advertisements
	theirMAC            net.HardwareAddr // that answers for the shared addresses while they hold them
	start               func() rival

	agent                 service
	rival                 rival
	capture, theirCapture *field.Capture // of what the nodes send
}

// service is our agent, however it is started.
type service interface {
	Start()
	Stop() int
	Becomes(api.State)
	Router() api.Router
	Transitions() uint64
}

// meet makes the nodes. Each has an address of each family, with the same last
// number.
func meet(t *testing.T) *meeting {
	t.Parallel()
	f := field.New(t)
	join := func(n int) *field.Node {
		return f.Join(fmt.Sprintf("192.168.200.%d/24", n), fmt.Sprintf("fd00:200::%d/64", n))
	}
	m := &meeting{t: t, field: f, ours: join(1), theirs: join(2), third: join(3)}
	m.theirMAC = m.theirs.MAC
	m.capture, m.theirCapture = m.ours.Capture(), m.theirs.Capture()
	return m
}

// we says how our router is configured; its agent is started by weStart.
func (m *meeting) we(r config.Router) {
	m.agent = m.ours.NewAgent(m.ourConfig(r))
}

// weInContainer is we, with the agent as a service of a container.
func (m *meeting) weInContainer(r config.Router) *field.Service {
	m.t.Helper()
	s := m.ours.Service(m.ourConfig(r))
	m.agent = s
	return s
}

func (m *meeting) ourConfig(r config.Router) config.Config {
	m.source = r.Source
	for _, p := range r.Addresses {
		m.shared = append(m.shared, p.Addr())
	}
	return config.Config{Routers: []config.Router{r}}
}

func (m *meeting) weStart()   { m.agent.Start() }
func (m *meeting) theyStart() { m.rival = m.start() }

func (m *meeting) weStop() {
	m.t.Helper()
	if code := m.agent.Stop(); code != 0 {
		m.t.Errorf("exit code of our stop: %d", code)
	}
}

// weHold waits until we have the addresses, for this reason, and the network
// knows.
func (m *meeting) weHold(why vrrp.Reason) {
	m.t.Helper()
	m.agent.Becomes(api.Active)
	if r := m.agent.Router(); r.Reason != string(why) {
		m.t.Errorf("we became active because of %q, want %q", r.Reason, why)
	}
	m.wantHolder(m.ours, m.ours.MAC, func() bool { return !m.rival.Holds() })
}

// theyHold waits until they have them, and we listen.
func (m *meeting) theyHold() {
	m.t.Helper()
	field.Eventually(m.t, "they hold the addresses", m.rival.Holds)
	m.wantHolder(m.theirs, m.theirMAC, func() bool {
		return !slices.ContainsFunc(m.shared, m.ours.Has)
	})
}

// wantHolder waits until what a third node has in its neighbour table, and what
// ARP tells it, is the holder's MAC.
func (m *meeting) wantHolder(n *field.Node, mac net.HardwareAddr, alone func() bool) {
	m.t.Helper()
	field.Eventually(m.t, n.Name+" alone holds the addresses", func() bool { return n.Has(m.shared[0]) && alone() })
	for _, a := range m.shared {
		var got net.HardwareAddr
		field.EventuallyOr(m.t, func() bool {
			m.reach(a)
			got = m.neighbour(a)
			return slices.Equal(got, mac)
		}, func() string { return fmt.Sprintf("the neighbours know that %v is at %v, it is at %v", a, mac, got) })
		if a.Is4() {
			m.wantARP(a, mac)
		}
	}
}

// reach has the third node talk to an address.
func (m *meeting) reach(a netip.Addr) {
	_, _ = m.third.Try("ping", "-c", "1", "-W", "1", "-I", field.Device, a.String()) // it says itself what it learned
}

// neighbour is what the third node believes.
func (m *meeting) neighbour(a netip.Addr) net.HardwareAddr {
	m.t.Helper()
	family := netlink.FAMILY_V4
	if a.Is6() {
		family = netlink.FAMILY_V6
	}
	list, err := m.third.Space.Links().NeighList(0, family)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, n := range list {
		if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a && n.State&(netlink.NUD_FAILED|netlink.NUD_INCOMPLETE) == 0 {
			return n.HardwareAddr
		}
	}
	return nil
}

// wantARP asks the network who has the address.
func (m *meeting) wantARP(a netip.Addr, mac net.HardwareAddr) {
	m.t.Helper()
	out := m.third.Run("arping", "-c", "1", "-w", "10", "-I", field.Device, a.String())
	if !strings.Contains(strings.ToLower(out), "["+mac.String()+"]") || strings.Count(out, "reply from") != 1 {
		m.t.Errorf("arping %v, want one answer, of %v:\n%s", a, mac, out)
	}
}

// quiet looks for several advertisements of the active whether somebody moves.
func (m *meeting) quiet() {
	m.t.Helper()
	const adverts = 5
	heard := func() uint64 {
		c := m.agent.Router().Counters
		return c["adverts_sent"] + c["adverts_received"]
	}
	before, moves := heard(), m.agent.Transitions()
	field.Eventually(m.t, "advertisements go on", func() bool { return heard() >= before+adverts })
	if n := m.agent.Transitions(); n != moves {
		m.t.Errorf("%d transitions where nothing happened", n-moves)
	}
}

// conversation is the whole life of two of equal rank: they are active and we
// take over, we are active and they take over, we return.
func (m *meeting) conversation() {
	m.t.Helper()
	m.theyStart()
	m.theyHold()
	m.weStart()
	m.agent.Becomes(api.Backup)
	m.quiet()
	m.theyHold()

	m.rival.Stop()
	m.weHold(vrrp.PeerLeft)
	m.theyStart()
	field.Eventually(m.t, "they wait behind us", m.rival.Waits)
	m.quiet()
	m.weHold(vrrp.PeerLeft)

	m.weStop()
	m.theyHold()
	m.weStart() // we return
	m.agent.Becomes(api.Backup)
	m.quiet()
	m.theyHold()

	m.theirs.PowerOff()
	m.rival = dead{}
	m.weHold(vrrp.NoAdvert)
}

// dead is a daemon that is no more.
type dead struct{}

func (dead) Holds() bool { return false }
func (dead) Waits() bool { return false }
func (dead) Stop()       {}
func (dead) Kill()       {}

// prefixes are written as people write them.
func prefixes(all ...string) (out []netip.Prefix) {
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// wantAdverts looks at our advertisements on the wire.
func (m *meeting) wantAdverts(version int, to netip.Addr) {
	m.t.Helper()
	advert := m.capture.Sees("our advertisement", func(f field.Frame) bool { return f.Advert() && f.To == to })
	switch got := int(advert.Payload[0] >> 4); {
	case got != version:
		m.t.Errorf("we sent version %d, want %d", got, version)
	case advert.TTL != 255:
		m.t.Errorf("we sent TTL %d, want 255", advert.TTL)
	case advert.Source != m.source:
		m.t.Errorf("we sent from %v, want %v", advert.Source, m.source)
	}
	for _, a := range m.shared {
		m.capture.Sees(fmt.Sprintf("our announcement of %v", a), func(f field.Frame) bool {
			return f.Announces(a) && slices.Equal(f.From, m.ours.MAC)
		})
	}
}

// wantMembership looks for our joining and leaving of the group.
func (m *meeting) wantMembership(group netip.Addr) {
	m.t.Helper()
	m.capture.Sees("our joining", func(f field.Frame) bool { return f.Joins(group) })
	m.capture.Sees("our leaving", func(f field.Frame) bool { return f.Leaves(group) })
}

const second = api.Duration(time.Second)
