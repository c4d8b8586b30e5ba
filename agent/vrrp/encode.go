package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Encode writes p as the IP payload of a packet from src to dst. An empty
// Checksum is the usual form of its version and family. Reserved bits and version
// 2's authentication data are zero (RFC 9568 section 5.2.6, RFC 3768 section 5.3.10).
func Encode(p Packet, src, dst netip.Addr) ([]byte, error) {
	src, dst = src.Unmap(), dst.Unmap()
	if err := encodable(p, src, dst); err != nil {
		return nil, fmt.Errorf("encode advertisement of vrid %d: %w", p.VRID, err)
	}
	form := p.Checksum
	if form == "" {
		form = checksumForms(p.Version, src)[0]
	}

	n := headerLen + len(p.Addresses)*addrLen(src)
	if p.Version == 2 {
		n += authLen
	}
	b := make([]byte, headerLen, n)
	b[0] = byte(p.Version<<4 | typeAdvertisement)
	b[1], b[2], b[3] = byte(p.VRID), byte(p.Priority), byte(len(p.Addresses))
	if p.Version == 2 {
		b[5] = byte(p.Interval / time.Second)
	} else {
		binary.BigEndian.PutUint16(b[4:], uint16(p.Interval/centisecond))
	}
	for _, addr := range p.Addresses {
		b = append(b, addr.AsSlice()...)
	}
	b = b[:n]
	binary.BigEndian.PutUint16(b[checksumOffset:], checksum(b, form, src, dst))
	return b, nil
}

// encodable refuses what the fields of an advertisement cannot hold, rather than
// to send something else.
func encodable(p Packet, src, dst netip.Addr) error {
	switch {
	case p.Version != 2 && p.Version != 3:
		return fmt.Errorf("version %d is not 2 or 3", p.Version)
	case !src.IsValid() || !dst.IsValid() || src.Is4() != dst.Is4():
		return fmt.Errorf("source %s and destination %s are not of one family", src, dst)
	case p.Version == 2 && !src.Is4():
		return fmt.Errorf("version 2 is IPv4 only, the source is %s", src)
	case p.VRID < 1 || p.VRID > 255:
		return fmt.Errorf("vrid is not in 1 to 255")
	case p.Priority < 0 || p.Priority > 255:
		return fmt.Errorf("priority %d is not in 0 to 255", p.Priority)
	case len(p.Addresses) < 1 || len(p.Addresses) > 255:
		return fmt.Errorf("%d addresses are not 1 to 255", len(p.Addresses))
	}
	for _, addr := range p.Addresses {
		if !addr.IsValid() || addr.Is4() != src.Is4() {
			return fmt.Errorf("address %s is not of the family of source %s", addr, src)
		}
	}
	if p.Checksum != "" && !slices.Contains(checksumForms(p.Version, src), p.Checksum) {
		return fmt.Errorf("a checksum of form %q is not for version %d from %s", p.Checksum, p.Version, src)
	}
	unit, most := centisecond, maxIntervalV3
	if p.Version == 2 {
		unit, most = time.Second, maxIntervalV2
	}
	if p.Interval < unit || p.Interval > most || p.Interval%unit != 0 {
		return fmt.Errorf("interval %s is not a multiple of %s up to %s", p.Interval, unit, most)
	}
	return nil
}
