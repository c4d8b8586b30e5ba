package vrrp

import (
	"net/netip"
	"time"
)

// Priorities with a meaning (RFC 9568 section 5.2.4 and havip's own).
const (
	PriorityLeave      = 0   // the active is leaving
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
}
