package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

func TestTheLastWordOfOneThatYields(t *testing.T) {
	yielded := []Effect{
		RemoveVIPs{}, move(api.Active, api.Backup, Preempted, "10.0.0.3 at priority 250"), advert(PriorityYielded),
	}
	announces := func(from netip.Addr, at time.Duration) Claimed {
		return Claimed{From: from, At: epoch.Add(at)}
	}
	runMachineTests(t, []machineTest{
		{"it is repeated each second until the better active announces", Config{}, func(s script) {
			s.active()
			s.on(500*ms, heard(greater, 250, 500*ms), yielded...)
			s.on(900*ms, heard(greater, 250, 900*ms))
			s.on(1500*ms, heard(greater, 250, 1500*ms), advert(PriorityYielded))
			s.on(1600*ms, announces(greater, 1600*ms))
			s.on(2700*ms, heard(greater, 250, 2700*ms))
		}},
		{"an announcement from before its own is none", Config{}, func(s script) {
			s.active()
			s.on(500*ms, heard(greater, 250, 500*ms), yielded...)
			s.on(500*ms, announces(greater, -ms))
			s.on(1500*ms, heard(greater, 250, 1500*ms), advert(PriorityYielded))
		}},
		{"not for ever", Config{}, func(s script) {
			s.active()
			s.on(500*ms, heard(greater, 250, 500*ms), yielded...)
			s.on(60400*ms, heard(greater, 250, 60400*ms), advert(PriorityYielded))
			s.on(61500*ms, heard(greater, 250, 61500*ms))
			s.on(62500*ms, heard(greater, 250, 62500*ms))
		}},
		{"one who was asked to take over has a second to announce", Config{}, func(s script) {
			s.active()
			s.on(500*ms, heard(greater, PrioritySwitchover, 500*ms),
				RemoveVIPs{}, move(api.Active, api.Backup, SwitchoverFrom, "10.0.0.3 at priority 254"))
			s.on(900*ms, heard(greater, PrioritySwitchover, 900*ms))
			s.on(1500*ms, heard(greater, 250, 1500*ms), advert(PriorityYielded))
		}},
		{"so has who took over while this one was stopped", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch.Add(2*time.Second), Tick{})
			s.state(api.Backup, Stalled)
			s.on(2100*ms, heard(greater, 100, 2100*ms))
			s.on(3000*ms, heard(greater, 100, 3000*ms), advert(PriorityYielded))
		}},
		{"it is not said to one that leaves, nor upon what came before", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch.Add(2*time.Second), Tick{})
			s.on(3100*ms, heard(greater, 100, 1900*ms))
			s.on(3100*ms, heard(greater, 0, 3100*ms))
		}},
		{"who takes over again has nothing to say after it", Config{}, func(s script) {
			s.active()
			s.on(500*ms, heard(greater, 250, 500*ms), yielded...)
			s.m.Handle(epoch.Add(1900*ms), Tick{})
			s.state(api.Active, NoAdvert)
			s.on(1950*ms, Shutdown{}, advert(0), renew, move(api.Active, api.Leaving, Stopping, ""))
		}},
		{"a backup that was never active has none", Config{}, func(s script) {
			s.backup()
			s.on(1000*ms, heard(greater, 250, 1000*ms))
			s.on(2000*ms, heard(greater, 250, 2000*ms))
		}},
	})
}

func TestTheLastWordOfARival(t *testing.T) {
	runMachineTests(t, []machineTest{
		{"has the active announce, and no more", Config{}, func(s script) {
			s.active()
			s.run(1050 * ms)
			s.on(1100*ms, heard(greater, PriorityYielded, 1100*ms),
				Yielded{From: greater}, Announce{Why: "a rival was heard: 10.0.0.3"})
			s.state(api.Active, Resumed)
		}},
		{"an unhealthy one too", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch, Health{OK: false})
			s.run(1050 * ms)
			s.on(1100*ms, heard(greater, PriorityYielded, 1100*ms),
				Yielded{From: greater}, Announce{Why: "a rival was heard: 10.0.0.3"})
			s.state(api.Active, Resumed)
		}},
		{"version 2 too", with(func(c *Config) { c.Version = 2 }), func(s script) {
			s.active()
			s.run(1050 * ms)
			s.on(1100*ms, heard(greater, PriorityYielded, 1100*ms),
				Yielded{From: greater}, Announce{Why: "a rival was heard: 10.0.0.3"})
		}},
		{"the goodbye of one that stopped does the same", Config{}, func(s script) {
			s.active()
			s.run(1050 * ms)
			s.on(1100*ms, heard(greater, 0, 1100*ms), advert(192), renew, Announce{Why: "a rival was heard: 10.0.0.3"})
		}},
		{"of the active that it relieved it is none", with(func(c *Config) { c.Preempt = true }), func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 100, 100*ms))
			s.on(900*ms, heard(greater, 100, 900*ms))
			s.m.Handle(epoch.Add(1300*ms), Tick{})
			s.state(api.Active, Preempting)
			s.on(1310*ms, heard(greater, PriorityYielded, 1310*ms))
			s.on(1320*ms, heard(greater, 0, 1320*ms), advert(192), renew)
			s.on(2310*ms, heard(greater, PriorityYielded, 2310*ms),
				Yielded{From: greater}, Announce{Why: "a rival was heard: 10.0.0.3"})
		}},
		{"to a backup it is no word of an active", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 200, 100*ms))
			s.on(900*ms, heard(lesser, PriorityYielded, 900*ms))
			s.on(1000*ms, heard(greater, PriorityYielded, 1000*ms))
			s.deadline(1400 * ms)
		}},
	})
}
