package vrrp

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
)

// Effect is something that the engine must do for the machine.
type Effect interface{ effect() }

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
	// Yielded reports a rival that has yielded, at the latest just now.
	Yielded struct{ From netip.Addr }
	// Stopped says that the machine has left; the engine may end.
	Stopped struct{}
)

func (SendAdvert) effect() {}
func (AddVIPs) effect()    {}
func (RemoveVIPs) effect() {}
func (Announce) effect()   {}
func (Transition) effect() {}
func (Rival) effect()      {}
func (Yielded) effect()    {}
func (Stopped) effect()    {}
