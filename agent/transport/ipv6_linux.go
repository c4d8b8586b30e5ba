package transport

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

type ipv6 struct{}

func (ipv6) domain() int { return unix.AF_INET6 }

// group is of RFC 9568 section 5.1.2.2.
func (ipv6) group() netip.Addr { return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12}) }

func (ipv6) layout() layout { return ipv6Layout }

// prepare: a raw IPv6 socket neither shows nor takes the IP header; what the codec
// needs of it comes beside each packet (RFC 3542 section 6). The checksum is the
// codec's.
func (ipv6) prepare(fd int) error {
	return setOptions(fd, []option{
		{"hop limit", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, vrrp.TTL},
		{"multicast hop limit", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, vrrp.TTL},
		{"multicast loop", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
		{"traffic class", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, classCS6},
		{"receipt of hop limits", unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
		{"receipt of destinations", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
	})
}

func (f ipv6) member(fd, index int, join bool) error {
	option := unix.IPV6_LEAVE_GROUP
	if join {
		option = unix.IPV6_JOIN_GROUP
	}
	err := unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, option, &unix.IPv6Mreq{
		Multiaddr: f.group().As16(),
		Interface: uint32(index),
	})
	if err != nil {
		return fmt.Errorf("join or leave %s: %w", f.group(), err)
	}
	return nil
}

func (ipv6) parse(data []byte, ancillary []unix.SocketControlMessage, from syscall.Sockaddr) (datagram, bool) {
	sender, ok := from.(*syscall.SockaddrInet6)
	if !ok {
		return datagram{}, false
	}
	d := datagram{src: netip.AddrFrom16(sender.Addr), payload: data}
	var hops bool
	for _, m := range ancillary {
		switch {
		case m.Header.Level != unix.IPPROTO_IPV6:
		case m.Header.Type == unix.IPV6_HOPLIMIT && len(m.Data) >= 4:
			d.ttl, hops = int(binary.NativeEndian.Uint32(m.Data)), true
		case m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			d.dst = netip.AddrFrom16([16]byte(m.Data[:16]))
		}
	}
	return d, hops && d.dst.IsValid()
}

func (ipv6) to(destination netip.Addr, index int) unix.Sockaddr {
	to := &unix.SockaddrInet6{Addr: destination.As16()}
	if destination.IsLinkLocalUnicast() || destination.IsLinkLocalMulticast() {
		to.ZoneId = uint32(index)
	}
	return to
}

func (ipv6) from(source netip.Addr, index int) []byte {
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: source.As16(), Ifindex: uint32(index)})
}
