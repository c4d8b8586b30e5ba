package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// problem returns the problem with this code.
func (r *rig) problem(code string) (api.Problem, bool) {
	r.t.Helper()
	problems := r.router().Problems
	i := slices.IndexFunc(problems, func(p api.Problem) bool { return p.Code == code })
	if i < 0 {
		return api.Problem{}, false
	}
	return problems[i], true
}

func TestTwoActivesWhoseAdvertisementsAreBlockedAgreeByTheirMACs(t *testing.T) {
	for mac, want := range map[string]api.State{lesserMAC: api.Active, greaterMAC: api.Backup} {
		synctest.Test(t, func(t *testing.T) {
			r := active(t, newFakeNIC(), testConfig())
			for range 3 {
				r.pass(time.Second)
				r.nic.claim(mac)
				synctest.Wait()
			}
			r.want(want)
			p, ok := r.problem(api.ProblemAdvertsBlocked)
			if !ok || p.Peer != peer || p.Since.IsZero() {
				t.Errorf("problem %+v, want %s of %s", p, api.ProblemAdvertsBlocked, peer)
			}
			if want == api.Active {
				return
			}
			if got := r.router(); got.Reason != string(vrrp.LesserMAC) || got.Counters["claims"] != 3 {
				t.Errorf("reason %q after %d claims", got.Reason, got.Counters["claims"])
			}
			r.nic.wire.hear(250) // it ends with the first advertisement
			synctest.Wait()
			if _, ok := r.problem(api.ProblemAdvertsBlocked); ok {
				t.Error("advertisements arrive, and are said to be blocked")
			}
		})
	}
}

// The peer does not hear us, or it would yield.
func TestTheWinnerSaysAtOnceThatItsAdvertisementsAreBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		var named time.Time
		for range 20 { // fewer intervals than from one look to the next
			r.nic.wire.hear(100)
			r.pass(interval)
			if p, ok := r.problem(api.ProblemAdvertsBlocked); ok && named.IsZero() {
				named = p.Since
			}
		}
		r.want(api.Active)
		events, _ := r.engine.Events(0)
		i := slices.IndexFunc(events, func(ev api.Event) bool { return ev.Kind == "blocked" })
		if named.IsZero() || i < 0 || !events[i].Time.Equal(named) {
			t.Errorf("blocked since %v, and the events are %+v", named, events)
		}
	})
}

// The claim was read first, the advertisement waits in the socket.
func TestAnAdvertisementCountsBeforeTheAnnouncementThatFollowedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.pass(2 * time.Second)
		resume := r.pause()
		r.nic.claim(lesserMAC)
		synctest.Wait()
		r.nic.wire.hear(250)
		resume()
		r.want(api.Backup)
		if got := r.router().Reason; got != string(vrrp.Preempted) {
			t.Errorf("reason %q, want %q", got, vrrp.Preempted)
		}
	})
}

func TestAStrangerThatAnnouncesTheVIPIsAProblemAndMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		before := len(r.kinds())
		for range 5 {
			r.nic.claim(strangerMAC)
			r.pass(time.Second)
		}
		r.want(api.Active)
		if got := r.kinds("conflict"); len(got) != before+1 {
			t.Errorf("events %q, want one of the conflict", got)
		}
		if _, ok := r.problem(api.ProblemAddressConflict); !ok {
			t.Error("no address-conflict in the status")
		}
		r.pass(forget)
		if p, ok := r.problem(api.ProblemAddressConflict); ok {
			t.Errorf("still there a minute later: %+v", p)
		}
	})
}

// A backup that has just started has spoken with nobody, and its kernel knows no
// member's MAC.
func TestAMemberThatTheKernelDoesNotKnowYetIsNoStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nic := newFakeNIC()
		nic.late, nic.neighbours = nic.neighbours, map[string]netip.Addr{}
		r := begin(t, nic, testConfig())
		for range int(2*reconcileEvery/interval) + 1 {
			nic.wire.hear(250)
			nic.claim(greaterMAC)
			r.pass(interval)
		}
		if p, ok := r.problem(api.ProblemAddressConflict); ok {
			t.Errorf("the status says %q", p.Detail)
		}
		nic.claim(strangerMAC)
		r.pass(2 * time.Second)
		for range int(reconcileEvery / interval) {
			nic.wire.hear(250)
			r.pass(interval)
		}
		if _, ok := r.problem(api.ProblemAddressConflict); !ok {
			t.Error("a stranger that announced once is not named")
		}
	})
}

