package engine

import (
	"net"
	"net/netip"
	"slices"
	"time"
)

// Anybody on the link can announce our VIPs, with any MAC and as often as he likes,
// and to look a MAC up reads the kernel's whole table of neighbours. So what was
// found is kept for a while, and what is unknown is asked for now and then only.
const (
	askEvery = 100 * time.Millisecond
	metFor   = 10 * time.Second
)

// acquaintances are the MACs of members that were found lately.
type acquaintances struct {
	found map[string]acquaintance
	asked time.Time // when an unknown MAC was last looked up
}

type acquaintance struct {
	peer netip.Addr
	at   time.Time
}

// verdict is what is known of a MAC.
type verdict int

const (
	unasked verdict = iota // it is not time to ask, or the kernel gave no answer
	aMember
	aStranger
)

// whose tells which member has this MAC. One that a member had is asked for again
// whatever strangers do meanwhile.
func (r *router) whose(mac net.HardwareAddr, now time.Time) (netip.Addr, verdict) {
	m, members := &r.met, r.members()
	a, met := m.found[string(mac)]
	switch {
	case met && now.Sub(a.at) < metFor && slices.Contains(members, a.peer):
		return a.peer, aMember
	case !met && now.Sub(m.asked) < askEvery:
		return netip.Addr{}, unasked
	}
	if delete(m.found, string(mac)); !met {
		m.asked = now
	}
	peer, known, err := r.e.opts.Host.Neighbour(r.nic, mac, members)
	r.fault("find_neighbour", err)
	switch {
	case err != nil:
		return netip.Addr{}, unasked
	case !known:
		return netip.Addr{}, aStranger
	}
	if m.found == nil || len(m.found) >= maxPeers {
		m.found = make(map[string]acquaintance)
	}
	m.found[string(mac)] = acquaintance{peer, now}
	return peer, aMember
}
