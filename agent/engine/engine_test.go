package engine

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vrrp"
)

// down is longer than the wait of the backup that testConfig describes.
const down = 4 * interval

// active starts an engine and waits until it has taken over.
func active(t *testing.T, nic *fakeNIC, cfg config.Config) *rig {
	t.Helper()
	r := begin(t, nic, cfg)
	r.pass(down)
	r.want(api.Active)
	return r
}

func TestABackupTakesOverFromSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.want(api.Backup)
		for range 20 { // the active is there: nothing happens
			r.nic.wire.hear(250)
			r.pass(interval)
		}
		r.want(api.Backup)
		r.pass(down)
		r.want(api.Active)
		if got := r.router(); got.Reason != string(vrrp.NoAdvert) || got.Peers[0].Priority != 250 {
			t.Errorf("reason %q, priority of the peer %d", got.Reason, got.Peers[0].Priority)
		}
		if r.nic.announced == 0 {
			t.Error("the address was not announced")
		}
		if diff := cmp.Diff([]string{"init->backup", "backup->active"}, r.kinds()); diff != "" {
			t.Errorf("transitions (-want +got):\n%s", diff)
		}
		if !slices.Contains(r.notes, "READY=1") || !slices.Contains(r.notes, "WATCHDOG=1") {
			t.Errorf("the service manager heard %q, want READY and WATCHDOG", r.notes)
		}
	})
}

// A failover test reads from the events when a takeover was announced; the
// announcements that follow the first are none, for they are for the same reason.
func TestTheFirstAnnouncementOfEachTakeoverIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.pass(down)
		r.nic.wire.hear(250)
		synctest.Wait()
		r.want(api.Backup)
		r.pass(down)
		r.want(api.Active)
		r.pass(down)
		want := []string{"init->backup", "announce", "backup->active", "active->backup", "announce", "backup->active"}
		if diff := cmp.Diff(want, r.kinds("announce")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAStopSendsPriorityZeroAndHoldsTheAddressUntilTheSuccessorIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.nic.wire.sends()
		r.stop()
		synctest.Wait()
		r.want(api.Leaving)
		if diff := cmp.Diff([]sent{{0, interval}}, r.nic.wire.sends()); diff != "" {
			t.Errorf("advertisements (-want +got):\n%s", diff)
		}
		r.nic.wire.hear(199)
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		if r.nic.isHeld() {
			t.Error("the address is still there")
		}
		if _, err := r.engine.Status(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("status of an engine that ended: %v, want %v", err, ErrStopped)
		}
	})
}

func TestAStopWithoutSuccessorEndsAndRemovesTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		began := time.Now()
		r.stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > stopLimit {
			t.Errorf("the stop took %v, want at most %v", took, stopLimit)
		}
		if r.nic.isHeld() {
			t.Error("the address is still there")
		}
	})
}

func TestSwitchover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.nic.wire.hear(250)
		synctest.Wait()
		if err := r.engine.Switchover(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.want(api.Active)
		if diff := cmp.Diff([]sent{{vrrp.PrioritySwitchover, interval}}, r.nic.wire.sends()); diff != "" {
			t.Errorf("advertisements (-want +got):\n%s", diff)
		}
		r.nic.wire.hear(vrrp.PrioritySwitchover + 1) // and back, by the other's
		synctest.Wait()
		r.want(api.Backup)
	})
}

func TestASwitchoverWaitsForTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.nic.wire.hear(vrrp.PrioritySwitchover)
		synctest.Wait()
		done := make(chan error)
		go func() { done <- r.engine.Switchover(t.Context()) }()
		time.Sleep(interval)
		r.want(api.Backup)
		r.nic.wire.hear(250) // has heard no rival for its down interval
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		r.want(api.Active)
	})
}

func TestASwitchoverDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		over := make(chan struct{})
		go func() {
			for {
				r.nic.wire.hear(vrrp.PrioritySwitchover)
				select {
				case <-over:
					return
				case <-time.After(interval):
				}
			}
		}()
		synctest.Wait()
		defer close(over)
		var refused *RefusedError
		if err := r.engine.Switchover(t.Context()); !errors.As(err, &refused) {
			t.Errorf("switchover: %v, want a refusal", err)
		}
		r.want(api.Backup)
	})
}

