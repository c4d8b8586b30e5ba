package vrrp

// DropReason says why an advertisement was not used; the zero value says that
// it was. The reasons name counters, so they are short and never change.
type DropReason string

// The reasons, in the order in which Decode checks (RFC 9568 section 7.1).
const (
	Accepted DropReason = ""

	DropFamily    DropReason = "family"     // source and destination of different families, or version 2 over IPv6
	DropTTL       DropReason = "ttl"        // TTL or hop limit not 255 (sections 5.1.1.3, 5.1.2.3)
	DropTruncated DropReason = "truncated"  // shorter than its header and address count say
	DropVersion   DropReason = "version"    // not the version of this router
	DropType      DropReason = "type"       // not an advertisement (section 5.2.2)
	DropCount     DropReason = "count"      // no address (erratum 8299)
	DropAuth      DropReason = "auth"       // version 2 with authentication (RFC 3768 section 5.3.6)
	DropChecksum  DropReason = "checksum"   // section 5.2.8
	DropVRID      DropReason = "vrid"       // of another virtual router
	DropZero      DropReason = "zero"       // interval 0 (erratum 8301): it would cause a takeover at once
	DropInterval  DropReason = "interval"   // version 2: not the configured interval (RFC 3768 section 7.1)
	DropLinkLocal DropReason = "link-local" // first IPv6 address not link-local (erratum 8300)

	// The next two are for the transport, which alone knows the peers and how the
	// router is reached.

	// DropPeer: the sender is no peer. One spoofed advertisement would move the VIP.
	DropPeer DropReason = "peer"
	// DropDestination: addressed neither to this router nor to its group.
	DropDestination DropReason = "destination"
)
