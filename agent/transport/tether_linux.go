package transport

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// A NIC that is moved to another network namespace and back has its index again, and no
// address of the group; nor does a packet socket hear it any more. A raw socket cannot
// tell: it is bound to the index. A packet socket can, for the kernel unbinds it when
// the NIC goes.

// openTether opens a packet socket that is tied to a NIC and hears nothing.
func openTether(index int) (*socket, error) {
	s, err := openPacketSocket("vrrp-tether")
	if err != nil {
		return nil, err
	}
	// Protocol 0 is none (packet(7)).
	err = s.control(func(fd int) error { return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: index}) })
	if err != nil {
		_ = s.close()
		return nil, fmt.Errorf("bind packet socket: %w", err)
	}
	return s, nil
}

// unplugged tells whether the NIC has gone since the link was opened. It may be back.
//
// The membership of the group is let go of then. It went with the NIC, but the socket
// has it still, by the index; and to leave the group later, or to close the socket, would
// take a membership from those who have joined on the NIC since.
func (l *link) unplugged() bool {
	gone := false
	// An error says that the socket is closed, and nobody asks then.
	_ = l.tether.control(func(fd int) error {
		at, err := unix.Getsockname(fd)
		if to, ok := at.(*unix.SockaddrLinklayer); ok {
			gone = to.Ifindex != l.index
		}
		return err
	})
	if gone { // an error: it is in unicast, or has left before
		_ = l.adverts.socket.control(func(fd int) error { return l.family.member(fd, l.index, false) })
	}
	return gone
}

// Unplugged tells whether the NIC has gone since the Conn was opened, were it only to
// another network namespace and back. Then another Conn is needed. It is asked as soon
// as the NIC may have gone, so that nothing of this one is left when it is back.
func (c *Conn) Unplugged() bool { return c.link.unplugged() }
