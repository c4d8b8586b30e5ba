package vrrp

import (
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

func TestActive(t *testing.T) {
	rival := func(priority int) []Effect {
		return []Effect{Rival{From: greater, Priority: priority}, advert(192), renew}
	}
	runMachineTests(t, []machineTest{
		{"it advertises at each interval and renews the lease each time", Config{}, func(s script) {
			s.active()
			s.on(399*ms, Tick{})
			s.on(400*ms, Tick{}, advert(192), renew)
			s.on(400*ms, Sent{At: epoch.Add(400 * ms)})
			s.deadline(800 * ms)
		}},
		{"a higher priority wins, without preemption too", Config{}, func(s script) {
			s.active()
			s.on(
				100*ms, heard(lesser, 193, 90*ms),
				RemoveVIPs{}, move(api.Active, api.Backup, Preempted, "10.0.0.1 at priority 193"), advert(PriorityYielded),
			)
			s.deadline(1390 * ms)
		}},
		{"an equal priority with a greater address wins", Config{}, func(s script) {
			s.active()
			s.on(
				100*ms, heard(greater, 192, 100*ms),
				RemoveVIPs{}, move(api.Active, api.Backup, LostTie, "10.0.0.3 at priority 192"), advert(PriorityYielded),
			)
		}},
		{"a loser's advertisement is answered at once", Config{}, func(s script) {
			s.active()
			s.run(1050 * ms)
			s.on(1100*ms, heard(greater, 191, 1100*ms), append(rival(191), Announce{Why: "a rival was heard: 10.0.0.3"})...)
			s.deadline(1500 * ms)
		}},
		{"an equal priority with a lesser address loses", Config{}, func(s script) {
			s.active()
			s.on(
				100*ms, heard(lesser, 192, 100*ms),
				Rival{From: lesser, Priority: 192}, advert(192), renew,
			)
		}},
		{"of those that waited together one is answered, and each is a rival's", Config{}, func(s script) {
			s.active()
			answer := append(rival(191), Announce{Why: "a rival was heard: 10.0.0.3"})
			s.on(1100*ms, heard(greater, 191, 1090*ms), answer...)
			s.on(1101*ms, Sent{At: epoch.Add(1101 * ms)})
			s.on(1102*ms, heard(greater, 191, 1095*ms), answer[0])
			s.on(1103*ms, heard(greater, 191, 1102*ms), answer[:3]...)
		}},
		{"version 2 only announces when it hears a loser", with(func(c *Config) { c.Version = 2 }), func(s script) {
			s.active()
			s.on(1050*ms, heard(greater, 191, 1050*ms), Rival{From: greater, Priority: 191}, Announce{Why: "a rival was heard: 10.0.0.3"})
		}},
		{"priority 0 is answered at once", Config{}, func(s script) {
			s.active()
			s.on(100*ms, heard(greater, 0, 100*ms), advert(192), renew)
			s.deadline(500 * ms)
		}},
		{"our own advertisement coming back is not a rival's", Config{}, func(s script) {
			s.active()
			s.on(100*ms, heard(self, 192, 100*ms))
			s.on(100*ms, heard(self, 250, 100*ms))
		}},
		{"who yields learns the winner's interval", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch, Received{From: greater, Priority: 250, Interval: 800 * ms, At: epoch})
			s.deadline(2600 * ms)
		}},
		{"a switchover and a second one change nothing", Config{}, func(s script) {
			s.active()
			s.on(100*ms, TakeOver{})
			s.on(100*ms, TakeOver{})
			s.state(api.Active, Resumed)
		}},
	})
}