func TestAnAddressRemovedByAnotherHandComesBackWithoutTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		before := r.nic.announced
		r.nic.change(func(n *fakeNIC) { n.held = false })
		r.want(api.Active)
		if r.nic.announced == before {
			t.Error("the address was put back but not announced")
		}
		want := []string{"init->backup", "backup->active", "vip"}
		if diff := cmp.Diff(want, r.kinds("vip")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAnAddressThatDoesNotBelongToABackupIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.nic.change(func(n *fakeNIC) { n.held = true })
		r.want(api.Backup)
		if diff := cmp.Diff([]string{"init->backup", "vip"}, r.kinds("vip")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// The notification was lost; the slow tick finds it.
func TestTheSlowTickMendsWhatNobodyReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.nic.mu.Lock()
		r.nic.held = true
		r.nic.mu.Unlock()
		for range int(reconcileEvery/interval) + 1 {
			r.nic.wire.hear(250)
			r.pass(interval)
		}
		r.want(api.Backup)
	})
}

// The process was stopped for longer than the down interval while the active's
// advertisements piled up: they count before the timer.
func TestALateWakeUpTakesWhatHasArrivedBeforeItTakesOver(t *testing.T) {
	tests := []struct {
		name   string
		arrive func(w *fakeWire)
	}{
		{"read by the receiver", func(w *fakeWire) { w.hear(250) }},
		{"still in the socket", func(w *fakeWire) { w.socket <- w.advert(250) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := begin(t, newFakeNIC(), testConfig())
				r.nic.wire.hear(250)
				synctest.Wait()
				resume := r.pause()
				r.nic.wire.hear(250) // too old to matter
				r.pass(10 * interval)
				tt.arrive(r.nic.wire)
				synctest.Wait()
				resume()
				r.want(api.Backup)
				if diff := cmp.Diff([]string{"init->backup"}, r.kinds()); diff != "" {
					t.Errorf("transitions (-want +got):\n%s", diff)
				}
				r.pass(down)
				r.want(api.Active) // and silence is silence
			})
		})
	}
}

// Its lease has run out and a backup is active: the missing address is not to
// be put back, although the kernel's notification may be the first thing read.
func TestAnActiveThatStoodStillLeavesTheAddressToOthersAndIsCountedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		resume := r.pause()
		r.pass(10 * interval)
		r.nic.change(func(n *fakeNIC) { n.held = false })
		resume()
		r.want(api.Backup)
		if got := r.router(); got.Reason != string(vrrp.Stalled) || got.Counters["late_wakeups"] == 0 {
			t.Errorf("reason %q, late wake-ups %d", got.Reason, got.Counters["late_wakeups"])
		}
		want := []string{"init->backup", "backup->active", "active->backup"}
		if diff := cmp.Diff(want, r.kinds("vip")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAStopThatTakesTooLongRemovesTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.stop()
		synctest.Wait()
		r.want(api.Leaving)
		resume := r.pause()
		r.pass(2 * stopLimit)
		resume()
		<-r.engine.ended
		if r.nic.isHeld() {
			t.Error("the address is still there")
		}
	})
}

func TestAnActiveThatCannotSendGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.nic.wire.fail(errors.New("no buffer space available"))
		r.pass(down)
		r.want(api.Backup)
		// Said once, counted each time.
		if n := len(r.kinds("fault")) - len(r.kinds()); n != 1 || r.router().Counters["failed_send"] < 2 {
			t.Errorf("%d events for %d failures, want 1 event", n, r.router().Counters["failed_send"])
		}
		if _, named := r.problem(api.ProblemFault); !named {
			t.Error("the status does not say that it cannot send")
		}
		// Another active is heard: what was wrong then is the past.
		r.nic.wire.hear(250)
		synctest.Wait()
		if p, named := r.problem(api.ProblemFault); named {
			t.Errorf("the status still says %q", p.Detail)
		}
	})
}

func TestResume(t *testing.T) {
	tests := []struct {
		name  string
		since time.Duration
		want  api.State
	}{
		{"a lease renewed within two intervals goes on", 2*interval - time.Millisecond, api.Active},
		{"an older lease is left to the peers", 2*interval + time.Millisecond, api.Backup},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nic := newFakeNIC()
				nic.held, nic.renewed = true, time.Now().Add(-tt.since)
				begin(t, nic, testConfig()).want(tt.want)
			})
		})
	}
}

