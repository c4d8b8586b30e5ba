package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// family is what differs between the IP versions.
type family interface {
	domain() int
	// group is whom advertisements go to in multicast.
	group() netip.Addr
	layout() layout
	// prepare sets the options of outgoing packets and asks for what parse needs.
	prepare(fd int) error
	// member joins or leaves the group on a NIC.
	member(fd, index int, join bool) error
	// parse takes apart what recvmsg returned.
	parse(data []byte, ancillary []unix.SocketControlMessage, from syscall.Sockaddr) (datagram, bool)
	to(destination netip.Addr, index int) unix.Sockaddr
	// from is the control message that chooses the source address. It is named with
	// each packet instead of binding the socket to it: the address may come and go
	// (DHCP) while the socket stays, and sending fails while it is gone.
	from(source netip.Addr, index int) []byte
}

// familyOf is the one place where the IP version is decided.
func familyOf(source netip.Addr) (family, error) {
	switch {
	case source.Is4():
		return ipv4{}, nil
	case source.Is6() && !source.Is4In6():
		return ipv6{}, nil
	case source.IsValid():
		return nil, fmt.Errorf("source %s is of no family", source)
	}
	return nil, errors.New("no source address")
}

// classCS6 is the TOS octet or traffic class of DSCP CS6, network control (RFC
// 4594 section 3.2).
const classCS6 = 0xc0

// option is a socket option of an int.
type option struct {
	what               string
	level, name, value int
}

func setOptions(fd int, options []option) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("set %s: %w", o.what, err)
		}
	}
	return nil
}
