package vrrp

import (
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

func TestBackup(t *testing.T) {
	preempting := with(func(c *Config) { c.Preempt = true })
	owner := with(func(c *Config) { c.Priority = PriorityOwner })
	version2 := with(func(c *Config) { c.Version, c.Interval = 2, 1500*ms })
	runMachineTests(t, []machineTest{
		{"a tick before the deadline does nothing", Config{}, func(s script) {
			s.backup()
			s.on(1299*ms, Tick{})
			s.state(api.Backup, Started)
		}},
		{"silence for a down interval makes it active: advert, VIPs, announcement", Config{}, func(s script) {
			s.backup()
			s.on(1300*ms, Tick{}, tookOver(api.Backup, 192, NoAdvert, "for 1.3s")...)
			s.deadline(1700 * ms)
		}},
		{"the wait begins at the kernel's receive time, not at the wake-up", Config{}, func(s script) {
			s.backup()
			s.on(950*ms, heard(greater, 250, 900*ms))
			s.deadline(2200 * ms)
		}},
		{"a late wake-up hears what waited before it takes over", Config{}, func(s script) {
			s.backup()
			s.on(1500*ms, heard(greater, 250, 1250*ms))
			s.on(1500*ms, Tick{})
			s.deadline(2550 * ms)
		}},
		{"an advertisement older than the last one is not news", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 250, 500*ms))
			s.on(510*ms, heard(greater, 0, 400*ms))
			s.deadline(1800 * ms)
		}},
		{"a receive time in the future counts as now", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 250, 900*ms))
			s.deadline(1800 * ms)
		}},
		{"the active's interval is learned, and the skew scales with it", Config{}, func(s script) {
			s.backup()
			s.on(0, Received{From: greater, Priority: 250, Interval: 800 * ms, At: epoch})
			s.deadline(2600 * ms)
		}},
		{"version 2 counts whole seconds, learns no interval, and its skew does not scale", version2, func(s script) {
			s.backup()
			s.deadline(6250 * ms)
			s.on(0, Received{From: greater, Priority: 250, Interval: 3 * time.Second, At: epoch})
			s.deadline(6250 * ms)
			s.on(0, heard(greater, 0, 0))
			s.deadline(250 * ms)
		}},
		{"priority 0 shortens the wait to the skew", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 0, 500*ms))
			s.deadline(600 * ms)
			s.on(600*ms, Tick{}, tookOver(api.Backup, 192, PeerLeft, "10.0.0.3")...)
		}},
		{"priority 0 repeated does not begin the skew again", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 0, 500*ms))
			s.on(550*ms, heard(greater, 0, 550*ms))
			s.deadline(600 * ms)
		}},
		{"a successor heard after priority 0 is followed", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 0, 500*ms))
			s.on(550*ms, heard(lesser, 100, 550*ms))
			s.deadline(1850 * ms)
		}},
		{"without preemption an active of lower priority is accepted", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 10, 500*ms))
			s.deadline(1800 * ms)
		}},
		{"with preemption an active of lower priority is discarded", preempting, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 191, 500*ms))
			s.on(900*ms, heard(greater, 191, 900*ms))
			s.deadline(1300 * ms)
			s.on(1300*ms, Tick{}, tookOver(api.Backup, 192, Preempting, "")...)
		}},
		{"a discarded active that fell silent is named as silent", preempting, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 191, 100*ms))
			s.on(1300*ms, Tick{}, tookOver(api.Backup, 192, NoAdvert, "for 1.3s")...)
		}},
		{"equals do not preempt, whatever their addresses", preempting, func(s script) {
			s.backup()
			s.on(500*ms, heard(lesser, 192, 500*ms))
			s.deadline(1800 * ms)
			s.on(600*ms, heard(greater, 192, 600*ms))
			s.deadline(1900 * ms)
		}},
		{"the owner preempts without being told to, also a switchover", owner, func(s script) {
			s.on(0, Link{Up: false})
			s.on(0, Health{OK: false})
			s.on(0, Start{}, RemoveVIPs{})
			s.on(0, Link{Up: true}, RemoveVIPs{}, move(api.Init, api.Backup, LinkUp, ""))
			s.on(100*ms, Health{OK: true})
			s.on(500*ms, heard(greater, PrioritySwitchover, 500*ms))
			s.deadline(1200*ms + 400*ms/256)
		}},
		{"our own advertisement coming back is not an active's", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(self, 250, 500*ms))
			s.deadline(1300 * ms)
		}},
		{"a shutdown stops at once", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, Shutdown{}, RemoveVIPs{}, move(api.Backup, api.Init, Stopping, ""), Stopped{})
			s.on(1300*ms, Tick{})
		}},
		{"a link that goes down leads to Init", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, Link{Why: "no carrier"}, RemoveVIPs{}, move(api.Backup, api.Init, LinkDown, "no carrier"))
			s.on(1300*ms, Tick{})
		}},
	})
}

