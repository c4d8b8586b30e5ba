package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/track"
	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip"
)

const interval = 100 * time.Millisecond

var (
	own  = netip.MustParseAddr("10.0.0.130")
	peer = netip.MustParseAddr("10.0.0.131")
	vip4 = netip.MustParsePrefix("10.0.0.136/32")
)

// The fake NIC's MAC is between these.
const (
	lesserMAC   = "fa:16:3e:00:00:01"
	greaterMAC  = "fa:16:3e:00:00:03"
	strangerMAC = "fa:16:3e:00:00:09"
)

var errFake = errors.New("operation not permitted")

// sent is one advertisement that left.
type sent struct {
	Priority int
	Interval time.Duration
}

// fakeWire is a wire whose socket is a channel.
type fakeWire struct {
	socket  chan transport.Advert // not read yet
	in      chan transport.Advert // to be taken
	arrived func()
	closed  chan struct{}

	mu    sync.Mutex
	out   []sent
	peers []netip.Addr
	vips  []netip.Addr
	fails error // of Send

	unplugged bool // its NIC has gone since
}

func newFakeWire(arrived func()) *fakeWire {
	return &fakeWire{
		socket:  make(chan transport.Advert, 100),
		in:      make(chan transport.Advert, 100),
		arrived: arrived,
		closed:  make(chan struct{}),
	}
}

func (w *fakeWire) Send(priority int, every time.Duration) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails != nil {
		return time.Time{}, w.fails
	}
	w.out = append(w.out, sent{priority, every})
	return time.Now(), nil
}

func (w *fakeWire) Fetch() error {
	for len(w.socket) > 0 {
		w.in <- <-w.socket
	}
	return nil
}

func (w *fakeWire) Take() (transport.Advert, bool, error) {
	select {
	case a := <-w.in:
		return a, true, nil
	default:
		return transport.Advert{}, false, nil
	}
}

func (w *fakeWire) SetPeers(peers []netip.Addr) { w.peers = peers }
func (w *fakeWire) SetAddresses(vips []netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.vips = vips
}

// unplug takes its NIC away.
func (w *fakeWire) unplug() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unplugged = true
}

func (w *fakeWire) Unplugged() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unplugged
}

func (w *fakeWire) Drops() map[string]uint64 { return map[string]uint64{"checksum": 2, "vrid": 3} }

func (w *fakeWire) Close() error {
	close(w.closed)
	return nil
}

// fail makes each Send fail from now on, or succeed with nil.
func (w *fakeWire) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = err
}

// hear has a peer's advertisement come in.
func (w *fakeWire) hear(priority int) { w.deliver(w.advert(priority)) }

func (w *fakeWire) deliver(a transport.Advert) {
	w.in <- a
	w.arrived()
}

func (w *fakeWire) advert(priority int) transport.Advert {
	return transport.Advert{
		From:      peer,
		Priority:  priority,
		Interval:  interval,
		Addresses: []netip.Addr{vip4.Addr()},
		At:        time.Now(),
	}
}

// sends returns what left since the last call.
func (w *fakeWire) sends() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.out
	w.out = nil
	return out
}

// fakeNIC is a server with one NIC.
type fakeNIC struct {
	mu        sync.Mutex
	nic       vip.NIC
	missing   bool
	usable    bool
	held      bool
	renewed   time.Time
	announced int
	looks     int   // how often it was looked at
	looking   error // of Look
	adds      error // of Add
	fresh     bool  // the lease: Add writes none
	removes   error // of Remove
	foreign   []netip.Prefix
	wire      *fakeWire // of the last Dial
	claims    *fakeClaims
	sourceOff bool
	did       []string // with addresses
	// neighbours are who has which MAC.
	neighbours map[string]netip.Addr
	late       map[string]netip.Addr // those that the kernel has to ask for first
	looked     int                   // how often somebody asked for one
	changes    chan struct{}
}

func newFakeNIC() *fakeNIC {
	return &fakeNIC{
		nic:        vip.NIC{Index: 2, Name: "ens3", MAC: net.HardwareAddr{0xfa, 0x16, 0x3e, 0, 0, 2}},
		usable:     true,
		neighbours: map[string]netip.Addr{lesserMAC: peer, greaterMAC: peer},
		changes:    make(chan struct{}, 1),
	}
}