func TestAnnouncements(t *testing.T) {
	t.Run("they come after 0, 2, 5 and 9 s, then refreshes within 30 s and a fifth", func(t *testing.T) {
		m := New(standard(), 1)
		var at []time.Duration
		note := func(now time.Time, effects []Effect) {
			for _, e := range effects {
				if _, ok := e.(Announce); ok {
					at = append(at, now.Sub(epoch))
				}
			}
		}
		note(epoch, m.Handle(epoch, Start{Resume: true}))
		for d := m.Deadline(); len(at) < 40; d = m.Deadline() {
			note(d, m.Handle(d, Tick{}))
			m.Handle(d, Sent{At: d})
		}
		for i, want := range []time.Duration{0, 2 * time.Second, 5 * time.Second, 9 * time.Second} {
			if at[i] != want {
				t.Errorf("announcement %d is at %s, want %s", i, at[i], want)
			}
		}
		for i := 4; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap < 24*time.Second || gap > 36*time.Second {
				t.Errorf("refresh %d comes after %s", i, gap)
			}
		}
	})

	t.Run("the refresh is as configured, and a reload hastens it", func(t *testing.T) {
		hourly := with(func(c *Config) { c.Refresh = time.Hour })
		m := New(hourly, 1)
		now := epoch
		m.Handle(now, Start{Resume: true})
		announced := func(d time.Duration) (at []time.Duration) {
			for end := now.Add(d); m.Deadline().Before(end); {
				now = m.Deadline()
				for _, e := range m.Handle(now, Tick{}) {
					if _, ok := e.(Announce); ok {
						at = append(at, now.Sub(epoch))
					}
				}
				m.Handle(now, Sent{At: now})
			}
			return at
		}
		if got := announced(40 * time.Minute); len(got) != 3 {
			t.Errorf("announced at %s, want no refresh in 40 minutes", got)
		}
		if got := announced(40 * time.Minute); len(got) != 1 {
			t.Errorf("announced at %s, want one refresh in 80 minutes", got)
		}
		m.Handle(now, Reconfigured{Config: with(func(c *Config) { c.Refresh = 10 * time.Second })})
		if got := announced(time.Minute); len(got) < 5 || len(got) > 7 {
			t.Errorf("announced at %s, want a refresh each 10 s, a fifth more or less", got)
		}
	})

	t.Run("a rival heard all the time restarts them once a second", func(t *testing.T) {
		m := New(standard(), 1)
		m.Handle(epoch, Start{Resume: true})
		var last time.Time
		var count int
		for now := epoch; now.Before(epoch.Add(10 * time.Second)); now = now.Add(50 * ms) {
			effects := append(m.Handle(now, heard(lesser, 100, now.Sub(epoch))), m.Handle(now, Tick{})...)
			m.Handle(now, Sent{At: now})
			for _, e := range effects {
				if _, ok := e.(Announce); ok {
					if now.Sub(last) < time.Second && !last.IsZero() {
						t.Errorf("announced %s after the last one", now.Sub(last))
					}
					last = now
					count++
				}
			}
		}
		if count != 9 {
			t.Errorf("announced %d times in 10 s, want 9: at 1 s, 2 s, ... 9 s", count)
		}
	})

	runMachineTests(t, []machineTest{
		{"a rival within a second of an announcement gets its own when the second is over", Config{}, func(s script) {
			s.active()
			s.on(
				700*ms, heard(lesser, 100, 700*ms),
				Rival{From: lesser, Priority: 100}, advert(192), renew,
			)
			s.deadline(1000 * ms)
			s.on(1000*ms, Tick{}, Announce{Why: "a rival was heard: 10.0.0.1"})
			s.on(1000*ms, Sent{At: epoch.Add(700 * ms)})
			s.run(2990 * ms)
			s.deadline(3000 * ms)
		}},
		{"announcements that were missed are not made up for", with(func(c *Config) { c.Interval = 10 * time.Second }), func(s script) {
			s.active()
			s.on(6*time.Second, Tick{}, Announce{Why: "became active"})
			s.deadline(9 * time.Second)
		}},
	})
}

