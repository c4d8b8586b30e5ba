package transport

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// Config is what a Conn needs to know of its virtual router.
type Config struct {
	Interface string     // name of the NIC
	Source    netip.Addr // of the adverts, an address of the NIC; decides the family
	// Peers are whom the adverts go to and from whom they are taken. With
	// Multicast they are only the latter; empty: from all.
	Peers     []netip.Addr
	Multicast bool
	// Checksum is the form that is sent; empty: the usual one.
	Checksum vrrp.ChecksumForm
	VRID     int
	Version  int
	// Interval is the configured one. Only version 2 needs it: it drops adverts
	// with any other (RFC 3768 section 7.1).
	Interval  time.Duration
	Addresses []netip.Addr // the VIPs, as the adverts list them
	// Arrived is called when there has come to be something to Take, by any goroutine.
	// It must neither wait nor call the Conn. Nil: nobody wants to know.
	Arrived func()
}

// Advert is a valid advertisement of a peer.
type Advert struct {
	From      netip.Addr
	Priority  int
	Interval  time.Duration
	Addresses []netip.Addr
	Checksum  vrrp.ChecksumForm
	// At is when the kernel received it, however late it was read. It has a
	// monotonic reading.
	At time.Time
}
