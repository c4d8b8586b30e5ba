package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/strict"
	"github.com/havip/havip/agent/vrrp"
)

// The versions of the protocol that this agent speaks.
const (
	vrrp2 = 2 // RFC 3768
	vrrp3 = 3 // RFC 9568
)

// Version 3 sends the interval in centiseconds, in 12 bits (RFC 9568 section
// 5.2.7); version 2 in seconds, in 8 bits (RFC 3768 section 5.3.7).
const (
	MinInterval  = 10 * time.Millisecond
	MaxInterval  = 4095 * 10 * time.Millisecond
	minInterval2 = time.Second
	maxInterval2 = 255 * time.Second
)

// Limits of what the RFCs leave open.
const (
	maxDelay   = api.Duration(1000 * time.Second) // keepalived's, for both delays
	minRefresh = api.Duration(time.Second)
	maxRefresh = api.Duration(time.Hour)
)

// maxAddresses is what the count of an advertisement can say (RFC 9568
// section 5.2.5).
const maxAddresses = 255

// The priorities that members may have: those below are for unhealthy
// members, those between are spoken for by vrrp.
const (
	minPriority = vrrp.PriorityUnhealthyMax + 1
	maxPriority = vrrp.PrioritySwitchover - 1
)

func validateRouter(r Router, report strict.Report) {
	// RFC 9568 section 5.2.3.
	if r.VRID < 1 || r.VRID > 255 {
		report("vrid", fmt.Sprintf("want 1 to 255, got %d", r.VRID), "")
	}
	validateInterface(r.Interface, report.Under("interface"))
	validatePriority(r.Priority, report)
	switch r.Version {
	case vrrp2, vrrp3:
		ValidateInterval(time.Duration(r.Interval), r.Version, report.Under("interval"))
	default:
		report("version", fmt.Sprintf("want 2 or 3, got %d", r.Version), "")
	}
	// RFC 9568 section 6.1: the owner preempts, whatever is configured.
	ValidateDelays(r.Preempt || r.Priority == vrrp.PriorityOwner, r.PreemptDelay, r.StartDelay, report)
	validateChecksum(r, report)
	ValidateAnnounce(r.Announce, report.Under("announce"))
	if r.Announce.Replies && r.Source.Is6() {
		report("announce.replies", "is of ARP, which IPv6 has not", "take the key away")
	}
	sourceOK := validateSource(r, report)
	validateVIPs(r, sourceOK, report)
	validatePeers(r, sourceOK, report)
}

// ValidateInterval checks an advertisement interval of a version of VRRP. The
// report's field is the interval's own.
func ValidateInterval(d time.Duration, version int, report strict.Report) {
	switch {
	case version == vrrp2 && (d < minInterval2 || d > maxInterval2 || d%time.Second != 0):
		report("", fmt.Sprintf("want whole seconds, 1s to 255s, got %s", d), "VRRP version 2 has no shorter one: version 3 does")
	case version == vrrp2:
	case d < MinInterval || d > MaxInterval:
		report("", fmt.Sprintf("want 10ms to 40.95s, got %s", d), "")
	case d%(10*time.Millisecond) != 0:
		report("", fmt.Sprintf("want a multiple of 10ms, got %s", d), "VRRP sends the interval in hundredths of a second: take "+d.Round(10*time.Millisecond).String())
	}
}

// ValidateDelays checks the delays of a takeover. The report's fields are
// preempt_delay and start_delay.
func ValidateDelays(preempts bool, preempt, start api.Duration, report strict.Report) {
	within := func(field string, d api.Duration) {
		if d < 0 || d > maxDelay {
			report(field, fmt.Sprintf("want 0s to %s, got %s", maxDelay, d), "")
		}
	}
	within("preempt_delay", preempt)
	within("start_delay", start)
	if preempt > 0 && !preempts {
		report("preempt_delay", "has no effect without preemption", "write preempt: true, or take the key away")
	}
}

// ValidateAnnounce checks how announcements are made. The report's fields are
// those of announce.
func ValidateAnnounce(a Announce, report strict.Report) {
	if a.Refresh < minRefresh || a.Refresh > maxRefresh {
		report("refresh", fmt.Sprintf("want %s to %s, got %s", minRefresh, maxRefresh, a.Refresh), "")
	}
}

