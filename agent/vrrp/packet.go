package vrrp

import (
	"net/netip"
	"time"
)

// Protocol is VRRP's IP protocol number (RFC 9568 section 5.1.1.4).
const Protocol = 112

// TTL is the TTL or hop limit of every advertisement (RFC 9568 sections
// 5.1.1.3 and 5.1.2.3): a router on the way would have lowered it.
const TTL = 255

// The layout of an advertisement (RFC 9568 section 5.2, RFC 3768 section 5.1).
const (
	typeAdvertisement = 1
	headerLen         = 8
	authLen           = 8 // version 2 only, zeros
	checksumOffset    = 6

	centisecond   = 10 * time.Millisecond // version 3 counts these (RFC 9568 section 5.2.7)
	maxIntervalV3 = 4095 * centisecond    // 12 bits
	maxIntervalV2 = 255 * time.Second     // 8 bits (RFC 3768 section 5.3.7)
)

// Packet is one advertisement.
type Packet struct {
	Version   int // 3, or 2 (IPv4 only)
	VRID      int
	Priority  int
	Interval  time.Duration
	Addresses []netip.Addr
	Checksum  ChecksumForm
}

// FirstIsLinkLocal tells whether the first address is an IPv6 link-local one,
// as RFC 9568 section 5.2.9 demands of IPv6. A Neutron VIP is one global address,
// so in unicast this is counted and not a reason to drop.
func (p Packet) FirstIsLinkLocal() bool {
	return len(p.Addresses) > 0 && p.Addresses[0].Is6() && p.Addresses[0].IsLinkLocalUnicast()
}

// addrLen is the length of an address of the family of a.
func addrLen(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 16
}
