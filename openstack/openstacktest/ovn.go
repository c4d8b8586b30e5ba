package openstacktest

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// claim is who announced a virtual port's address last.
type claim struct {
	Carrier string // port ID
	At      time.Time
	Backoff time.Duration
}

// parents are the ports that stand for an unbound port's address on OVN: the
// same text in their pairs, and an address in its subnet
// (get_virtual_port_parents).
func (s *state) parents(p port) []string {
	var out []string
	if _, bound := s.servers[p.DeviceID]; bound || strings.HasPrefix(p.DeviceOwner, "network:") {
		return nil
	}
	for _, f := range p.FixedIPs {
		for _, o := range s.ports.all() {
			if o.ID == p.ID || o.NetworkID != p.NetworkID {
				continue
			}
			near := slices.ContainsFunc(o.FixedIPs, func(x fixedIP) bool { return x.SubnetID == f.SubnetID })
			if near && slices.ContainsFunc(o.Pairs, func(x pair) bool { return x.IP == f.Address.String() }) {
				out = append(out, o.ID)
			}
		}
		if out != nil {
			return out // OVN looks at the first address only
		}
	}
	return out
}

// The back-off of OVN's claims (controller/pinctrl.c): each claim inside the
// window makes it a step longer.
const (
	backoffStep = time.Second
	backoffMost = 10 * time.Second
)

// Claim says that a port announces an address. On OVN the virtual port with
// that address moves to it, unless it moved a moment ago: the result tells
// whether it did. On other back ends nothing happens.
func (c *Cloud) Claim(portID string, address netip.Addr) bool {
	if c.config.Backend != OVN {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.config.Now()
	next := c.state.clone()
	moved, changed := next.claim(portID, address, now)
	switch {
	case moved:
		c.commit(next)
	case changed:
		c.state = next
	}
	return moved
}

func (s *state) claim(portID string, address netip.Addr, now time.Time) (moved, changed bool) {
	for _, p := range s.ports.all() {
		if !slices.ContainsFunc(p.FixedIPs, func(f fixedIP) bool { return f.Address == address }) || !slices.Contains(s.parents(p), portID) ||
			!s.servers[s.ports[portID].DeviceID].powered() {
			continue
		}
		last, claimed := s.claims[p.ID]
		if claimed && last.Carrier == portID {
			return false, false
		}
		if claimed && now.Before(last.At.Add(last.Backoff)) {
			last.Backoff = min(last.Backoff+backoffStep, backoffMost)
			s.claims[p.ID] = last
			return false, true
		}
		s.claims[p.ID] = claim{portID, now, backoffStep}
		p.Host = s.ports[portID].Host
		p.bump(now)
		p.bump(now) // once for the binding, once for the host
		s.ports[p.ID] = p
		return true, true
	}
	return false, false
}

// carrier is the port that gets a floating IP's packets on OVN.
func (s *state) carrier(f floatingIP) string {
	p, found := s.ports[deref(f.PortID)]
	if !found {
		return ""
	}
	if _, bound := s.servers[p.DeviceID]; bound {
		return p.ID
	}
	return s.claims[p.ID].Carrier
}
