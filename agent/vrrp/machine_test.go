package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/agent/api"
)

const ms = time.Millisecond

var (
	epoch   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	lesser  = netip.MustParseAddr("10.0.0.1")
	self    = netip.MustParseAddr("10.0.0.2")
	greater = netip.MustParseAddr("10.0.0.3")
)

// standard has round times: skew 100 ms, down interval 1300 ms, lease 2 s, bound
// of leaving 820 ms.
func standard() Config {
	return Config{VRID: 51, Priority: 192, Interval: 400 * ms, Version: 3, Source: self}
}

func with(change func(*Config)) Config {
	c := standard()
	change(&c)
	return c
}

// script is what a test does with one machine.
type script struct {
	t *testing.T
	m *Machine
}

// on hands the machine an event at a time since its start and wants exactly these
// effects.
func (s script) on(at time.Duration, ev Event, want ...Effect) {
	s.t.Helper()
	got := s.m.Handle(epoch.Add(at), ev)
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		s.t.Fatalf("at %s, %T: effects (-want +got):\n%s", at, ev, diff)
	}
}

// deadline wants the machine's deadline to be then.
func (s script) deadline(want time.Duration) {
	s.t.Helper()
	if got := s.m.Deadline(); !got.Equal(epoch.Add(want)) {
		s.t.Fatalf("deadline is %s, want %s", got.Sub(epoch), want)
	}
}

func (s script) state(want api.State, reason Reason) {
	s.t.Helper()
	if s.m.State() != want || s.m.Reason() != reason {
		s.t.Fatalf("state is %s (%s), want %s (%s)", s.m.State(), s.m.Reason(), want, reason)
	}
}

// run lets time pass: every deadline before end is met, every advertisement sent.
func (s script) run(end time.Duration) {
	s.t.Helper()
	for d := s.m.Deadline(); !d.IsZero() && d.Before(epoch.Add(end)); d = s.m.Deadline() {
		for _, e := range s.m.Handle(d, Tick{}) {
			if _, ok := e.(SendAdvert); ok {
				s.m.Handle(d, Sent{At: d})
			}
		}
	}
}

// active brings the machine to Active at time 0.
func (s script) active() {
	s.t.Helper()
	s.m.Handle(epoch, Start{Resume: true})
	s.state(api.Active, Resumed)
}

// backup brings the machine to Backup at time 0.
func (s script) backup() {
	s.t.Helper()
	s.m.Handle(epoch, Start{})
	s.state(api.Backup, Started)
}

// heard is an advertisement of the standard interval, received at.
func heard(from netip.Addr, priority int, at time.Duration) Received {
	return Received{From: from, Priority: priority, Interval: 400 * ms, At: epoch.Add(at)}
}

func advert(priority int) SendAdvert { return SendAdvert{Priority: priority, Interval: 400 * ms} }

func move(from, to api.State, reason Reason, detail string) Transition {
	return Transition{From: from, To: to, Reason: reason, Detail: detail}
}

var renew = AddVIPs{Lease: 2 * time.Second}

// tookOver is what a machine does that becomes active.
func tookOver(from api.State, priority int, reason Reason, detail string) []Effect {
	return []Effect{
		advert(priority), renew,
		Announce{Why: "became active"},
		move(from, api.Active, reason, detail),
	}
}

type machineTest struct {
	name string
	cfg  Config
	run  func(s script)
}

func runMachineTests(t *testing.T, tests []machineTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := test.cfg
			if cfg.Interval == 0 {
				cfg = standard()
			}
			test.run(script{t, New(cfg, 1)})
		})
	}
}

func TestInit(t *testing.T) {
	owner := with(func(c *Config) { c.Priority = PriorityOwner })
	runMachineTests(t, []machineTest{
		{"a new machine waits for Start", Config{}, func(s script) {
			s.on(0, Tick{})
			s.on(0, heard(greater, 250, 0))
			s.on(0, TakeOver{})
			s.state(api.Init, "")
			if d := s.m.Deadline(); !d.IsZero() {
				s.t.Errorf("deadline is %s, want none", d)
			}
		}},
		{"start listens as backup, without VIPs that an older agent left", Config{}, func(s script) {
			s.on(0, Start{}, RemoveVIPs{}, move(api.Init, api.Backup, Started, ""))
			s.deadline(1300 * ms)
		}},
		{"a second start changes nothing", Config{}, func(s script) {
			s.backup()
			s.on(10*ms, Start{Resume: true})
			s.deadline(1300 * ms)
		}},
		{"the owner of the address is active at once", owner, func(s script) {
			s.on(
				0, Start{},
				advert(255), renew, Announce{Why: "became active"},
				move(api.Init, api.Active, OwnsAddress, ""),
			)
		}},
		{"an unhealthy owner listens first", owner, func(s script) {
			s.on(0, Health{OK: false})
			s.on(0, Start{}, RemoveVIPs{}, move(api.Init, api.Backup, Started, ""))
		}},
		{"start with a valid lease goes on as active", Config{}, func(s script) {
			s.on(0, Start{Resume: true}, tookOver(api.Init, 192, Resumed, "")...)
			s.deadline(400 * ms)
		}},
		{"start on a link that is down waits for the link", Config{}, func(s script) {
			s.on(0, Link{Up: false})
			s.on(0, Start{Resume: true}, RemoveVIPs{})
			s.state(api.Init, LinkDown)
			s.on(5*ms, Link{Up: true}, RemoveVIPs{}, move(api.Init, api.Backup, LinkUp, ""))
			s.deadline(1305 * ms)
		}},
		{"an active whose link goes down drops the VIPs, and listens afresh when it is back", Config{}, func(s script) {
			s.active()
			s.on(
				100*ms, Link{Up: false, Why: "no carrier"},
				RemoveVIPs{}, move(api.Active, api.Init, LinkDown, "no carrier"),
			)
			s.on(110*ms, Link{Up: false, Why: "address gone"})
			s.on(120*ms, Tick{})
			s.on(130*ms, Link{Up: true}, RemoveVIPs{}, move(api.Init, api.Backup, LinkUp, ""))
			s.deadline(1430 * ms)
		}},
		{"a shutdown while the link is down stops without a transition", Config{}, func(s script) {
			s.active()
			s.run(100 * ms)
			s.m.Handle(epoch.Add(100*ms), Link{Up: false})
			s.on(110*ms, Shutdown{}, RemoveVIPs{}, Stopped{})
			s.on(120*ms, Link{Up: true})
			s.on(130*ms, Start{})
		}},
	})
}

