// Package vrrp is the protocol: the advertisement codec and the state machine
// of one virtual router (RFC 9568). It does no I/O and reads no clock: time
// comes in as a value, effects go out as values.
package vrrp

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
)

// Event is something that happened to a virtual router.
type Event interface{ event() }

// Effect is something that the engine must do for the machine.
type Effect interface{ effect() }

// The events.
type (
	// Start begins the protocol. Resume tells that the kernel's lease on the
	// VIPs was refreshed so recently by an earlier agent that the machine goes
	// on as active.
	Start struct{ Resume bool }
	// Received is an advertisement that passed all checks of the transport.
	// At is the kernel's receive time, on the clock that Handle's now is on.
	Received struct {
		From     netip.Addr
		Priority int
		Interval time.Duration
		At       time.Time
	}
	// Tick says that Deadline has come. The engine delivers what waits in its
	// socket before a Tick.
	Tick struct{}
	// Shutdown asks the machine to leave: hand over, then Stopped.
	Shutdown struct{}
	// TakeOver asks a backup to become active (switchover).
	TakeOver struct{}
	// Health is a change of the health checks' verdict.
	Health struct{ OK bool }
	// Link is a change of the NIC: down, no carrier, or own address gone.
	Link struct {
		Up  bool
		Why string
	}
	// Reconfigured carries new settings; no transition comes from it.
	Reconfigured struct{ Config Config }
	// Sent reports that the advertisement of a SendAdvert effect left at At.
	// An active that has not sent for its down interval gives up the VIPs.
	Sent struct{ At time.Time }
)

// The effects, to be carried out in order.
type (
	// SendAdvert sends one advertisement to every peer, then reports Sent.
	SendAdvert struct {
		Priority int
		Interval time.Duration
	}
	// AddVIPs puts the VIPs on the NIC with a lease of Lease, or renews it.
	AddVIPs struct{ Lease time.Duration }
	// RemoveVIPs takes them off.
	RemoveVIPs struct{}
	// Announce sends gratuitous ARP requests (unsolicited NAs) for the VIPs.
	Announce struct{ Why string }
	// Transition reports a change of state, for people and for the event stream.
	Transition struct {
		From, To api.State
		Reason   Reason
		Detail   string
	}
	// Rival reports an active's advertisement heard while active.
	Rival struct {
		From     netip.Addr
		Priority int
	}
	// Stopped says that the machine has left; the engine may end.
	Stopped struct{}
)

// Reason says why a transition happened.
type Reason string

// The reasons, as people read them.
const (
	Started        Reason = "started"
	Resumed        Reason = "resumed: the lease had not run out"
	OwnsAddress    Reason = "owns the address (priority 255)"
	NoAdvert       Reason = "no advertisement heard"
	PeerLeft       Reason = "the active left (priority 0)"
	Preempted      Reason = "a peer with higher priority took over"
	LostTie        Reason = "a peer with equal priority and a greater address is active"
	Preempting     Reason = "higher priority than the active"
	PeerUnhealthy  Reason = "the active is unhealthy"
	Unhealthy      Reason = "a health check failed"
	SwitchoverTo   Reason = "switchover to this member"
	SwitchoverFrom Reason = "switchover to another member"
	Stalled        Reason = "could not advertise for the down interval"
	LinkDown       Reason = "the interface is not usable"
	LinkUp         Reason = "the interface is usable again"
	Stopping       Reason = "stopping"
	HandedOver     Reason = "handed over"
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
