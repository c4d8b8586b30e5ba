package engine

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/track"
	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

const (
	// reconcileEvery is the slow tick at which addresses and links are looked
	// at, should a netlink notification have been lost.
	reconcileEvery = 10 * time.Second
	// stopLimit bounds the handover when the agent is stopped.
	stopLimit = 2 * time.Second
	// inboxSize bounds the claims that wait for the loop. A full inbox stops the
	// ears, and then the kernel's socket buffer is the bound.
	inboxSize = 64
)

// ErrStopped says that the engine has ended or not begun.
var ErrStopped = errors.New("the agent is stopping")

// Wire carries one router's advertisements.
type Wire interface {
	// Send sends to every peer. The time is zero when it left for none; the
	// error is of those that it did not leave for.
	Send(priority int, interval time.Duration) (time.Time, error)
	// Take returns the next one that has come in, without waiting for it.
	Take() (transport.Advert, bool, error)
	// Fetch has what waits in the socket already come in.
	Fetch() error
	SetPeers(peers []netip.Addr)
	SetAddresses(vips []netip.Addr)
	Drops() map[string]uint64
	// Unplugged tells whether the NIC has gone since the wire was opened, even if it
	// has come back: another wire is needed then. It is asked at each look.
	Unplugged() bool
	Close() error
}

// Addresses are one router's VIPs on a NIC.
type Addresses interface {
	// Add tells whether it has written the lease, which was not due otherwise.
	Add(lease time.Duration) (written bool, err error)
	Remove() error
	// LastRenewal tells when the lease of VIPs that are there was last set, by
	// this agent or an earlier one.
	LastRenewal() (at time.Time, held bool, err error)
	Announce() error
	// Inspect looks for the NIC again and says how it and the VIPs are.
	Inspect(vip.View, config.Interface) (vip.State, error)
	// Rebind goes on with another NIC.
	Rebind(vip.NIC)
	// Close frees what Announce holds; the VIPs stay.
	Close() error
}

// Claims are announcements of our VIPs by others.
type Claims interface {
	// Receive waits for the next one; net.ErrClosed after Close.
	Receive() (vip.Claim, error)
	Close() error
}

// Host is the server that the agent runs on.
type Host interface {
	// Look reads the NICs and addresses, for Find and for the Addresses' Inspect.
	Look() (vip.View, error)
	Find(vip.View, config.Interface) (vip.NIC, error)
	Addresses(vip.NIC, config.Router) Addresses
	// Dial opens a wire. It calls arrived, which does not wait, when there has come
	// to be something to Take.
	Dial(nic vip.NIC, r config.Router, arrived func()) (Wire, error)
	// Claims listens for those who announce one of the VIPs, which are of one family.
	Claims(nic vip.NIC, vips []netip.Addr) (Claims, error)
	// Neighbour tells which of the addresses has this MAC, as far as the kernel knows.
	Neighbour(nic vip.NIC, mac net.HardwareAddr, among []netip.Addr) (netip.Addr, bool, error)
	// Acquaint has the kernel find out the MACs of addresses.
	Acquaint(nic vip.NIC, members []netip.Addr) error
	// Watch signals that addresses or links may have changed, until ctx ends.
	Watch(ctx context.Context) (<-chan struct{}, error)
}

// Options are what an engine needs beside its configuration.
type Options struct {
	Host    Host
	Version string // the agent's, for the status
	Probe   func(config.Check) track.Probe
	// Seed makes the machines' jitter differ from that of other members.
	Seed uint64
	// Notify tells the service manager; it must not block. Nil: nobody to tell.
	Notify func(state string)
	// Watchdog is how often the service manager wants to hear from the loop;
	// zero: it does not.
	Watchdog time.Duration
}

// Engine is one agent.
type Engine struct {
	opts    Options
	journal *Journal
	started time.Time
	tracker *track.Tracker

	calls chan func() // run by the loop
	mail  *mailbox
	inbox chan letter
	ended chan struct{} // closed when Run returns

	// The rest belongs to the loop.
	cfg           config.Config
	sha           string      // of the file that cfg was read from
	group         *vrrp.Group // nil until the NICs of all routers were there
	routers       []*router
	ears          map[earKey]*ear
	heard         []letter // claims that wait for the adverts that came before them
	moved         bool     // addresses have changed hands since the last look
	statusOld     bool     // the service manager's line for people
	listeners     sync.WaitGroup
	nextReconcile time.Time
	nextWatchdog  time.Time
	stopBy        time.Time // zero while not stopping
}