// validatePriority keeps to the priorities that have no other meaning.
func validatePriority(p int, report strict.Report) {
	switch {
	case p == vrrp.PriorityOwner || p >= minPriority && p <= maxPriority:
	case p == vrrp.PrioritySwitchover:
		report("priority", fmt.Sprintf("%d is reserved for the target of a switchover", p), fmt.Sprintf("take %d to %d, or 255 for the owner of the address", minPriority, maxPriority))
	case p > vrrp.PriorityLeave && p < minPriority:
		report("priority", fmt.Sprintf("%d is reserved: 1 to %d are of members that have yielded or are unhealthy", p, vrrp.PriorityUnhealthyMax), fmt.Sprintf("take %d to %d", minPriority, maxPriority))
	default:
		report("priority", fmt.Sprintf("want %d to %d, or 255 for the owner of the address, got %d", minPriority, maxPriority, p), "")
	}
}

// validateChecksum refuses a choice where there is none: version 2 covers the
// message (RFC 3768 section 5.3.8), IPv6 the pseudo-header too (RFC 8200
// section 8.1).
func validateChecksum(r Router, report strict.Report) {
	switch {
	case r.Checksum == "":
	case r.Checksum != vrrp.ChecksumPseudo && r.Checksum != vrrp.ChecksumMessage:
		report("checksum", fmt.Sprintf("want %s or %s, got %q", vrrp.ChecksumPseudo, vrrp.ChecksumMessage, r.Checksum), "")
	case r.Version == vrrp2:
		report("checksum", "is for version 3: version 2 has only one", "take the key away")
	case r.Source.Is6():
		report("checksum", "is for IPv4: IPv6 has only one", "take the key away")
	}
}

func validateInterface(i Interface, report strict.Report) {
	const hint = "give mac and address of the NIC, or its name"
	switch {
	case i == Interface{}:
		report("", "is missing", hint)
		return
	case i.Name != "" && (i.MAC != "" || i.Address.IsValid()):
		report("", "has both a name and mac or address", hint)
	case i.Name == "" && i.MAC == "":
		report("mac", "is missing", hint)
	case i.Name == "" && !i.Address.IsValid():
		report("address", "is missing", "several interfaces may share a MAC (VLANs, bonds): give the NIC's own address as well")
	}
	// dev_valid_name of Linux: at most 15 bytes, no "/", ":" or white space.
	if len(i.Name) > 15 || strings.ContainsAny(i.Name, "/: \t\r\n") || i.Name == "." || i.Name == ".." {
		report("name", fmt.Sprintf("%q cannot be the name of an interface", i.Name), "")
	}
	if mac, err := net.ParseMAC(i.MAC); i.MAC != "" && (err != nil || len(mac) != 6) {
		report("mac", fmt.Sprintf("want a MAC such as fa:16:3e:12:34:56, got %q", i.MAC), "")
	}
	if i.Address.IsValid() {
		ValidateAddress(i.Address, report.Under("address"))
	}
}

// validateSource checks the address that advertisements come from.
func validateSource(r Router, report strict.Report) bool {
	switch s := r.Source; {
	case !ValidateAddress(s, report.Under("source")):
		return false
	case s.Is6() && r.Version == vrrp2:
		report("source", fmt.Sprintf("%s is IPv6, which VRRP version 2 does not know", s), "write version: 3")
	// RFC 9568 section 5.1.2.1: the source is the link-local address.
	case s.Is6() && r.Mode == ModeMulticast && !s.IsLinkLocalUnicast():
		report("source", fmt.Sprintf("%s is not link-local, as multicast over IPv6 wants it", s), "give the NIC's own address in fe80::/10, or peers")
	default:
		return true
	}
	return false
}

