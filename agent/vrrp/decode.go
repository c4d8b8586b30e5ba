package vrrp

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Expect is what a virtual router demands of the advertisements it uses.
type Expect struct {
	Version int
	VRID    int
	// Interval is the configured one. Version 2 drops any other (RFC 3768 section
	// 7.1); version 3 keeps it and learns it (RFC 9568 section 6.4.2).
	Interval time.Duration
	// LinkLocalFirst drops IPv6 advertisements whose first address is not
	// link-local. For multicast; see Packet.FirstIsLinkLocal for unicast.
	LinkLocalFirst bool
}

// Decode reads the advertisement in the IP payload that came from src to dst
// with this TTL or hop limit, and makes the checks of RFC 9568 section 7.1 that
// need nothing but the packet. On a drop the Packet holds what was read so far,
// for the log. Reserved bits are ignored, and so is what follows the message.
//
// Two checks of section 7.1 are not made: an address list other than the
// configured one is for the log (the caller has Packet.Addresses), and an address
// owner hears other actives, so that two owners do not stay active for ever.
func Decode(payload []byte, src, dst netip.Addr, ttl int, want Expect) (Packet, DropReason) {
	src, dst = src.Unmap(), dst.Unmap()
	var p Packet
	switch {
	case !src.IsValid() || !dst.IsValid() || src.Is4() != dst.Is4():
		return p, DropFamily
	case ttl != TTL:
		return p, DropTTL
	case len(payload) < headerLen:
		return p, DropTruncated
	}

	p.Version = int(payload[0] >> 4)
	p.VRID = int(payload[1])
	p.Priority = int(payload[2])
	switch {
	case p.Version != want.Version || p.Version != 2 && p.Version != 3:
		return p, DropVersion
	case p.Version == 2 && !src.Is4():
		return p, DropFamily
	case payload[0]&0x0f != typeAdvertisement:
		return p, DropType
	case payload[3] == 0:
		return p, DropCount
	}

	msg, reason := message(payload, p.Version, addrLen(src))
	if reason != Accepted {
		return p, reason
	}
	if p.Checksum = findChecksum(msg, p.Version, src, dst); p.Checksum == "" {
		return p, DropChecksum
	}
	p.Interval = interval(msg, p.Version)
	p.Addresses = addresses(msg, addrLen(src))

	switch {
	case p.VRID != want.VRID:
		return p, DropVRID
	case p.Interval == 0:
		return p, DropZero
	case p.Version == 2 && p.Interval != want.Interval:
		return p, DropInterval
	case want.LinkLocalFirst && src.Is6() && !p.FirstIsLinkLocal():
		return p, DropLinkLocal
	}
	return p, Accepted
}

// message is the part of payload that is the VRRP message: the length follows
// from the address count.
func message(payload []byte, version, addrLen int) ([]byte, DropReason) {
	n := headerLen + int(payload[3])*addrLen
	if version == 2 {
		if payload[4] != 0 {
			return nil, DropAuth
		}
		n += authLen
	}
	if len(payload) < n {
		return nil, DropTruncated
	}
	return payload[:n], Accepted
}

// findChecksum is the form in which msg's checksum is right; empty when none is.
func findChecksum(msg []byte, version int, src, dst netip.Addr) ChecksumForm {
	for _, form := range checksumForms(version, src) {
		if checksum(msg, form, src, dst) == 0 {
			return form
		}
	}
	return ""
}

// interval reads the advertisement interval: 4 reserved bits and 12 bits of
// centiseconds (RFC 9568 section 5.2.7), or a byte of seconds after the
// authentication type (RFC 3768 section 5.3.7).
func interval(msg []byte, version int) time.Duration {
	if version == 2 {
		return time.Duration(msg[5]) * time.Second
	}
	return time.Duration(binary.BigEndian.Uint16(msg[4:])&0x0fff) * centisecond
}

// addresses reads the address list of a message whose length was checked.
func addresses(msg []byte, addrLen int) []netip.Addr {
	list := make([]netip.Addr, 0, msg[3])
	for b := msg[headerLen:]; len(list) < int(msg[3]); b = b[addrLen:] {
		addr, _ := netip.AddrFromSlice(b[:addrLen]) // 4 or 16 bytes: always one
		list = append(list, addr)
	}
	return list
}