func TestStall(t *testing.T) {
	stalled := []Effect{RemoveVIPs{}, move(api.Active, api.Backup, Stalled, "for 1.3s")}
	runMachineTests(t, []machineTest{
		{"an active that sent nothing for its down interval drops the VIPs and listens", Config{}, func(s script) {
			s.active()
			s.on(1299*ms, Tick{}, advert(192), renew)
			s.on(1300*ms, Tick{}, stalled...)
			s.deadline(2600 * ms)
		}},
		{"what left in time counts, also when told late", Config{}, func(s script) {
			s.active()
			s.on(400*ms, Tick{}, advert(192), renew)
			s.on(1350*ms, Sent{At: epoch.Add(401 * ms)})
			s.state(api.Active, Resumed)
		}},
		{"reports out of order count as the latest", Config{}, func(s script) {
			s.active()
			s.on(410*ms, Sent{At: epoch.Add(405 * ms)})
			s.on(420*ms, Sent{At: epoch.Add(100 * ms)})
			s.on(1704*ms, Sent{At: epoch.Add(200 * ms)})
			s.state(api.Active, Resumed)
		}},
		{"what left after too long a silence does not", Config{}, func(s script) {
			s.active()
			s.on(1300*ms, Sent{At: epoch.Add(1300 * ms)}, stalled...)
		}},
		{"the VIPs go before what woke it is looked at", Config{}, func(s script) {
			s.active()
			s.on(1300*ms, heard(lesser, 100, 1200*ms), stalled...)
			s.on(1310*ms, heard(lesser, 100, 1305*ms))
			s.deadline(2605 * ms)
		}},
		{"a shutdown of a stalled active has nothing to hand over", Config{}, func(s script) {
			s.active()
			s.on(
				1300*ms, Shutdown{},
				append(stalled, RemoveVIPs{}, move(api.Backup, api.Init, Stopping, ""), Stopped{})...,
			)
		}},
	})
}

func TestSwitchover(t *testing.T) {
	const boosted = PrioritySwitchover
	runMachineTests(t, []machineTest{
		{"the target advertises 254 for a down interval, then its own priority", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, TakeOver{}, tookOver(api.Backup, boosted, SwitchoverTo, "")...)
			s.run(1300 * ms)
			if got := s.m.Priority(); got != boosted {
				s.t.Errorf("priority before the boost's end is %d", got)
			}
			s.deadline(1300 * ms)
			s.on(1300*ms, Tick{}, advert(boosted), renew)
			s.on(1300*ms, Sent{At: epoch.Add(1300 * ms)})
			s.deadline(1400 * ms)
			s.on(1400*ms, Tick{})
			s.deadline(1700 * ms)
			s.on(1700*ms, Tick{}, advert(192), renew)
		}},
		{"an old active that is still heard prolongs it", Config{}, func(s script) {
			s.backup()
			s.m.Handle(epoch, TakeOver{})
			s.run(900 * ms)
			s.on(
				900*ms, heard(greater, 253, 900*ms),
				Rival{From: greater, Priority: 253}, advert(boosted), renew,
			)
			s.m.Handle(epoch.Add(900*ms), Sent{At: epoch.Add(900 * ms)})
			s.run(2199 * ms)
			if got := s.m.Priority(); got != boosted {
				s.t.Errorf("priority is %d, want %d", got, boosted)
			}
			s.run(2201 * ms)
			if got := s.m.Priority(); got != 192 {
				s.t.Errorf("priority after the old active fell silent is %d, want 192", got)
			}
		}},
		{"the old active yields to 254, without priority 0", Config{}, func(s script) {
			s.active()
			s.on(
				100*ms, heard(lesser, boosted, 100*ms),
				RemoveVIPs{}, move(api.Active, api.Backup, SwitchoverFrom, "10.0.0.1 at priority 254"),
			)
		}},
		{"of two targets the greater address stays", Config{}, func(s script) {
			s.backup()
			s.m.Handle(epoch, TakeOver{})
			s.on(
				100*ms, heard(lesser, boosted, 100*ms),
				Rival{From: lesser, Priority: boosted}, advert(boosted), renew,
			)
			s.on(
				200*ms, heard(greater, boosted, 200*ms),
				RemoveVIPs{}, move(api.Active, api.Backup, SwitchoverFrom, "10.0.0.3 at priority 254"),
			)
		}},
	})
}

