package vrrp

import (
	"net/netip"
	"time"
)

// Priorities with a meaning (RFC 9568 section 5.2.4 and havip's own).
const (
	PriorityLeave      = 0   // the active is leaving
	PriorityYielded    = 1   // the sender was active too, and has yielded
	PrioritySwitchover = 254 // the target of a switchover, until the old active has yielded
	PriorityOwner      = 255 // owns the address
	// PriorityUnhealthyMax is the top of the band in which an unhealthy member
	// advertises; a healthy backup always preempts an active in it.
	PriorityUnhealthyMax = 9
)

// Config is what the machine needs to know of its virtual router.
type Config struct {
	VRID     int
	Priority int // 10 to 253, or 255
	Interval time.Duration
	Preempt  bool
	Version  int // 3 (2: RFC 3768)
	Source   netip.Addr
	// PreemptDelay is how long a backup hears an active of lower priority before it
	// preempts it; a down interval is the least. The silence of an active ends it.
	// An owner with a delay listens first. havip, as keepalived's preempt_delay.
	PreemptDelay time.Duration
	// StartDelay is how long after Start, and before the first down interval, an
	// active may not be heard although there is one. Until both are over only an
	// active that leaves or is unfit is succeeded, or a TakeOver obeyed. Not after a
	// resumption. havip, as keepalived's vrrp_startup_delay.
	StartDelay time.Duration
	// Refresh is how often an active repeats its announcements, a fifth more or
	// less; zero: 30 s.
	Refresh time.Duration
}

// normalize moves what havip reserves or the protocol cannot say to the nearest
// that it can: priority 254 and the unhealthy band are not for configurations,
// an interval below a centisecond would be sent as 0, and version 2 counts whole
// seconds (RFC 3768 section 5.3.7).
func (c Config) normalize() Config {
	if c.Priority != PriorityOwner {
		c.Priority = min(max(c.Priority, PriorityUnhealthyMax+1), PrioritySwitchover-1)
	}
	c.Interval = max(c.Interval, centisecond)
	if c.Version == 0 {
		c.Version = 3
	}
	if c.Version == 2 {
		c.Interval = (c.Interval + time.Second - 1).Truncate(time.Second)
	}
	if c.Refresh == 0 {
		c.Refresh = refreshEvery
	}
	c.Source = c.Source.Unmap()
	return c
}

// unhealthyPriority scales the priority into the band 2 to 9, so that the order
// of the members holds there too. Near ones coincide: then the address decides
// between two actives, as between equals.
func (c Config) unhealthyPriority() int {
	const first, lowest = PriorityYielded + 1, PriorityUnhealthyMax + 1
	const steps = PriorityUnhealthyMax - first
	return first + (c.Priority-lowest)*steps/(PriorityOwner-lowest)
}

// preempts tells whether a healthy backup takes over from an active of lower
// priority. The owner always does (RFC 9568 section 6.1).
func (c Config) preempts() bool { return c.Preempt || c.Priority == PriorityOwner }
