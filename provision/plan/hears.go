package plan

import (
	"net/netip"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
)

// Hears tells whether each router of one agent has heard the advertisements of
// another one's within their down interval (RFC 9568 section 6.1: three
// intervals and the skew, which is less than one), by the hearing one's clock.
func Hears(ear, mouth *api.Status) bool {
	if len(ear.Routers) == 0 || len(ear.Routers) != len(mouth.Routers) {
		return false
	}
	for i, r := range ear.Routers {
		m := mouth.Routers[i]
		down := 4 * time.Duration(max(r.Interval, m.Interval))
		if !slices.ContainsFunc(r.Peers, func(p api.Peer) bool {
			return p.Address == m.Source && !p.LastAdvert.IsZero() && ear.Now.Sub(p.LastAdvert) <= down
		}) {
			return false
		}
	}
	return true
}

// heard tells whether the member that sends from an address hears another one
// now.
func (r *report) heard(by netip.Addr, mouth *api.Status) bool {
	return slices.ContainsFunc(r.d.Members, func(m Member) bool {
		st := r.host(m.Server.ID).Agent.Status
		return st != nil && m.sendsFrom(by) && Hears(st, mouth)
	})
}

// sendsFrom tells whether the address is one of the member's own.
func (m Member) sendsFrom(a netip.Addr) bool {
	return slices.ContainsFunc(m.Ports, func(p MemberPort) bool { return p.Address == a })
}