func TestPreemptDelay(t *testing.T) {
	patient := with(func(c *Config) { c.Preempt, c.PreemptDelay = true, 3*time.Second })
	hasty := with(func(c *Config) { c.Preempt, c.PreemptDelay = true, ms })
	owner := with(func(c *Config) { c.Priority, c.PreemptDelay = PriorityOwner, 3*time.Second })
	hearLower := func(s script, until time.Duration) {
		for at := 100 * ms; at < until; at += 400 * ms {
			s.on(at, heard(greater, 100, at))
		}
	}
	runMachineTests(t, []machineTest{
		{"a lower active is let be for the delay from its first word", patient, func(s script) {
			s.backup()
			hearLower(s, 3*time.Second)
			s.deadline(3100 * ms)
			s.on(3100*ms, Tick{}, tookOver(api.Backup, 192, Preempting, "")...)
		}},
		{"one that falls silent meanwhile is succeeded as ever", patient, func(s script) {
			s.backup()
			hearLower(s, time.Second)
			s.deadline(900*ms + 1300*ms)
			s.on(2200*ms, Tick{}, tookOver(api.Backup, 192, NoAdvert, "for 1.3s")...)
		}},
		{"one that leaves meanwhile, too", patient, func(s script) {
			s.backup()
			hearLower(s, time.Second)
			s.on(time.Second, heard(greater, 0, time.Second))
			s.deadline(1100 * ms)
		}},
		{"a better active in between starts the delay afresh", patient, func(s script) {
			s.backup()
			hearLower(s, time.Second)
			s.on(time.Second, heard(lesser, 200, time.Second))
			for at := 1100 * ms; at < 4*time.Second; at += 400 * ms {
				s.on(at, heard(greater, 100, at))
			}
			s.deadline(4100 * ms)
		}},
		{"a delay shorter than the down interval does not hurry", hasty, func(s script) {
			s.backup()
			hearLower(s, 1300*ms)
			s.deadline(1300 * ms)
		}},
		{"it is of a healthy backup: an unhealthy one begins again", patient, func(s script) {
			s.backup()
			hearLower(s, time.Second)
			s.on(time.Second, Health{OK: false})
			s.on(1300*ms, heard(greater, 100, 1300*ms))
			s.deadline(3000 * ms)
			s.on(1400*ms, Health{OK: true})
			for at := 1700 * ms; at < 4*time.Second; at += 400 * ms {
				s.on(at, heard(greater, 100, at))
			}
			s.deadline(4700 * ms)
		}},
		{"an owner with a delay listens first, then preempts", owner, func(s script) {
			s.backup()
			hearLower(s, 3*time.Second)
			s.deadline(3100 * ms)
		}},
		{"a delay that a reload takes away is over", patient, func(s script) {
			s.backup()
			hearLower(s, 2*time.Second)
			s.on(2*time.Second, Reconfigured{Config: with(func(c *Config) { c.Preempt = true })})
			s.deadline(1300 * ms)
		}},
	})
}

