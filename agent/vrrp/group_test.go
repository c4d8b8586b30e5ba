package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/agent/api"
)

// duo is a group of two standard routers, 51 and 52, each changed as told.
func duo(change ...func(*Config)) *Group {
	cfgs := []Config{standard(), standard()}
	cfgs[1].VRID = 52
	for i, f := range change {
		f(&cfgs[i])
	}
	return NewGroup(cfgs, 1)
}

func wantActs(t *testing.T, got []Act, want ...Act) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Fatalf("acts (-want +got):\n%s", diff)
	}
}

func wantStates(t *testing.T, g *Group, want ...api.State) {
	t.Helper()
	for i, state := range want {
		if got := g.Router(i).State(); got != state {
			t.Fatalf("router %d is %s, want %s", i, got, state)
		}
	}
}

// both is an effect of each router, in their order.
func both(e Effect) []Act { return []Act{{0, e}, {1, e}} }

func TestABackupOfAGroupTakesOverWhenAllItsRoutersAreDue(t *testing.T) {
	g := duo()
	g.HandleAll(epoch, Start{})
	wantStates(t, g, api.Backup, api.Backup)
	for at := 400 * ms; at < 4*time.Second; at += 400 * ms {
		g.Handle(epoch.Add(at), 1, heard(greater, 250, at))
		// Router 51 was due long ago, which is no reason to be woken all the time.
		if want := epoch.Add(at + 1300*ms); !g.Deadline().Equal(want) {
			t.Fatalf("at %s the deadline is %s, want %s", at, g.Deadline().Sub(epoch), want.Sub(epoch))
		}
		if acts := g.HandleAll(epoch.Add(at), Tick{}); acts != nil {
			t.Fatalf("at %s: %v", at, acts)
		}
	}
	now := g.Deadline()
	acts := g.HandleAll(now, Tick{})
	wantStates(t, g, api.Active, api.Active)
	// The advertisements of both go before the VIPs of the first.
	wantActs(t, acts[:4], append(both(advert(192)), both(renew)...)...)
	if !g.Deadline().Equal(now.Add(400 * ms)) {
		t.Errorf("the deadline of an active group is %s after its takeover", g.Deadline().Sub(now))
	}
}

func TestARouterThatGivesUpItsVIPsTakesTheOthersAlong(t *testing.T) {
	together := func(why string) []Act {
		return []Act{{0, RemoveVIPs{}}, {0, move(api.Active, api.Backup, Together, "router 52/ipv4: "+why)}}
	}
	tests := []struct {
		name string
		at   time.Duration
		ev   Event
		want string
	}{
		{"it yields to a better active", 100 * ms, heard(greater, 250, 100*ms), string(Preempted)},
		{"its advertisements did not leave", 1300 * ms, heard(lesser, 100, 1300*ms), string(Stalled)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := duo()
			g.HandleAll(epoch, Start{Resume: true})
			acts := g.Handle(epoch.Add(tt.at), 0, Sent{At: epoch.Add(tt.at - 10*ms)})
			var first []Act
			for _, act := range append(acts, g.Handle(epoch.Add(tt.at), 1, tt.ev)...) {
				if act.Router == 0 {
					first = append(first, act)
				}
			}
			wantActs(t, first, together(tt.want)...)
			wantStates(t, g, api.Backup, api.Backup)
		})
	}
}

func TestAGroupWithAStalledRouterSaysNoMoreThatItIsActive(t *testing.T) {
	g := duo()
	g.HandleAll(epoch, Start{Resume: true})
	g.Handle(epoch, 0, Sent{At: epoch})
	g.Handle(epoch.Add(300*ms), 0, Reconfigured{Config: standard()}) // it advertises later than the other now
	acts := g.HandleAll(epoch.Add(1400*ms), Tick{})
	wantStates(t, g, api.Backup, api.Backup)
	for _, a := range acts {
		if advert, ok := a.Effect.(SendAdvert); ok {
			t.Errorf("router %d sends %v", a.Router, advert)
		}
	}
}

func TestTheLinkOfAGroupIsThatOfAllItsRouters(t *testing.T) {
	g := duo()
	g.Handle(epoch, 0, Link{Why: "no such interface"})
	g.HandleAll(epoch, Start{})
	wantStates(t, g, api.Init, api.Init)
	g.Handle(epoch, 1, Link{Why: "down"})
	g.Handle(epoch, 0, Link{Up: true})
	wantStates(t, g, api.Init, api.Init)
	g.Handle(epoch, 1, Link{Up: true})
	wantStates(t, g, api.Backup, api.Backup)

	g.HandleAll(epoch, TakeOver{})
	wantStates(t, g, api.Active, api.Active)
	acts := g.Handle(epoch, 1, Link{Why: "no carrier"})
	wantActs(t, acts, append(both(RemoveVIPs{}),
		Act{0, move(api.Active, api.Init, LinkDown, "router 52/ipv4: no carrier")},
		Act{1, move(api.Active, api.Init, LinkDown, "no carrier")},
	)...)
}

func TestOnLeavingEachRouterHandsOverByItself(t *testing.T) {
	g := duo()
	g.HandleAll(epoch, Start{Resume: true})
	g.HandleAll(epoch, Shutdown{})
	wantStates(t, g, api.Leaving, api.Leaving)
	g.Handle(epoch, 0, heard(greater, 100, 0))
	wantStates(t, g, api.Init, api.Leaving)
	g.Handle(epoch, 0, Link{Why: "down"})
	wantStates(t, g, api.Init, api.Leaving)
	if want := epoch.Add(410 * ms); !g.Deadline().Equal(want) {
		t.Errorf("the deadline is %s, want the repetition of priority 0", g.Deadline().Sub(epoch))
	}
	acts := g.Handle(epoch, 1, heard(greater, 100, 0))
	wantActs(t, acts,
		Act{1, RemoveVIPs{}},
		Act{1, move(api.Leaving, api.Init, HandedOver, "10.0.0.3")},
		Act{1, Stopped{}},
	)
}

func TestOwnersBeginAsActiveWhenAllOfTheGroupAre(t *testing.T) {
	owner := func(c *Config) { c.Priority = PriorityOwner }
	g := duo(owner)
	g.HandleAll(epoch, Start{})
	wantStates(t, g, api.Backup, api.Backup)

	g = duo(owner, owner)
	g.HandleAll(epoch, Start{})
	wantStates(t, g, api.Active, api.Active)

	// Settings that change count from the next beginning on.
	g.Handle(epoch, 0, Reconfigured{Config: standard()})
	g.Handle(epoch, 0, Link{Why: "down"})
	g.Handle(epoch, 0, Link{Up: true})
	wantStates(t, g, api.Backup, api.Backup)
}
