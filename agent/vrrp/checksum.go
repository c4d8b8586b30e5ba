package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// ChecksumForm says over what a checksum was computed.
type ChecksumForm string

// The forms. RFC 9568 section 5.2.8 covers the message alone for IPv4, while the
// deployed daemons (keepalived, FRR, routers) include a pseudo-header: both are
// accepted, and the pseudo-header is sent, unless a Packet asks otherwise.
const (
	ChecksumPseudo  ChecksumForm = "pseudo-header"
	ChecksumMessage ChecksumForm = "message"
)

// checksumForms is what may stand in a message of this version and family, the
// usual one first. IPv6 always has the pseudo-header of RFC 8200 section 8.1;
// version 2 never has one (RFC 3768 section 5.3.8).
func checksumForms(version int, src netip.Addr) []ChecksumForm {
	switch {
	case version == 2:
		return []ChecksumForm{ChecksumMessage}
	case src.Is4():
		return []ChecksumForm{ChecksumPseudo, ChecksumMessage}
	default:
		return []ChecksumForm{ChecksumPseudo}
	}
}

// checksum is the Internet checksum (RFC 1071) of msg in the given form. Over a
// message that holds its right checksum it is 0.
func checksum(msg []byte, form ChecksumForm, src, dst netip.Addr) uint16 {
	sum := addWords(0, msg)
	if form == ChecksumPseudo {
		sum = addWords(sum, src.AsSlice())
		sum = addWords(sum, dst.AsSlice())
		sum += Protocol + uint32(len(msg))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// addWords adds b to sum as big-endian words. A message has at most 8+255*16
// bytes, so 32 bits hold every carry.
func addWords(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	return sum
}