func TestStartDelay(t *testing.T) {
	late := with(func(c *Config) { c.StartDelay = 5 * time.Second })
	preempting := with(func(c *Config) { c.StartDelay, c.Preempt = 5*time.Second, true })
	owner := with(func(c *Config) { c.StartDelay, c.Priority = 5*time.Second, PriorityOwner })
	runMachineTests(t, []machineTest{
		{"silence is believed after the delay and a down interval", late, func(s script) {
			s.backup()
			s.deadline(6300 * ms)
			s.on(100*ms, heard(greater, 250, 100*ms))
			s.deadline(6300 * ms)
			s.on(6*time.Second, heard(greater, 250, 6*time.Second))
			s.deadline(7300 * ms)
		}},
		{"nobody is preempted before", preempting, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 100, 100*ms))
			s.deadline(6300 * ms)
		}},
		{"an active that leaves or is unfit is succeeded at once", late, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 0, 100*ms))
			s.deadline(200 * ms)
		}},
		{"a switchover is obeyed", late, func(s script) {
			s.backup()
			s.on(100*ms, TakeOver{}, tookOver(api.Backup, PrioritySwitchover, SwitchoverTo, "")...)
		}},
		{"the owner waits too", owner, func(s script) {
			s.backup()
			s.deadline(6300*ms - 98437500)
		}},
		{"it runs from Start, also while the link is down", owner, func(s script) {
			s.m.Handle(epoch, Link{Up: false})
			s.m.Handle(epoch, Start{})
			s.on(time.Second, Link{Up: true}, RemoveVIPs{}, move(api.Init, api.Backup, LinkUp, ""))
			s.deadline(6300*ms - 98437500)
		}},
		{"not after a resumption", late, func(s script) {
			s.active()
			s.on(time.Second, heard(greater, 250, time.Second), RemoveVIPs{}, move(api.Active, api.Backup, Preempted, "10.0.0.3 at priority 250"), advert(PriorityYielded))
			s.deadline(2300 * ms)
		}},
	})
}

func TestBackupAndHealth(t *testing.T) {
	runMachineTests(t, []machineTest{
		{"a healthy backup takes over from an unhealthy active after its skew, without preemption", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, PriorityUnhealthyMax, 500*ms))
			s.deadline(600 * ms)
			s.on(600*ms, Tick{}, tookOver(api.Backup, 192, PeerUnhealthy, "10.0.0.3")...)
		}},
		{"with preemption it does not wait longer either", with(func(c *Config) { c.Preempt = true }), func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 9, 500*ms))
			s.deadline(600 * ms)
		}},
		{"the unhealthy active's next words do not postpone that", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 9, 500*ms))
			s.on(550*ms, heard(greater, 9, 550*ms))
			s.on(560*ms, heard(greater, 0, 560*ms))
			s.deadline(600 * ms)
		}},
		{"an active that is healthy again before the skew is over is followed", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, heard(greater, 9, 500*ms))
			s.on(550*ms, heard(greater, 250, 550*ms))
			s.deadline(1850 * ms)
		}},
		{"an unhealthy backup waits longer than any healthy one could", Config{}, func(s script) {
			s.backup()
			s.on(500*ms, Health{OK: false})
			s.deadline(1700 * ms)
			s.on(600*ms, heard(greater, 0, 600*ms))
			s.deadline(1250 * ms)
		}},
		{"an unhealthy backup follows an unhealthy active", Config{}, func(s script) {
			s.on(0, Health{OK: false})
			s.backup()
			s.on(500*ms, heard(greater, 2, 500*ms))
			s.on(900*ms, heard(greater, 2, 900*ms))
			s.deadline(2600 * ms)
		}},
		{"an unhealthy backup does not preempt", with(func(c *Config) { c.Preempt = true }), func(s script) {
			s.on(0, Health{OK: false})
			s.backup()
			s.on(500*ms, heard(greater, 10, 500*ms))
			s.deadline(2200 * ms)
		}},
		{"a backup that falls ill counts what it discarded of a lower active", with(func(c *Config) { c.Preempt = true }), func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 0, 100*ms))
			s.on(150*ms, heard(lesser, 100, 150*ms))
			s.deadline(200 * ms)
			s.on(160*ms, Health{OK: false})
			s.deadline(1850 * ms)
		}},
		{"a backup that falls ill lets the unhealthy active be that it was about to relieve", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 0, 100*ms))
			s.on(150*ms, heard(greater, 8, 150*ms))
			s.deadline(200 * ms)
			s.on(160*ms, Health{OK: false})
			s.deadline(1850 * ms)
		}},
		{"nor does it forget an active that left after its last word", Config{}, func(s script) {
			s.backup()
			s.on(100*ms, heard(greater, 0, 100*ms))
			s.on(120*ms, heard(greater, 8, 120*ms))
			s.on(140*ms, heard(lesser, 250, 140*ms))
			s.on(150*ms, heard(lesser, 0, 150*ms))
			s.on(160*ms, Health{OK: false})
			s.deadline(800 * ms)
		}},
		{"an unhealthy backup takes over in the band when no healthy one does", Config{}, func(s script) {
			s.on(0, Health{OK: false})
			s.backup()
			s.on(1700*ms, Tick{}, tookOver(api.Backup, 7, NoAdvert, "for 1.7s")...)
		}},
		{"a backup that recovers takes over from an unhealthy active at once", Config{}, func(s script) {
			s.on(0, Health{OK: false})
			s.backup()
			s.on(500*ms, heard(greater, 8, 500*ms))
			s.on(700*ms, Health{OK: true})
			s.deadline(600 * ms)
			s.on(700*ms, Tick{}, tookOver(api.Backup, 192, PeerUnhealthy, "10.0.0.3")...)
		}},
		{"an unhealthy backup declines a switchover", Config{}, func(s script) {
			s.on(0, Health{OK: false})
			s.backup()
			s.on(500*ms, TakeOver{})
			s.state(api.Backup, Started)
		}},
	})
}

