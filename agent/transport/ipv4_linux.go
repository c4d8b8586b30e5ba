package transport

import (
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

type ipv4 struct{}

func (ipv4) domain() int { return unix.AF_INET }

// group is of RFC 9568 section 5.1.1.2.
func (ipv4) group() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 18}) }

func (ipv4) layout() layout { return ipv4Layout }

func (ipv4) prepare(fd int) error {
	return setOptions(fd, []option{
		{"TTL", unix.IPPROTO_IP, unix.IP_TTL, vrrp.TTL},
		{"multicast TTL", unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, vrrp.TTL},
		{"multicast loop", unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0},
		{"TOS", unix.IPPROTO_IP, unix.IP_TOS, classCS6},
	})
}

func (f ipv4) member(fd, index int, join bool) error {
	option := unix.IP_DROP_MEMBERSHIP
	if join {
		option = unix.IP_ADD_MEMBERSHIP
	}
	err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, option, &unix.IPMreqn{
		Multiaddr: f.group().As4(),
		Ifindex:   int32(index),
	})
	if err != nil {
		return fmt.Errorf("join or leave %s: %w", f.group(), err)
	}
	return nil
}

// parse reads the IP header, which a raw IPv4 socket hands over with the packet
// (raw(7)). The kernel has checked it and put fragments together.
func (ipv4) parse(data []byte, _ []unix.SocketControlMessage, _ syscall.Sockaddr) (datagram, bool) {
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

func (ipv4) to(destination netip.Addr, _ int) unix.Sockaddr {
	return &unix.SockaddrInet4{Addr: destination.As4()}
}

func (ipv4) from(source netip.Addr, index int) []byte {
	return unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(index), Spec_dst: source.As4()})
}
