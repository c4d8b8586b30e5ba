package transport

import (
	"net/netip"
	"slices"
)

// audience is what the routers of a link listen for together: the union of their
// wishes, from which the kernel's filters are made. Each router checks again for
// itself.
type audience struct {
	vrids  [256]bool
	to     []netip.Addr // where their advertisements are addressed to
	from   []netip.Addr // their peers
	anyone bool         // a router takes all but its own
	own    []netip.Addr // their sources
}

// add adds the wishes of one router.
func (a *audience) add(cfg Config, group netip.Addr) {
	a.vrids[cfg.VRID] = true
	a.own = union(a.own, cfg.Source)
	a.to = union(a.to, cfg.destination(group))
	a.from = union(a.from, cfg.Peers...)
	a.anyone = a.anyone || len(cfg.Peers) == 0 && cfg.Multicast
}

func union(list []netip.Addr, more ...netip.Addr) []netip.Addr {
	for _, addr := range more {
		if !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	return list
}

// destination is where the advertisements that this router takes are addressed to.
func (c Config) destination(group netip.Addr) netip.Addr {
	if c.Multicast {
		return group
	}
	return c.Source
}

// hears tells whether advertisements of this sender are taken. Nobody is his own
// peer: what a network sends back to us is not another active.
func (c Config) hears(sender netip.Addr) bool {
	if len(c.Peers) == 0 && c.Multicast {
		return sender != c.Source
	}
	return slices.Contains(c.Peers, sender)
}
