package engine

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/vip"
)

// secondLook is how long the kernel has to learn the members' MACs before a station
// is called a stranger: a backup that has just started has spoken with nobody yet.
const secondLook = time.Second

// suspect is a station that announced one of our VIPs and has no member's MAC, as far
// as the kernel knew then. One at a time: anybody can make MACs up.
type suspect struct {
	claim vip.Claim
	since time.Time // zero: there is none
}

// note remembers a station until it is looked at again, and has the members' MACs
// asked for. One that is a known stranger is one at once.
func (s *suspect) note(r *router, c vip.Claim, now time.Time) {
	switch {
	case r.conflict.current(now):
		r.callStranger(c, now)
	case s.since.IsZero():
		*s = suspect{c, now}
		r.fault("acquaint", r.e.opts.Host.Acquaint(r.nic, r.members()))
	default:
		s.judge(r, now)
	}
}

// judge looks at the suspect again when it is time.
func (s *suspect) judge(r *router, now time.Time) {
	if s.since.IsZero() || now.Sub(s.since) < secondLook {
		return
	}
	claim := s.claim
	*s = suspect{}
	_, known, err := r.e.opts.Host.Neighbour(r.nic, claim.MAC, r.members())
	if r.fault("find_neighbour", err); err == nil && !known {
		r.callStranger(claim, now)
	}
}

// callStranger names who announces our VIP and is no member. One event, whatever
// other MACs follow.
func (r *router) callStranger(c vip.Claim, now time.Time) {
	news := !r.conflict.current(now)
	r.conflict.see(now, netip.Addr{}, fmt.Sprintf("%s announces %s, and is no member", c.MAC, c.Address))
	if news {
		r.event("conflict", r.conflict.detail)
	}
}