// A thousand strangers a second do not keep the loop busy, fill the journal, or hide
// what a member announces.
func TestStrangersInNumbersCostLittleAndHideNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.pass(2 * time.Second)
		r.nic.claim(greaterMAC)
		synctest.Wait()
		looked := r.nic.looked
		for i := range 3000 {
			r.nic.claim(fmt.Sprintf("02:00:00:00:%02x:%02x", i>>8, i&0xff))
			time.Sleep(time.Millisecond)
			if i%1000 == 999 {
				r.nic.claim(greaterMAC)
			}
		}
		synctest.Wait()
		if n := r.nic.looked - looked; n > 40 {
			t.Errorf("looked %d times for a MAC in 3 s, want about 30", n)
		}
		events := r.kinds("conflict")
		if n := len(slices.DeleteFunc(events, func(kind string) bool { return kind != "conflict" })); n != 1 {
			t.Errorf("%d events of strangers, want 1", n)
		}
		if got := r.router(); got.State != api.Backup || got.Reason != string(vrrp.LesserMAC) {
			t.Errorf("%s (%s), want that the member's announcements were heard", got.State, got.Reason)
		}
		if n := r.router().Counters["claims"]; n != 3004 {
			t.Errorf("%d claims counted, want 3004", n)
		}
	})
}

func TestTheVirtualMACIsNoStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.nic.claim("00:00:5e:00:01:33") // of VRID 51
		synctest.Wait()
		if p := r.router().Problems; len(p) > 0 {
			t.Errorf("problems %+v", p)
		}
	})
}

func TestWhatIsAnnouncedIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nic := newFakeNIC()
		nic.adds = errFake
		r := begin(t, nic, testConfig())
		r.pass(down)
		if got := r.router(); got.State != api.Active || nic.announced > 0 {
			t.Errorf("%s, announced %d times without the VIP", got.State, nic.announced)
		}
		if p, ok := r.problem(api.ProblemFault); !ok || p.Detail != "add_vip: operation not permitted" {
			t.Errorf("problem %+v", p)
		}
		nic.change(func(n *fakeNIC) { n.adds = nil })
		r.want(api.Active)
		if nic.announced == 0 {
			t.Error("the VIP was put there and not announced")
		}
	})
}

func TestARivalAndAMismatchAreProblems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		advert := r.nic.wire.advert(100)
		advert.Interval = 3 * interval
		r.nic.wire.deliver(advert)
		synctest.Wait()
		if p, ok := r.problem(api.ProblemRival); !ok || p.Peer != peer {
			t.Errorf("problem %+v, want a rival", p)
		}
		if p, ok := r.problem(api.ProblemMismatch); !ok || p.Peer != peer {
			t.Errorf("problem %+v, want a mismatch", p)
		}
		r.pass(down) // it has yielded
		if p, ok := r.problem(api.ProblemRival); ok {
			t.Errorf("still there: %+v", p)
		}
		r.nic.wire.hear(100)
		synctest.Wait()
		if p, ok := r.problem(api.ProblemMismatch); ok {
			t.Errorf("still there: %+v", p)
		}
		if got := r.router().Transitions; got[string(vrrp.NoAdvert)] != 1 || got[string(vrrp.Started)] != 1 {
			t.Errorf("transitions %v", got)
		}
	})
}

// One that has yielded is no problem any more, and is told of once.
func TestARivalThatHasYieldedIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.pass(time.Second)
		before := r.nic.announced
		r.nic.wire.hear(vrrp.PriorityYielded)
		synctest.Wait()
		events, _ := r.engine.Events(0)
		if last := events[len(events)-1]; last.Kind != "announce" || events[len(events)-2].Detail != peer.String()+" was active too, and has yielded" {
			t.Errorf("events %+v", events)
		}
		if p, ok := r.problem(api.ProblemRival); ok {
			t.Errorf("problem %+v", p)
		}
		if r.nic.announced == before {
			t.Error("nothing was announced")
		}
	})
}

// The same one is counted again when it is a rival again, long after.
func TestARivalOfLongAgoThatYieldsIsCountedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		r.nic.wire.hear(10)
		synctest.Wait()
		r.nic.wire.hear(vrrp.PriorityYielded)
		synctest.Wait()
		if got := r.router().Counters["rivals"]; got != 1 {
			t.Errorf("%d rivals, want the one that was heard", got)
		}
		r.nic.wire.hear(10)
		synctest.Wait()
		r.pass(2 * forget)
		r.nic.wire.hear(vrrp.PriorityYielded)
		synctest.Wait()
		if got := r.router().Counters["rivals"]; got != 3 {
			t.Errorf("%d rivals, want 3: heard, heard again, and one that was told of only in the end", got)
		}
	})
}