func validateVIPs(r Router, sourceOK bool, report strict.Report) {
	switch n := len(r.Addresses); {
	case n == 0:
		report("addresses", "is missing", "give at least one virtual address, such as 10.0.0.136/32")
	case n > maxAddresses:
		report("addresses", fmt.Sprintf("has %d addresses, and an advertisement holds at most %d", n, maxAddresses), "")
	}
	for i, p := range r.Addresses {
		field := report.Under(fmt.Sprintf("addresses[%d]", i))
		if !ValidateAddress(p.Addr(), field) || !sourceOK {
			continue
		}
		switch {
		case p.Addr().Is4() != r.Source.Is4():
			field("", fmt.Sprintf("%s is %s, and the source is %s", p.Addr(), familyOf(p.Addr()), familyOf(r.Source)), "make a router for each address family: routers of one file move together")
		case p.Addr() == r.Source && r.Priority != vrrp.PriorityOwner:
			field("", fmt.Sprintf("%s is the source, the server's own address", p.Addr()), "a virtual address belongs to no server, or to the one with priority 255")
		case p.Addr() == r.Source && r.Mode == ModeUnicast:
			// Its backups would have to name their own VIP as a peer, and could not
			// hear it while they have it.
			field("", fmt.Sprintf("%s is the source, which the other members could not have as a peer", p.Addr()), "in unicast a virtual address belongs to no server: take another one, or write mode: multicast")
		case i == 0 && p.Addr().Is6() && r.Mode == ModeMulticast && !p.Addr().IsLinkLocalUnicast():
			// RFC 9568 section 5.2.9; others drop what differs.
			field("", fmt.Sprintf("%s is not link-local, as the first address of an IPv6 router has to be", p.Addr()), "put one in fe80::/10 before it, the same on each member")
		default:
			validateLength(p, r.Source, field)
		}
	}
}

// validateLength checks the prefix length of a VIP. One that is longer than the
// address alone is for the NIC's own subnet: any other would put a network on
// the link that is not there.
func validateLength(p netip.Prefix, source netip.Addr, report strict.Report) {
	if p.IsSingleIP() || p.Addr() == source {
		return
	}
	alone := p.Addr().BitLen()
	outside := !p.Masked().Contains(source) && !source.IsLinkLocalUnicast()
	switch first, last := edges(p); {
	case p.Bits() == 0 || outside:
		report("", fmt.Sprintf("the source %s is not in %s", source, p.Masked()), fmt.Sprintf("take the NIC's own prefix length, or /%d", alone))
	case p.Addr().Is4() && alone-p.Bits() > 1 && (p.Addr() == first || p.Addr() == last):
		report("", fmt.Sprintf("%s is the first or last address of its network, which no server has", p), "")
	}
}

// edges returns the first and the last address of an IPv4 network.
func edges(p netip.Prefix) (first, last netip.Addr) {
	first = p.Masked().Addr()
	if !first.Is4() {
		return first, first
	}
	b := first.As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return first, netip.AddrFrom4(b)
}

func validatePeers(r Router, sourceOK bool, report strict.Report) {
	switch r.Mode {
	case ModeMulticast:
	case ModeUnicast:
		if len(r.Peers) == 0 {
			report("peers", "is missing: unicast has to know them", "list the addresses of the other members, or write mode: multicast")
		}
	default:
		report("mode", fmt.Sprintf("want %s or %s, got %q", ModeUnicast, ModeMulticast, r.Mode), "")
	}
	seen := map[netip.Addr]bool{}
	for i, p := range r.Peers {
		field := report.Under(fmt.Sprintf("peers[%d]", i))
		switch {
		case !ValidateAddress(p, field):
		case sourceOK && p == r.Source:
			field("", fmt.Sprintf("%s is the source itself", p), "list the other members only")
		case sourceOK && p.Is4() != r.Source.Is4():
			field("", fmt.Sprintf("%s is %s, and the source is %s", p, familyOf(p), familyOf(r.Source)), "")
		case sourceOK && p.Is6() && p.IsLinkLocalUnicast() != r.Source.IsLinkLocalUnicast():
			field("", fmt.Sprintf("of %s and the source %s only one is link-local", p, r.Source), "a peer is known by the address that its advertisements come from")
		case seen[p]:
			field("", fmt.Sprintf("%s stands twice", p), "")
		// In multicast it is the owner's, which has the VIP as its own address.
		case contains(r.Addresses, p) && r.Mode != ModeMulticast:
			field("", fmt.Sprintf("%s is a virtual address of this router", p), "a peer is known by its own address")
		}
		seen[p] = true
	}
}