func TestALeavingActiveOutwaitsAnUnhealthySuccessor(t *testing.T) {
	for _, interval := range []time.Duration{10 * ms, 300 * ms, 800 * ms} {
		for _, priority := range []int{10, 253} {
			c := Config{Version: 3, Priority: priority, Interval: interval}
			if wait, bound := c.wait(gone, interval, false), c.leaveBound(); wait >= bound {
				t.Errorf("interval %s, priority %d: takes over after %s, the active leaves after %s", interval, priority, wait, bound)
			}
		}
	}
}

// The longest wait of a healthy member is shorter than the shortest of an
// unhealthy one, or both would take over at once.
func TestAnyHealthyMemberActsBeforeAnyUnhealthyOne(t *testing.T) {
	for _, interval := range []time.Duration{10 * ms, 300 * ms, time.Second, maxIntervalV3} {
		slow := Config{Version: 3, Priority: 10}
		quick := Config{Version: 3, Priority: 253}
		for _, p := range []patience{alive, gone, unfit} {
			healthy, unhealthy := slow.wait(p, interval, true), quick.wait(p, interval, false)
			if healthy >= unhealthy {
				t.Errorf("interval %s, patience %d: healthy waits %s, unhealthy %s", interval, p, healthy, unhealthy)
			}
		}
	}
}

func TestUnhealthyPrioritiesKeepTheOrderInsideTheBand(t *testing.T) {
	last := PriorityYielded + 1
	for p := PriorityUnhealthyMax + 1; p <= PriorityOwner; p++ {
		got := Config{Priority: p}.unhealthyPriority()
		if got < last || got > PriorityUnhealthyMax {
			t.Errorf("priority %d is %d when unhealthy, after %d", p, got, last)
		}
		last = got
	}
	if last != PriorityUnhealthyMax {
		t.Errorf("the owner's is %d, want %d", last, PriorityUnhealthyMax)
	}
}

// Chosen so that dividing first, or counting in centiseconds or milliseconds,
// gives another result.
func TestTimersMultiplyFirstAndDivideLast(t *testing.T) {
	tests := []struct {
		name              string
		cfg               Config
		skew, down, lease time.Duration
	}{
		{
			"10 ms at priority 250",
			Config{Version: 3, Priority: 250, Interval: 10 * ms},
			234375 * time.Nanosecond, 30234375 * time.Nanosecond, time.Second,
		},
		{
			"300 ms at priority 250",
			Config{Version: 3, Priority: 250, Interval: 300 * ms},
			7031250 * time.Nanosecond, 907031250 * time.Nanosecond, time.Second,
		},
		{
			"1 s at priority 255",
			Config{Version: 3, Priority: 255, Interval: time.Second},
			3906250 * time.Nanosecond, 3003906250 * time.Nanosecond, 4 * time.Second,
		},
		{
			"40.95 s at priority 1",
			Config{Version: 3, Priority: 1, Interval: maxIntervalV3},
			40790039062 * time.Nanosecond, 163640039062 * time.Nanosecond, 164 * time.Second,
		},
		{
			"version 2, 2 s at priority 128",
			Config{Version: 2, Priority: 128, Interval: 2 * time.Second},
			500 * ms, 6500 * ms, 7 * time.Second,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.cfg.skew(test.cfg.Interval); got != test.skew {
				t.Errorf("skew is %s, want %s", got, test.skew)
			}
			if got := test.cfg.down(test.cfg.Interval); got != test.down {
				t.Errorf("down interval is %s, want %s", got, test.down)
			}
			if got := test.cfg.lease(); got != test.lease {
				t.Errorf("lease is %s, want %s", got, test.lease)
			}
		})
	}
}
