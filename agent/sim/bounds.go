package sim

import (
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// The figures of RFC 9568 section 6.1 and of havip, written down once more: what
// judges the machine does not ask the machine.

// skew is Skew_Time, of version 2 that of RFC 3768 section 6.1.
func skew(c vrrp.Config, interval time.Duration) time.Duration {
	if c.Version == 2 {
		interval = time.Second
	}
	return time.Duration(256-c.Priority) * interval / 256
}

// down is Active_Down_Interval.
func down(c vrrp.Config, interval time.Duration) time.Duration {
	return 3*interval + skew(c, interval)
}

// leaseBounds are between what a lease has to be: it outlives the down interval,
// in whole seconds, by less than one.
func leaseBounds(c vrrp.Config) (least, most time.Duration) {
	d := down(c, c.Interval)
	return d, max(time.Second, d+time.Second)
}

// leaveBound is how long an active that leaves holds the VIPs for its successor.
func leaveBound(c vrrp.Config) time.Duration {
	return min(2*c.Interval+20*time.Millisecond, 1800*time.Millisecond)
}

// wait is how long a member that hears nothing more lets an active be that
// advertised at interval: of a healthy one the down interval, of an unhealthy one
// an interval more. Word of an active that leaves shortens it.
func wait(c vrrp.Config, interval time.Duration, healthy, left bool) time.Duration {
	s := skew(c, interval)
	switch {
	case healthy && left:
		return s
	case healthy:
		return 3*interval + s
	case left:
		return (3*interval + s) / 2
	default:
		return 4*interval + s
	}
}

// chatter is how many adverts a router may send within the shortest interval of all
// members: its own, one for each of a rival whom it beats, which answers rivals in
// its turn and may be heard twice, and what befalls it.
func (w *world) chatter() int { return 5 * len(w.members) }

// slack is what clocks of different rates, 500 ppm to either side, make of d.
func slack(d time.Duration) time.Duration { return d + d/500 + time.Millisecond }

// claimWait is how long announcements at most stand for the adverts of an active
// that does not announce any more: 3 s and the longest skew.
const claimWait = 4 * time.Second

// belief is claimWait where somebody may have seen announcements without adverts.
func (w *world) belief() time.Duration {
	lost := w.scenario.Weather.Loss > 0
	for _, f := range w.scenario.Faults {
		// An announcement under way may reach one who has just started.
		lost = lost || f.For > 0 && (f.Kind == Crash || f.Kind == Off || f.Kind == Leave) && w.scenario.Weather.Delay > calmDelay
		lost = lost || f.Mid || f.Kind == Mute || f.Kind == OneWay || f.Kind == Cut || f.Kind == Isolate || f.Kind == Block || f.Kind == BlockFrom
	}
	if !lost {
		return 0
	}
	return claimWait
}

// latency is how long it takes at most until an advert is read.
func (w *world) latency() time.Duration { return w.wire.weather.Delay + w.scenario.Late }

// rivals is how long two actives that hear each other may both be: until the
// better one's next advert is sent, late, and read. A new one advertises at once, and of
// version 3 the better one answers at once. Where the first router would have to break
// a tie and cannot, the others wait a down interval from the first word that they hear,
// see that it is over by the next one, and act on the one after.
func (w *world) rivals(a, b *member, fresh bool) time.Duration {
	if a.tied(b) && !w.wire.passesOf(0, a.index, b.index) {
		longest := max(down(a.inForce, a.inForce.Interval), down(b.inForce, b.inForce.Interval))
		return slack(longest + 3*max(a.inForce.Interval, b.inForce.Interval) + 2*w.latency())
	}
	if fresh && a.inForce.Version != 2 {
		return slack(2 * w.latency())
	}
	return slack(max(a.inForce.Interval, b.inForce.Interval) + w.scenario.Late + w.latency())
}

// contest is how long two actives may both be that only see each other's
// announcements, when one just became active: until each has seen the other (2 s by
// the schedule), has begun to announce every second, and VRRP has had its time: for
// the second router of a group two down intervals, of at least 1.5 s, and 3.5 s.
func (w *world) contest(a, b *member) time.Duration {
	longest := max(down(a.inForce, a.inForce.Interval), down(b.inForce, b.inForce.Interval))
	return slack(2*max(longest, 1500*time.Millisecond) + 9*time.Second + 4*w.latency())
}

// settled is how long it takes at most until one member is active where adverts are
// blocked: who hears no active takes over, and then each contest has its time.
func (w *world) settled() time.Duration {
	longest := vrrp.Config{Version: 3, Priority: 1, Interval: w.watch.longest}
	m := &member{inForce: longest}
	return slack(4*longest.Interval+claimWait) + w.contest(m, m)
}

// takeover is how long it takes at most until another member is active when an
// active that advertised at interval is gone; false when there is no other.
func (w *world) takeover(active *member, left bool) (time.Duration, bool) {
	best, found := time.Duration(0), false
	for _, m := range w.members {
		if m == active || !m.serving() {
			continue
		}
		interval := active.inForce.Interval
		d := wait(m.inForce, interval, m.healthy, left)
		d = max(d, wait(m.cfg, interval, m.healthy, left)) // a reload may be on its way
		d = max(d, m.clock.when(m.gate)-w.now)
		if !found || d < best {
			best, found = d, true
		}
	}
	return slack(best + w.latency()), found
}

// settling is how long it takes at most until all is calm on a wire that is
// whole: packets under way arrive, who leaves has left, a takeover, a preemption,
// the end of a switchover.
func (w *world) settling() time.Duration {
	var longest vrrp.Config
	longest.Priority, longest.Version = 1, 3
	var delays time.Duration
	for _, m := range w.members {
		longest.Version = min(longest.Version, m.cfg.Version)
		longest.Interval = max(longest.Interval, w.watch.longest)
		delays = max(delays, m.cfg.PreemptDelay+m.cfg.StartDelay)
	}
	d := down(longest, longest.Interval)
	return slack(w.scenario.Weather.Delay + leaveBound(longest) + delays + 4*d + 8*w.latency())
}

// preempts tells whether a member takes over from an active of lower priority.
func preempts(c vrrp.Config) bool { return c.Preempt || c.Priority == vrrp.PriorityOwner }