// letter is what an ear hands to the loop.
type letter struct {
	ear   *ear
	claim vip.Claim
	err   error
}

// New makes an engine for a valid configuration; sha is the SHA-256 of its
// file, in hex.
func New(cfg config.Config, sha string, opts Options) *Engine {
	if opts.Notify == nil {
		opts.Notify = func(string) {}
	}
	e := &Engine{
		opts:    opts,
		journal: NewJournal(),
		started: time.Now(),
		tracker: track.New(opts.Probe),
		calls:   make(chan func()),
		mail:    newMailbox(),
		inbox:   make(chan letter, inboxSize),
		ended:   make(chan struct{}),
		ears:    make(map[earKey]*ear),
		cfg:     cfg,
		sha:     sha,
	}
	for i, rc := range cfg.Routers {
		e.routers = append(e.routers, newRouter(e, i, rc))
	}
	return e
}

// Run runs the agent until ctx ends and it has handed over, or until the
// handover has taken too long. It is called once.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.ended)
	watchCtx, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	watch, err := e.opts.Host.Watch(watchCtx)
	if err != nil {
		return err
	}
	defer e.closeRouters()
	e.tracker.Set(e.cfg.Checks)
	defer e.tracker.Close()

	e.reconcile()
	e.opts.Notify("READY=1")
	e.showStatus()

	timer := time.NewTimer(0)
	defer timer.Stop()
	asked := ctx.Done()
	for !e.stopped() {
		timer.Reset(time.Until(e.wake()))
		var act func()
		select {
		case <-timer.C:
		case <-e.mail.some:
		case l := <-e.inbox:
			e.heard = append(e.heard, l)
		case act = <-e.calls:
		case change := <-e.tracker.Changes():
			act = func() { e.checkChanged(change) }
		case _, ok := <-watch:
			if !ok { // the slow tick goes on
				watch = nil
			}
			act = e.reconcile
		case <-asked:
			asked, act = nil, e.shutDown
		}
		// What came before goes first: an act after a long sleep must not see
		// machines that have not noticed the sleep. A VIP whose lease ran out
		// meanwhile would be put back, to give an example.
		e.drain()
		e.tick()
		if act != nil {
			act()
		}
		if e.statusOld { // once for all routers
			e.showStatus()
		}
	}
	return nil
}

// wake is when the loop has something to do even if nothing happens.
func (e *Engine) wake() time.Time {
	at := e.nextReconcile
	if e.opts.Watchdog > 0 {
		at = earlier(at, e.nextWatchdog)
	}
	return earlier(earlier(at, e.stopBy), e.deadline())
}

// earlier returns the earlier time; a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// drain takes all that has arrived. Claims wait until the adverts that came with them
// are read: they tell whether those matter.
func (e *Engine) drain() {
	for len(e.inbox) > 0 {
		e.heard = append(e.heard, <-e.inbox)
	}
	for _, r := range e.mail.empty() {
		r.takeAdverts()
	}
	for _, l := range e.heard {
		e.hearClaim(l)
	}
	e.heard = e.heard[:0]
}

// tick does what is due.
func (e *Engine) tick() {
	now := time.Now()
	e.tickGroup(now)
	if e.opts.Watchdog > 0 && !now.Before(e.nextWatchdog) {
		e.opts.Notify("WATCHDOG=1")
		e.nextWatchdog = now.Add(e.opts.Watchdog)
	}
	if !now.Before(e.nextReconcile) {
		e.reconcile()
	}
}

// do has the loop run f and waits for it.
func (e *Engine) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case e.calls <- func() { f(); close(done) }:
		<-done
		return nil
	case <-e.ended:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Events returns the kept events after the one with Seq after, and a channel
// that is closed when there are more.
func (e *Engine) Events(after uint64) ([]api.Event, <-chan struct{}) {
	return e.journal.Events(after)
}