func TestReconfigured(t *testing.T) {
	slower := with(func(c *Config) { c.Interval = time.Second })
	faster := with(func(c *Config) { c.Interval = 10 * ms })
	higher := with(func(c *Config) { c.Priority = 224 })
	preempting := with(func(c *Config) { c.Preempt = true })
	runMachineTests(t, []machineTest{
		{"an active tells its new interval at once, with the lease of that interval", Config{}, func(s script) {
			s.active()
			s.on(
				100*ms, Reconfigured{Config: slower},
				SendAdvert{Priority: 192, Interval: time.Second}, AddVIPs{Lease: 4 * time.Second},
			)
		}},
		{"a longer interval is told three times more at the pace that peers know", Config{}, func(s script) {
			s.active()
			slower := with(func(c *Config) { c.Interval = 600 * ms })
			news := []Effect{SendAdvert{Priority: 192, Interval: 600 * ms}, AddVIPs{Lease: 2 * time.Second}}
			s.on(50*ms, Reconfigured{Config: slower}, news...)
			for _, at := range []time.Duration{450 * ms, 850 * ms, 1250 * ms} {
				s.deadline(at)
				s.on(at, Tick{}, news...)
			}
			s.deadline(1850 * ms)
		}},
		{"a much shorter interval is no stall", Config{}, func(s script) {
			s.active()
			s.on(
				390*ms, Reconfigured{Config: faster},
				SendAdvert{Priority: 192, Interval: 10 * ms}, AddVIPs{Lease: time.Second},
			)
			s.on(
				400*ms, Tick{},
				SendAdvert{Priority: 192, Interval: 10 * ms}, AddVIPs{Lease: time.Second},
			)
		}},
		{"an active tells its new priority at once", Config{}, func(s script) {
			s.active()
			s.on(100*ms, Reconfigured{Config: higher}, advert(224), renew)
		}},
		{"a backup keeps the interval that it learned", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 250, 100*ms))
			s.on(200*ms, Reconfigured{Config: faster})
			s.deadline(1400 * ms)
			s.on(300*ms, Reconfigured{Config: slower})
			s.deadline(1400 * ms)
			s.state(api.Backup, Started)
		}},
		{"a backup that heard nothing waits for the longer of both intervals", Config{}, func(s script) {
			s.backup()
			s.on(200*ms, Reconfigured{Config: faster})
			s.deadline(1300 * ms)
			s.on(300*ms, Reconfigured{Config: slower})
			s.deadline(3250 * ms)
		}},
		{"a backup's new priority changes its skew", Config{}, func(s script) {
			s.backup()
			s.on(200*ms, Reconfigured{Config: higher})
			s.deadline(1250 * ms)
		}},
		{"a backup that preempts no more lets a live active be", preempting, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 100, 100*ms))
			s.on(1200*ms, heard(greater, 100, 1200*ms))
			s.on(1250*ms, Reconfigured{Config: standard()})
			s.deadline(2500 * ms)
		}},
		{"so does one that is now below it", preempting, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 100, 100*ms))
			s.on(1200*ms, heard(greater, 100, 1200*ms))
			s.on(1250*ms, Reconfigured{Config: with(func(c *Config) { c.Preempt, c.Priority = true, 64 })})
			s.deadline(2700 * ms)
		}},
		{"reserved priorities become the nearest free ones", Config{}, func(s script) {
			for given, want := range map[int]int{0: 10, 9: 10, 10: 10, 253: 253, 254: 253, 255: 255} {
				s.m.Handle(epoch, Reconfigured{Config: with(func(c *Config) { c.Priority = given })})
				if got := s.m.Config().Priority; got != want {
					s.t.Errorf("priority %d is in force as %d, want %d", given, got, want)
				}
			}
		}},
	})
}

func TestHandleIsDeterministic(t *testing.T) {
	trace := func(seed uint64) []Effect {
		m := New(standard(), seed)
		all := m.Handle(epoch, Start{Resume: true})
		for d := m.Deadline(); d.Before(epoch.Add(3 * time.Minute)); d = m.Deadline() {
			all = append(all, m.Handle(d, Tick{})...)
			m.Handle(d, Sent{At: d})
		}
		return all
	}
	compare := cmpopts.EquateComparable(netip.Addr{})
	if diff := cmp.Diff(trace(7), trace(7), compare); diff != "" {
		t.Errorf("the same seed gives other effects:\n%s", diff)
	}
	if cmp.Equal(trace(7), trace(8), compare) {
		t.Error("another seed gives the same refreshes")
	}
}
