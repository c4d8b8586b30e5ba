package vrrp

import (
	"math/rand/v2"
	"time"
)

// havip: an active announces its VIPs at growing gaps and then refreshes. One
// announcement is not enough: the kernel's locktime ignores one within a second
// of the neighbour's last update, and switches lose them. Gaps shorter than these
// make OVN postpone the claim. The refresh, which RFC 9568 does not know, mends what
// learned a wrong neighbour in between; its jitter keeps many routers apart.
const (
	refreshEvery = 30 * time.Second // when Config.Refresh does not say
	restartGap   = time.Second      // between an announcement and a restart's first one
)

// scheduleStep is the offset of the n-th announcement since the schedule's start.
func scheduleStep(n int) (offset time.Duration, ok bool) {
	offsets := [...]time.Duration{0, 2 * time.Second, 5 * time.Second, 9 * time.Second}
	if n >= len(offsets) {
		return 0, false
	}
	return offsets[n], true
}

// announcer is the schedule of announcements of an active.
type announcer struct {
	base time.Time // of the schedule that runs
	step int       // of the announcement that is next
	next time.Time
	last time.Time // when the last one was made
	why  string
	// always: it announces each claimEvery (contest.go).
	always bool
}

// start begins the schedule at now, or as soon as the last announcement is
// restartGap old; whether it is due at once, Tick or fire tells.
func (a *announcer) start(now time.Time, why string) {
	a.base, a.step, a.why = now, 0, why
	if gap := a.last.Add(restartGap); !a.last.IsZero() && now.Before(gap) {
		a.base = gap
	}
	a.next = a.base
}

// steady goes on with an announcement each claimEvery.
func (a *announcer) steady(from time.Time) {
	a.always, a.next, a.why = true, later(from, a.last.Add(claimEvery)), "advertisements are blocked"
}

// fire makes the announcement that is due, if one is, and sets the next. Those
// that were missed are not made up for: one says it all.
func (a *announcer) fire(now time.Time, refresh time.Duration, rng *rand.Rand) (Announce, bool) {
	if !due(a.next, now) {
		return Announce{}, false
	}
	a.last = now
	why := a.why
	if a.always {
		a.steady(now)
		return Announce{Why: why}, true
	}
	for {
		a.step++
		offset, ok := scheduleStep(a.step)
		if !ok {
			a.next = now.Add(jittered(refresh, rng))
			a.why = "refresh"
			return Announce{Why: why}, true
		}
		if a.next = a.base.Add(offset); a.next.After(now) {
			return Announce{Why: why}, true
		}
	}
}

// hasten makes a refresh that is far off come within refresh.
func (a *announcer) hasten(now time.Time, refresh time.Duration) {
	if _, ok := scheduleStep(a.step); !ok {
		a.next = earliest(a.next, now.Add(refresh))
	}
}

// jittered is d, a fifth more or less.
func jittered(d time.Duration, rng *rand.Rand) time.Duration {
	fifth := d / 5
	return d - fifth + time.Duration(rng.Int64N(int64(2*fifth)+1))
}
