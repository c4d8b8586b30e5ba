package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

func TestAnnouncementsThatABackupSees(t *testing.T) {
	preempting := with(func(c *Config) { c.Preempt = true })
	claim := func(from netip.Addr, at time.Duration) Claimed {
		return Claimed{From: from, Greater: true, At: epoch.Add(at)}
	}
	runMachineTests(t, []machineTest{
		{"while it has heard no advertisement they stand for them", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, claim(greater, 100*ms))
			s.deadline(3350 * ms)
		}},
		{"but not those from before it listened", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, claim(greater, -ms))
			s.deadline(1300 * ms)
		}},
		{"nor those of a rival, once an active is heard", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, claim(greater, 100*ms))
			s.on(200*ms, heard(lesser, 200, 200*ms))
			s.deadline(1500 * ms)
		}},
		{"who yielded to one preempts it when it is heard, whoever announced meanwhile", preempting, func(s script) {
			s.active()
			s.m.Handle(epoch.Add(500*ms), Health{OK: false})
			s.m.Handle(epoch.Add(500*ms), Sent{At: epoch.Add(500 * ms)})
			s.m.Handle(epoch.Add(600*ms), claim(lesser, 600*ms))
			s.m.Handle(epoch.Add(1200*ms), Sent{At: epoch.Add(1200 * ms)})
			s.m.Handle(epoch.Add(1600*ms), claim(lesser, 1600*ms))
			s.state(api.Backup, Unhealthy)
			s.on(1610*ms, claim(greater, 1610*ms))
			s.on(1700*ms, heard(lesser, 100, 1700*ms))
			s.on(1800*ms, Health{OK: true})
			s.on(2100*ms, heard(lesser, 100, 2100*ms))
			s.on(2500*ms, heard(lesser, 100, 2500*ms))
			s.deadline(3000 * ms)
		}},
		{"who yielded to a deaf rival, and was active again, preempts it", preempting, func(s script) {
			s.active()
			now := time.Duration(0)
			rival := func(for_ time.Duration) {
				for end := now + for_; now < end; now += 400 * ms {
					s.m.Handle(epoch.Add(now), claim(lesser, now))
					s.m.Handle(epoch.Add(now), heard(lesser, 100, now))
					s.m.Handle(epoch.Add(now), Sent{At: epoch.Add(now)})
				}
			}
			rival(4 * time.Second)
			s.state(api.Backup, LesserMAC)
			now = 10 * time.Second
			s.m.Handle(epoch.Add(now), Tick{})
			s.state(api.Active, NoAdvert)
			s.m.Handle(epoch.Add(now), Health{OK: false})
			rival(400 * ms)
			s.state(api.Backup, Unhealthy)
			s.m.Handle(epoch.Add(now), Health{OK: true})
			rival(time.Second)
			s.deadline(11300 * ms)
		}},
	})
}
