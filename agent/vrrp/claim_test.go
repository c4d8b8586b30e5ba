package vrrp

import (
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

func claimed(greater bool, at time.Duration) Claimed {
	return Claimed{From: lesser, Greater: greater, At: epoch.Add(at)}
}

// gaps runs an active with its advertisements sent and returns the times between
// its announcements.
func (s script) gaps(from, until time.Duration) (out []time.Duration) {
	s.t.Helper()
	var last time.Time
	for d := s.m.Deadline(); d.Before(epoch.Add(until)); d = s.m.Deadline() {
		for _, e := range s.m.Handle(d, Tick{}) {
			switch e.(type) {
			case SendAdvert:
				s.m.Handle(d, Sent{At: d})
			case Announce:
				if !last.IsZero() && d.After(epoch.Add(from)) {
					out = append(out, d.Sub(last))
				}
				last = d
			}
		}
	}
	return out
}

func TestContest(t *testing.T) {
	owner := with(func(c *Config) { c.Priority = PriorityOwner })
	slow := with(func(c *Config) { c.Interval = time.Second })
	runMachineTests(t, []machineTest{
		{"announcements each second end when a single sign was no contest", Config{}, func(s script) {
			s.active()
			s.run(20 * time.Second)
			s.m.Handle(epoch.Add(20*time.Second), claimed(false, 20*time.Second))
			if got := s.gaps(20*time.Second, 30*time.Second); len(got) < 8 {
				s.t.Errorf("gaps %s, want one a second", got)
			}
			if got := s.gaps(35*time.Second, 100*time.Second); len(got) > 3 {
				s.t.Errorf("gaps %s, want those of refreshes", got)
			}
		}},
		{"they end when the rival's advertisement arrives after all", Config{}, func(s script) {
			s.active()
			s.run(20 * time.Second)
			s.m.Handle(epoch.Add(20*time.Second), claimed(false, 20*time.Second))
			s.m.Handle(epoch.Add(20100*ms), heard(lesser, 100, 20100*ms))
			if got := s.gaps(30*time.Second, 90*time.Second); len(got) > 3 {
				s.t.Errorf("gaps %s, want those of refreshes", got)
			}
		}},
		{"they go on when it was a contest, also after the rival has fallen silent", Config{}, func(s script) {
			s.active()
			s.run(20 * time.Second)
			s.m.Handle(epoch.Add(20*time.Second), claimed(false, 20*time.Second))
			s.run(21 * time.Second)
			s.m.Handle(epoch.Add(21*time.Second), claimed(false, 21*time.Second))
			if got := s.gaps(21*time.Second, 90*time.Second); len(got) < 60 {
				s.t.Errorf("%d announcements in 69 s, want one a second", len(got))
			}
		}},
		{"two signs of one rival prove a contest, though another one was heard and yielded", Config{}, func(s script) {
			s.active()
			s.run(20 * time.Second)
			s.m.Handle(epoch.Add(20*time.Second), heard(greater, 100, 20*time.Second))
			s.m.Handle(epoch.Add(20100*ms), claimed(false, 20100*ms))
			s.run(21100 * ms)
			s.m.Handle(epoch.Add(21100*ms), claimed(false, 21100*ms))
			if got := s.gaps(22*time.Second, 90*time.Second); len(got) < 60 {
				s.t.Errorf("%d announcements in 68 s, want one a second", len(got))
			}
		}},
		{"the loser announces twice before it yields, so that the winner knows of the contest", Config{}, func(s script) {
			s.active()
			s.run(20 * time.Second)
			s.m.Handle(epoch.Add(20*time.Second), claimed(true, 20*time.Second))
			s.run(21300 * ms)
			s.m.Handle(epoch.Add(21600*ms), claimed(true, 21600*ms)) // before the late second one
			s.state(api.Active, Resumed)
			s.run(22 * time.Second)
			s.m.Handle(epoch.Add(22*time.Second), claimed(true, 22*time.Second))
			s.state(api.Backup, LesserMAC)
		}},
		{"an announcement stands for nothing where an advertisement arrives, be it one of before", Config{}, func(s script) {
			s.backup()
			s.on(10*ms, heard(lesser, 249, -5*ms))
			s.on(10*ms, claimed(false, 5*ms))
			s.deadline(1300 * ms)
		}},
		{"a winner that comes in the middle of another contest is told twice as well", Config{}, func(s script) {
			s.active()
			s.run(20 * time.Second)
			other := Claimed{From: greater, At: epoch.Add(20 * time.Second)}
			s.m.Handle(other.At, other)
			s.run(21500 * ms)
			s.m.Handle(epoch.Add(21500*ms), claimed(true, 21500*ms))
			s.run(22500 * ms)
			s.m.Handle(epoch.Add(22500*ms), claimed(true, 22500*ms)) // told once
			s.state(api.Active, Resumed)
			s.run(23600 * ms)
			s.m.Handle(epoch.Add(23600*ms), claimed(true, 23600*ms))
			s.state(api.Backup, LesserMAC)
		}},
		{"the announcement of a moment after the takeover is a first sign", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch.Add(100*ms), claimed(false, 100*ms))
			if got := s.gaps(0, 1100*ms); len(got) > 0 {
				s.t.Errorf("gaps %s, want no announcement yet", got)
			}
			s.m.Handle(epoch.Add(1100*ms), claimed(false, 1100*ms))
			if got := s.gaps(2*time.Second, 90*time.Second); len(got) < 80 {
				s.t.Errorf("%d announcements in 88 s, want one a second", len(got))
			}
		}},
		{"what came before it was active is no sign that a rival is deaf", Config{}, func(s script) {
			s.backup()
			s.on(1000*ms, TakeOver{}, tookOver(api.Backup, PrioritySwitchover, SwitchoverTo, "")...)
			word := func(at time.Duration) {
				s.m.Handle(epoch.Add(max(at, 1010*ms)), heard(lesser, 100, at))
				s.m.Handle(epoch.Add(max(at, 1010*ms)), Sent{At: epoch.Add(at)})
			}
			word(900 * ms)
			for at := 1100 * ms; at <= 2500*ms; at += 200 * ms {
				word(at)
				s.m.Handle(epoch.Add(at), claimed(true, at))
			}
			s.state(api.Active, SwitchoverTo)
			word(2600 * ms)
			s.state(api.Backup, LesserMAC)
		}},
		{"a deaf rival of a shorter interval may yield first, and then needs them", slow, func(s script) {
			s.active()
			for at := 100 * ms; at <= 1200*ms; at += 100 * ms {
				s.run(at)
				s.m.Handle(epoch.Add(at), Received{From: lesser, Priority: 100, Interval: 100 * ms, At: epoch.Add(at)})
			}
			if got := s.gaps(2*time.Second, 90*time.Second); len(got) < 80 {
				s.t.Errorf("%d announcements in 88 s, want one a second", len(got))
			}
		}},
		{"the owner of the address does not yield to a greater MAC", owner, func(s script) {
			s.active()
			for at := time.Second; at < 10*time.Second; at += time.Second {
				s.run(at)
				s.m.Handle(epoch.Add(at), claimed(true, at))
			}
			s.state(api.Active, Resumed)
			if b, ok := s.m.Blocked(epoch.Add(10 * time.Second)); !ok || b.Peer != lesser {
				s.t.Errorf("block %+v", b)
			}
		}},
		{"several VIPs announced at once are one sign to a backup", Config{}, func(s script) {
			s.backup()
			s.on(400*ms, heard(greater, 250, 400*ms))
			for range 5 {
				s.on(500*ms, claimed(true, 500*ms))
			}
			s.deadline(1700 * ms)
			s.on(1500*ms, claimed(true, 1500*ms)) // a second later: a contest
			s.deadline(1500*ms + 3250*ms)
		}},
	})
}
