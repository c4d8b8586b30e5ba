package vip

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/havip/havip/agent/config"
)

// link is one NIC with what Find and Inspect have to know of it.
type link struct {
	NIC
	up        bool // IFF_UP: switched on by the administrator
	running   bool // IFF_RUNNING: operational state up or unknown, so carrier is there
	addresses []address
}

// address is one address of a NIC.
type address struct {
	index  int // of the NIC
	prefix netip.Prefix
	flags  uint32 // IFA_F_*
	stamp  uint32 // ifa_cacheinfo.tstamp: the last refresh, 10 ms ticks since boot
}

func (l link) seen() Seen {
	s := Seen{NIC: l.NIC}
	for _, a := range l.addresses {
		s.Addresses = append(s.Addresses, a.prefix)
	}
	return s
}

// holds tells whether the address is on the NIC, which tells it from others whether it
// can be used yet or not.
func (l link) holds(ip netip.Addr) bool {
	return slices.ContainsFunc(l.addresses, func(a address) bool { return a.prefix.Addr() == ip })
}

// holding returns how many of the VIPs are on the NIC as a set puts them there.
func (l link) holding(prefixes []netip.Prefix) int {
	n := 0
	for _, p := range prefixes {
		if slices.ContainsFunc(l.addresses, func(a address) bool { return a.is(p) }) {
			n++
		}
	}
	return n
}

// choose narrows the links down by name, then MAC, then address. All that are
// given must match: VLANs, bonds and macvlans share a MAC with the NIC beneath.
func choose(want config.Interface, links []link) (link, error) {
	left := links
	narrow := func(problem Problem, keep func(link) bool) error {
		var kept []link
		for _, l := range left {
			if keep(l) {
				kept = append(kept, l)
			}
		}
		if len(kept) == 0 {
			return findError(want, problem, left)
		}
		left = kept
		return nil
	}

	if want.Name != "" {
		if err := narrow(NoSuchName, func(l link) bool { return l.Name == want.Name }); err != nil {
			return link{}, err
		}
	}
	if want.MAC != "" {
		mac, err := net.ParseMAC(want.MAC)
		if err != nil {
			return link{}, err
		}
		if err := narrow(NoSuchMAC, func(l link) bool { return bytes.Equal(l.MAC, mac) }); err != nil {
			return link{}, err
		}
	}
	if want.Address.IsValid() {
		if err := narrow(NoAddress, func(l link) bool { return l.holds(want.Address) }); err != nil {
			return link{}, err
		}
	}
	if len(left) != 1 {
		return link{}, findError(want, Ambiguous, left)
	}
	return left[0], nil
}

func findError(want config.Interface, problem Problem, links []link) error {
	e := &FindError{Want: want, Problem: problem}
	for _, l := range links {
		e.Seen = append(e.Seen, l.seen())
	}
	return e
}

// lacks says why the NIC cannot send from the server's own address. An IPv6 address
// is there before it can be used: the kernel asks first whether another station has
// it (RFC 4862 section 5.4).
func (l link) lacks(own netip.Addr) (why string) {
	if !own.IsValid() {
		return ""
	}
	at := slices.IndexFunc(l.addresses, func(a address) bool { return a.prefix.Addr() == own })
	switch {
	case at < 0:
		return fmt.Sprintf("%s is not on %s", own, l.Name)
	case l.addresses[at].duplicate():
		return fmt.Sprintf("%s is a duplicate on the link of %s: another station has it too", own, l.Name)
	case l.addresses[at].tentative():
		return fmt.Sprintf("%s on %s is tentative: duplicate address detection has not ended", own, l.Name)
	}
	return ""
}

// lacksOnly tells whether the NIC is well but the address cannot be used.
func (l link) lacksOnly(own netip.Addr) bool {
	return l.up && l.running && l.lacks(own) != ""
}

// judge says whether the NIC can carry the virtual router, and if not, why.
func judge(l link, own netip.Addr) (usable bool, why string) {
	switch {
	case !l.up:
		return false, l.Name + " is down"
	case !l.running:
		return false, l.Name + " has no carrier"
	}
	why = l.lacks(own)
	return why == "", why
}
