package transport

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// family is what differs between the IP versions.
type family interface {
	domain() int
	// prepare sets the options of an outgoing or incoming packet's header.
	prepare(fd int) error
	// filter keeps so many bytes of the packets of peers and of all others.
	filter(peers []netip.Addr, ofPeers, ofOthers uint32) ([]bpf.RawInstruction, error)
	// parse takes apart what recvmsg returned.
	parse(data []byte, ancillary []unix.SocketControlMessage, from unix.Sockaddr) (datagram, bool)
	to(peer netip.Addr) unix.Sockaddr
	// from is the control message that chooses the source address.
	from(source netip.Addr) []byte
}

// datagram is a received packet of protocol 112.
type datagram struct {
	src, dst netip.Addr
	ttl      int
	payload  []byte
}

// familyOf is the one place where the IP version is decided.
func familyOf(source netip.Addr) (family, error) {
	switch {
	case source.Is4():
		return ipv4{}, nil
	case source.IsValid():
		return nil, fmt.Errorf("source %s: IPv6: %w", source, errors.ErrUnsupported)
	}
	return nil, errors.New("no source address")
}

// classCS6 is the TOS octet of DSCP CS6, network control (RFC 4594 section 3.2).
const classCS6 = 0xc0

type ipv4 struct{}

func (ipv4) domain() int { return unix.AF_INET }

func (ipv4) prepare(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, vrrp.TTL); err != nil {
		return fmt.Errorf("set TTL: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, classCS6); err != nil {
		return fmt.Errorf("set TOS: %w", err)
	}
	return nil
}

func (ipv4) filter(peers []netip.Addr, ofPeers, ofOthers uint32) ([]bpf.RawInstruction, error) {
	return ipv4SourceFilter(peers, ofPeers, ofOthers)
}

// parse reads the IP header, which a raw IPv4 socket hands over with the packet
// (raw(7)). The kernel has checked it and put fragments together.
func (ipv4) parse(data []byte, _ []unix.SocketControlMessage, _ unix.Sockaddr) (datagram, bool) {
	if len(data) < 20 {
		return datagram{}, false
	}
	headerLen := int(data[0]&0x0f) * 4
	if headerLen < 20 || headerLen > len(data) {
		return datagram{}, false
	}
	return datagram{
		src:     netip.AddrFrom4([4]byte(data[12:16])),
		dst:     netip.AddrFrom4([4]byte(data[16:20])),
		ttl:     int(data[8]),
		payload: data[headerLen:],
	}, true
}

func (ipv4) to(peer netip.Addr) unix.Sockaddr {
	return &unix.SockaddrInet4{Addr: peer.As4()}
}

// from names the source with each packet instead of binding the socket to it: the
// address may come and go (DHCP) while the socket stays, and sending fails while
// it is gone.
func (ipv4) from(source netip.Addr) []byte {
	return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: source.As4()})
}
