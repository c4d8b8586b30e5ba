package vrrp

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
	LesserMAC      Reason = "advertisements are blocked, and a peer with a greater MAC is active"
	NoClaim        Reason = "advertisements are blocked, and the announcements of the active have ended"
	Together       Reason = "moves with another router of the group"
	LinkDown       Reason = "the interface is not usable"
	LinkUp         Reason = "the interface is usable again"
	Stopping       Reason = "stopping"
	HandedOver     Reason = "handed over"
)