func TestTheAgentWaitsForItsInterface(t *testing.T) {
	tests := []struct {
		name   string
		lacks  func(*fakeNIC)
		gets   func(*fakeNIC)
		reason string
	}{
		{
			"missing at boot",
			func(n *fakeNIC) { n.missing = true },
			func(n *fakeNIC) { n.missing = false },
			"no interface has this MAC",
		},
		{
			"down at boot",
			func(n *fakeNIC) { n.usable = false },
			func(n *fakeNIC) { n.usable = true },
			"ens3: down",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nic := newFakeNIC()
				tt.lacks(nic)
				r := begin(t, nic, testConfig())
				r.want(api.Init)
				if got := r.router().Reason; got != tt.reason {
					t.Errorf("reason %q, want %q", got, tt.reason)
				}
				var refused *RefusedError
				if err := r.engine.Switchover(t.Context()); !errors.As(err, &refused) {
					t.Errorf("switchover: %v, want a refusal", err)
				}
				r.nic.change(tt.gets)
				r.want(api.Backup)
			})
		})
	}
}

func TestTheLinkGoesAndComesBackAsAnotherInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		old := r.nic.wire
		r.nic.change(func(n *fakeNIC) { n.usable = false })
		r.want(api.Init)
		r.nic.change(func(n *fakeNIC) { n.usable, n.nic = true, vip.NIC{Index: 7, Name: "ens9"} })
		r.want(api.Backup)
		if r.nic.wire == old || r.router().Interface != "ens9" {
			t.Errorf("the agent is still on %s", r.router().Interface)
		}
		r.nic.wire.hear(250)
		synctest.Wait()
		if r.router().Peers[0].Priority != 250 {
			t.Error("the new wire is not read")
		}
	})
}

// Moved to another network namespace and back, a NIC is the same in all that is seen of
// it, and what was bound to it is deaf.
func TestANICThatWasAwayIsBoundAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		wire, claims := r.nic.wire, r.nic.claims
		r.nic.change(func(*fakeNIC) {})
		if r.nic.wire != wire || r.nic.claims != claims {
			t.Fatal("bound anew to a NIC that was not away")
		}
		r.nic.change(func(*fakeNIC) { wire.unplug() })
		if r.nic.wire == wire || r.nic.claims == claims {
			t.Error("still bound to what has gone")
		}
		for what, closed := range map[string]chan struct{}{"wire": wire.closed, "claims": claims.closed} {
			select {
			case <-closed:
			default:
				t.Errorf("the old %s is open", what)
			}
		}
		r.nic.wire.hear(250)
		synctest.Wait()
		r.want(api.Backup) // by the new wire
		r.nic.claim(strangerMAC)
		synctest.Wait()
		if n := r.router().Counters["claims"]; n != 1 {
			t.Errorf("%d claims were heard, want one", n)
		}
	})
}

// Not knowing is no reason to move the address.
func TestAnInspectionThatFailsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.nic.change(func(n *fakeNIC) { n.usable, n.looking = false, errors.New("no buffer space available") })
		r.want(api.Active)
	})
}

func TestTheStatusSaysWhatIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		if c := r.router().Counters; c["dropped_checksum"] != 2 || c["dropped_vrid"] != 3 {
			t.Errorf("counters %v, want 2 drops by checksum and 3 by vrid", c)
		}
		events, _ := r.engine.Events(0)
		i := slices.IndexFunc(events, func(ev api.Event) bool { return ev.Kind == "drop" })
		if i < 0 || events[i].Detail != "checksum: 2" { // other routers on the link are normal
			t.Errorf("want one event, of the drops by checksum alone: %v", events)
		}
	})
}

// An active renews at each advertisement, the kernel's lease more seldom.
func TestRenewalsAreCountedThatWereWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		for _, tt := range []struct {
			what          string
			change        func(n *fakeNIC)
			writes, fails bool
		}{
			{"the lease is due each time", func(*fakeNIC) {}, true, false},
			{"it is fresh", func(n *fakeNIC) { n.fresh = true }, false, false},
			{"it cannot be written", func(n *fakeNIC) { n.adds = errFake }, false, true},
		} {
			r.nic.change(tt.change)
			before := r.router().Counters
			r.pass(2 * interval)
			after := r.router().Counters
			if after["renewals"] > before["renewals"] != tt.writes || after["failed_add_vip"] > before["failed_add_vip"] != tt.fails {
				t.Errorf("%s: before %v, after %v", tt.what, before, after)
			}
		}
	})
}
