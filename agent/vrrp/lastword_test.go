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
		{"or one of another maker does, with the virtual router's MAC", Config{}, func(s script) {
			s.active()
			s.on(500*ms, heard(greater, 250, 500*ms), yielded...)
			s.on(600*ms, Claimed{At: epoch.Add(600 * ms)})
			s.on(1500*ms, heard(greater, 250, 1500*ms))
		}},
		{"that of a third one does not count", Config{}, func(s script) {
			s.active()
			s.on(500*ms, heard(greater, 250, 500*ms), yielded...)
			s.on(600*ms, announces(lesser, 600*ms))
			s.on(1500*ms, heard(greater, 250, 1500*ms), advert(PriorityYielded))
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
			s.run(3800 * ms)
			s.on(3810*ms, heard(greater, PriorityYielded, 3810*ms), Yielded{From: greater})
		}},
		{"an owner that has just started expects it", with(func(c *Config) { c.Priority = PriorityOwner }), func(s script) {
			s.m.Handle(epoch, Start{})
			s.state(api.Active, OwnsAddress)
			s.on(100*ms, heard(greater, PriorityYielded, 100*ms))
		}},
		{"to one that leaves it is no successor's", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch, Shutdown{})
			s.on(ms, heard(greater, PriorityYielded, ms))
			s.state(api.Leaving, Stopping)
		}},
		{"to an unhealthy one that keeps silent it is no reason to announce", Config{}, func(s script) {
			s.active()
			s.m.Handle(epoch.Add(500*ms), Sent{At: epoch.Add(500 * ms)})
			s.m.Handle(epoch.Add(600*ms), Claimed{From: lesser, At: epoch.Add(600 * ms)})
			s.m.Handle(epoch.Add(1200*ms), Sent{At: epoch.Add(1200 * ms)})
			s.m.Handle(epoch.Add(1600*ms), Claimed{From: lesser, At: epoch.Add(1600 * ms)})
			s.m.Handle(epoch.Add(1700*ms), Health{OK: false})
			s.on(1800*ms, heard(greater, PriorityYielded, 1800*ms), Yielded{From: greater})
		}},
		{"whoever says nothing else is not believed to be active for its announcements", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, PriorityYielded, 100*ms))
			s.on(200*ms, Claimed{From: greater, At: epoch.Add(200 * ms)})
			s.deadline(1300 * ms)
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