func TestActiveAndHealth(t *testing.T) {
	runMachineTests(t, []machineTest{
		{"a failed check sends priority 0, keeps the VIPs, and goes on in the band", Config{}, func(s script) {
			s.active()
			s.on(100*ms, Health{OK: false}, advert(0), renew)
			s.on(110*ms, Health{OK: false})
			s.deadline(500 * ms)
			s.on(500*ms, Tick{}, advert(7), renew)
		}},
		{"it returns as backup when a healthy member is heard", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch.Add(100*ms), Health{OK: false})
			s.on(
				200*ms, heard(lesser, 10, 200*ms),
				RemoveVIPs{}, move(api.Active, api.Backup, Unhealthy, "10.0.0.1 at priority 10"), advert(PriorityYielded),
			)
			s.deadline(1900 * ms)
		}},
		{"recovered in the band it advertises its own priority at once", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch.Add(100*ms), Health{OK: false})
			s.on(300*ms, Health{OK: true}, advert(192), renew)
		}},
		{"a failed check ends a switchover", Config{}, func(s script) {
			s.backup()
			s.m.Handle(epoch, TakeOver{})
			s.on(100*ms, Health{OK: false}, advert(0), renew)
			s.on(500*ms, Tick{}, advert(7), renew)
		}},
	})
}

func TestLeaving(t *testing.T) {
	goodbye := []Effect{advert(0), renew, move(api.Active, api.Leaving, Stopping, "")}
	runMachineTests(t, []machineTest{
		{"the VIPs stay until the successor is heard", Config{}, func(s script) {
			s.active()
			s.on(100*ms, Shutdown{}, goodbye...)
			s.on(120*ms, heard(lesser, 0, 120*ms))
			s.on(
				150*ms, heard(lesser, 10, 150*ms),
				RemoveVIPs{}, move(api.Leaving, api.Init, HandedOver, "10.0.0.1"), Stopped{},
			)
			s.on(160*ms, Start{})
		}},
		{"priority 0 is said again half way, and the bound ends the wait", Config{}, func(s script) {
			s.active()
			s.on(100*ms, Shutdown{}, goodbye...)
			s.deadline(510 * ms)
			s.on(200*ms, Tick{})
			s.on(510*ms, Tick{}, advert(0), renew)
			s.deadline(920 * ms)
			s.on(
				920*ms, Tick{},
				RemoveVIPs{}, move(api.Leaving, api.Init, Stopping, "no successor was heard"), Stopped{},
			)
			if d := s.m.Deadline(); !d.IsZero() {
				s.t.Errorf("deadline after Stopped is %s", d)
			}
		}},
		{"what else happens while leaving changes nothing", Config{}, func(s script) {
			s.active()
			s.on(100*ms, Shutdown{}, goodbye...)
			s.on(110*ms, Shutdown{})
			s.on(110*ms, TakeOver{})
			s.on(110*ms, Health{OK: false})
			s.on(110*ms, Reconfigured{Config: standard()})
			s.on(110*ms, Sent{At: epoch.Add(110 * ms)})
			s.on(110*ms, heard(self, 192, 110*ms))
			s.deadline(510 * ms)
		}},
		{"a link that goes down ends it", Config{}, func(s script) {
			s.active()
			s.on(100*ms, Shutdown{}, goodbye...)
			s.on(
				110*ms, Link{Why: "no carrier"},
				RemoveVIPs{}, move(api.Leaving, api.Init, LinkDown, "no carrier"), Stopped{},
			)
		}},
	})

	for _, test := range []struct {
		name     string
		interval time.Duration
		want     time.Duration
	}{
		{"two intervals and 20 ms", 400 * ms, 820 * ms},
		{"at most 1.8 s", 10 * time.Second, 1800 * ms},
	} {
		t.Run("the bound is "+test.name, func(t *testing.T) {
			cfg := with(func(c *Config) { c.Interval = test.interval })
			if got := cfg.leaveBound(); got != test.want {
				t.Errorf("bound is %s, want %s", got, test.want)
			}
		})
	}
}