// change changes the server and has the kernel tell.
func (n *fakeNIC) change(f func(n *fakeNIC)) {
	n.mu.Lock()
	f(n)
	n.mu.Unlock()
	n.changes <- struct{}{}
	synctest.Wait()
}

func (n *fakeNIC) isHeld() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held
}

func (n *fakeNIC) Look() (vip.View, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looks++
	return vip.View{}, n.looking
}

func (n *fakeNIC) Find(vip.View, config.Interface) (vip.NIC, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.missing {
		return vip.NIC{}, errors.New("no interface has this MAC")
	}
	return n.nic, nil
}

func (n *fakeNIC) Addresses(_ vip.NIC, r config.Router) Addresses {
	return &fakeSet{n, r.Addresses}
}

// fakeSet is some VIPs on a NIC, which holds the one of testConfig or not.
type fakeSet struct {
	*fakeNIC
	vips []netip.Prefix
}

func (s *fakeSet) Add(lease time.Duration) (bool, error) {
	s.note("add", s.vips)
	if !slices.Contains(s.vips, vip4) {
		return true, nil
	}
	return s.fakeNIC.Add(lease)
}

func (s *fakeSet) Remove() error {
	s.note("remove", s.vips)
	if !slices.Contains(s.vips, vip4) {
		return nil
	}
	return s.fakeNIC.Remove()
}

func (s *fakeSet) Announce() error {
	s.note("announce", s.vips)
	return s.fakeNIC.Announce()
}

func (n *fakeNIC) note(what string, vips []netip.Prefix) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.did = append(n.did, fmt.Sprint(what, " ", vips))
}

// takeDid returns what was done with addresses since the last call.
func (n *fakeNIC) takeDid() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	did := n.did
	n.did = nil
	return did
}

func (n *fakeNIC) Dial(_ vip.NIC, _ config.Router, arrived func()) (Wire, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wire = newFakeWire(arrived)
	return n.wire, nil
}

func (n *fakeNIC) Claims(vip.NIC, []netip.Addr) (Claims, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.claims = &fakeClaims{in: make(chan vip.Claim, 100), closed: make(chan struct{})}
	return n.claims, nil
}

// Acquaint has the kernel learn of late what a test has kept from it.
func (n *fakeNIC) Acquaint(vip.NIC, []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for mac, peer := range n.late {
		n.neighbours[mac] = peer
	}
	return nil
}

func (n *fakeNIC) Neighbour(_ vip.NIC, mac net.HardwareAddr, among []netip.Addr) (netip.Addr, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looked++
	known := n.neighbours[mac.String()]
	return known, slices.Contains(among, known), nil
}

// fakeClaims are claims from a channel.
type fakeClaims struct {
	in     chan vip.Claim
	closed chan struct{}
}

func (c *fakeClaims) Receive() (vip.Claim, error) {
	select {
	case claim := <-c.in:
		return claim, nil
	case <-c.closed:
		return vip.Claim{}, net.ErrClosed
	}
}

// closing is what the kernel may take to close a packet socket.
const closing = 20 * time.Millisecond

func (c *fakeClaims) Close() error {
	close(c.closed)
	time.Sleep(closing)
	return nil
}

// claim is the announcement of a VIP by the station with this MAC.
func (n *fakeNIC) claim(mac string) {
	n.mu.Lock()
	in := n.claims.in
	n.mu.Unlock()
	hw, _ := net.ParseMAC(mac)
	in <- vip.Claim{MAC: hw, Address: vip4.Addr(), At: time.Now()}
}

func (n *fakeNIC) Watch(context.Context) (<-chan struct{}, error) { return n.changes, nil }

func (n *fakeNIC) Add(time.Duration) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.adds != nil {
		return false, n.adds
	}
	if n.fresh {
		return false, nil
	}
	n.held, n.renewed = true, time.Now()
	return true, nil
}

func (n *fakeNIC) Remove() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.removes == nil {
		n.held, n.foreign = false, nil
	}
	return n.removes
}

