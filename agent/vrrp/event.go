package vrrp

import (
	"net/netip"
	"time"
)

// Event is something that happened to a virtual router.
type Event interface{ event() }

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
	// Claimed says that a peer announced one of our VIPs at At, by gratuitous ARP
	// or an unsolicited NA: it is active, whether its advertisements arrive or not.
	// Greater tells that its MAC is greater than ours, which decides where
	// advertisements cannot. From is invalid where the MAC is that of the virtual router,
	// with which those of other makers announce: an active did, nobody knows which.
	Claimed struct {
		From    netip.Addr
		Greater bool
		At      time.Time
	}
	// Sent reports that the advertisement of a SendAdvert effect left at At.
	// An active that has not sent for its down interval gives up the VIPs.
	Sent struct{ At time.Time }
)

func (Start) event()        {}
func (Received) event()     {}
func (Tick) event()         {}
func (Shutdown) event()     {}
func (TakeOver) event()     {}
func (Health) event()       {}
func (Link) event()         {}
func (Reconfigured) event() {}
func (Claimed) event()      {}
func (Sent) event()         {}
