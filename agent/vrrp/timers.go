package vrrp

import "time"

// skew is Skew_Time: it makes backups of different priority take over at
// different times. Version 3 scales it with the active's interval (RFC 9568 section
// 6.1), version 2 does not (RFC 3768 section 6.1). Multiplied first and divided
// last: the other way the steps of short intervals round to 0.
func (c Config) skew(interval time.Duration) time.Duration {
	if c.Version == 2 {
		interval = time.Second
	}
	return time.Duration(256-c.Priority) * interval / 256
}

// down is Active_Down_Interval (RFC 9568 section 6.1, RFC 3768 section 6.1).
func (c Config) down(interval time.Duration) time.Duration {
	return 3*interval + c.skew(interval)
}

// lease is how long the kernel keeps the VIPs of an active that does not renew
// them. havip: about the time after which a backup takes over, in the kernel's
// unit of whole seconds, rounded up, so that a live active never loses them.
func (c Config) lease() time.Duration {
	down := c.down(c.Interval)
	return max(time.Second, (down + time.Second - 1).Truncate(time.Second))
}

// leaveBound is how long a leaving active waits for its successor. havip: the
// slowest, an unhealthy backup, takes over within two intervals of priority 0; 20 ms
// more for its late wake-up. At most 1.8 s, so that a stop ends.
func (c Config) leaveBound() time.Duration {
	return min(2*c.Interval+20*time.Millisecond, 1800*time.Millisecond)
}

// A patience is what a backup last learned of the active, and with it how long
// it waits before it takes over.
type patience int

const (
	alive patience = iota // it advertises
	gone                  // it left: priority 0
	unfit                 // it advertises, in the unhealthy band
)

// wait is the time from the last word of an active that advertises at interval
// until the takeover.
//
// Healthy: RFC 9568 section 6.4.2, Active_Down_Interval, or Skew_Time after
// priority 0. havip: also Skew_Time after word of an unhealthy active, so that the
// best of several healthy backups is first.
//
// havip, unhealthy: always later than any healthy member, whose longest wait is
// less than 4 intervals, or less than one after priority 0. An active that turned
// unhealthy says priority 0 and is heard again after one interval, when no healthy
// one came: half an interval more keeps two unhealthy members from contending.
func (c Config) wait(p patience, interval time.Duration, healthy bool) time.Duration {
	skew := c.skew(interval)
	switch {
	case !healthy && p == gone:
		return (3*interval + skew) / 2
	case !healthy:
		return 4*interval + skew
	case p == alive:
		return 3*interval + skew
	default:
		return skew
	}
}

// earliest is the earliest of those times that are set; zero when none is.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// due tells whether a timer that may be unset has come.
func due(timer, now time.Time) bool { return !timer.IsZero() && !now.Before(timer) }