func (n *fakeNIC) LastRenewal() (time.Time, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.renewed, n.held, nil
}

func (n *fakeNIC) Announce() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.announced++
	return nil
}

func (n *fakeNIC) Inspect(vip.View, config.Interface) (vip.State, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	state := vip.State{Usable: n.usable, Why: "down", NIC: n.nic, Held: n.held, Any: n.held || len(n.foreign) > 0, Foreign: n.foreign}
	if n.sourceOff {
		state.Usable, state.Why, state.SourceMissing = false, "10.0.0.130 is not on ens3", true
	}
	return state, nil
}

func (n *fakeNIC) Rebind(vip.NIC) {}

func (n *fakeNIC) Close() error {
	time.Sleep(closing)
	return nil
}

// testConfig is one router of two members.
func testConfig() config.Config {
	return config.Config{
		Group: "test",
		Routers: []config.Router{{
			VRID:      51,
			Interface: config.Interface{Name: "ens3"},
			Addresses: []netip.Prefix{vip4},
			Source:    own,
			Peers:     []netip.Addr{peer},
			Priority:  200,
			Interval:  api.Duration(interval),
			Version:   3,
			Mode:      config.ModeUnicast,
		}},
		Control: "/run/havip/test/control.sock",
	}
}

// rig is an engine that runs in a bubble of synctest.
type rig struct {
	t      *testing.T
	nic    *fakeNIC
	engine *Engine
	stop   context.CancelFunc
	ended  chan error
	probe  chan error // what the next probe of a check says
	notes  []string   // to the service manager
}

// begin starts an engine on the server.
func begin(t *testing.T, nic *fakeNIC, cfg config.Config) *rig {
	t.Helper()
	return beginOn(t, nic, nic, cfg)
}

func beginOn(t *testing.T, nic *fakeNIC, host Host, cfg config.Config) *rig {
	t.Helper()
	r := &rig{t: t, nic: nic, ended: make(chan error, 1), probe: make(chan error)}
	r.engine = New(cfg, "sha", Options{
		Host:     host,
		Version:  "test",
		Seed:     1,
		Notify:   func(s string) { r.notes = append(r.notes, s) },
		Watchdog: time.Second,
		Probe: func(config.Check) track.Probe {
			return func(ctx context.Context) error {
				select {
				case err := <-r.probe:
					return err
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.ended <- r.engine.Run(ctx) }()
	t.Cleanup(func() { // the bubble's clock stands still afterwards
		cancel()
		<-r.engine.ended
	})
	synctest.Wait()
	return r
}

// pass lets time pass.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

// pause makes the loop stand still until resume is called, as SIGSTOP does.
func (r *rig) pause() (resume func()) {
	paused, resumed := make(chan struct{}), make(chan struct{})
	go func() {
		_ = r.engine.do(r.t.Context(), func() {
			close(paused)
			<-resumed
		})
	}()
	<-paused
	return func() {
		close(resumed)
		synctest.Wait()
	}
}

func (r *rig) router() api.Router {
	r.t.Helper()
	status, err := r.engine.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return status.Routers[0]
}

// want compares the state, and that the address is where it belongs.
func (r *rig) want(s api.State) {
	r.t.Helper()
	got := r.router()
	if got.State != s {
		r.t.Errorf("state is %s (%s), want %s", got.State, got.Reason, s)
	}
	if holds := s == api.Active || s == api.Leaving; r.nic.isHeld() != holds || got.Held != holds {
		r.t.Errorf("in state %s: address on the NIC %t, in the status %t", s, r.nic.isHeld(), got.Held)
	}
}

// kinds returns the journal's transitions as "backup->active" and, of the other
// events, those of the kinds asked for.
func (r *rig) kinds(kinds ...string) []string {
	var out []string
	events, _ := r.engine.Events(0)
	for _, ev := range events {
		if ev.Kind == "transition" {
			out = append(out, string(ev.From)+"->"+string(ev.To))
		}
		for _, k := range kinds {
			if ev.Kind == k {
				out = append(out, k)
			}
		}
	}
	return out
}
