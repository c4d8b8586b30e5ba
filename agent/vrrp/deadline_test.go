package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/havip/havip/agent/api"
)

// What is remembered must be what asking all routers would give, whatever happens.
func TestTheDeadlineOfAGroupIsRememberedRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		preempt := rapid.Bool().Draw(t, "preempt")
		g := duo(func(c *Config) { c.Preempt = preempt }, func(c *Config) { c.Preempt = preempt })
		g.HandleAll(epoch, Start{})
		at := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			at += rapid.SampledFrom([]time.Duration{0, ms, 300 * ms, time.Second, 4 * time.Second}).Draw(t, "later")
			router := rapid.IntRange(0, 1).Draw(t, "router")
			switch now := epoch.Add(at); rapid.IntRange(0, 9).Draw(t, "event") {
			case 0, 1, 2:
				priority := rapid.SampledFrom([]int{PriorityLeave, 1, 128, 250, PriorityOwner}).Draw(t, "priority")
				from := rapid.SampledFrom([]netip.Addr{lesser, greater}).Draw(t, "from")
				sent := at - rapid.SampledFrom([]time.Duration{0, ms, 2 * time.Second}).Draw(t, "late")
				g.Handle(now, router, heard(from, priority, sent))
			case 3:
				g.Handle(now, router, Claimed{From: greater, Greater: rapid.Bool().Draw(t, "mac"), At: now})
			case 4:
				g.Handle(now, router, Link{Up: rapid.Bool().Draw(t, "up")})
			case 5:
				cfg := g.Router(router).Config()
				cfg.Interval = rapid.SampledFrom([]time.Duration{100 * ms, time.Second}).Draw(t, "interval")
				g.Handle(now, router, Reconfigured{cfg})
			case 6:
				g.HandleAll(now, Health{OK: rapid.Bool().Draw(t, "healthy")})
			case 7:
				g.HandleAll(now, TakeOver{})
			case 8:
				if g.Router(router).State() == api.Active {
					g.Handle(now, router, Sent{At: now})
				}
			default:
				g.HandleAll(now, Tick{})
			}
			if got, want := g.Deadline(), g.findDeadline(); !got.Equal(want) {
				t.Fatalf("at %s the deadline is %s, want %s", at, got.Sub(epoch), want.Sub(epoch))
			}
		}
		g.HandleAll(epoch.Add(at), Shutdown{})
		if got, want := g.Deadline(), g.findDeadline(); !got.Equal(want) {
			t.Fatalf("leaving, the deadline is %s, want %s", got, want)
		}
	})
}
