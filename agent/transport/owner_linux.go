package transport

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// The owner of a VIP (RFC 9568 section 1.7) sends from the VIP. While a backup has
// that on its NIC, the kernel drops the owner's IPv4 packets, since their source is
// an address of its own, before a raw socket sees them; and the backup would stay
// active beside the owner for ever. A packet socket sees them. As it looks at each
// IPv4 packet of the NIC, it is bound only when an owner is known: as a peer, or by
// an advertisement that came while the VIP was not here.

// isOwner tells whether a sender is the owner of one of the VIPs: another one than us.
func (c Config) isOwner(sender netip.Addr) bool {
	return c.Multicast && sender != c.Source && slices.Contains(c.Addresses, sender)
}

// hasOwner tells whether an owner is among the peers.
func (c Config) hasOwner() bool { return slices.ContainsFunc(c.Peers, c.isOwner) }

// openPacketSocket opens a packet socket that hears nothing until it is bound.
func openPacketSocket(name string) (*socket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), name)
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &socket{file: file, raw: raw}, nil
}

// openOwnerSocket opens a packet socket that hears nothing until listenToOwner.
func openOwnerSocket() (*socket, error) {
	s, err := openPacketSocket("vrrp-owner")
	if err != nil {
		return nil, err
	}
	err = s.setReceiveBuffer(advertsBuffer)
	if err == nil {
		err = s.control(func(fd int) error {
			return setOptions(fd, []option{{"receipt of time stamps", unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1}})
		})
	}
	if err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

// listenToOwner hears the advertisements that come from VIPs from now on. It is
// called with mu held.
func (l *link) listenToOwner() error {
	var a audience
	for _, c := range l.conns {
		if !c.cfg.Multicast {
			continue
		}
		a.vrids[c.cfg.VRID] = true
		for _, vip := range c.cfg.Addresses {
			if c.cfg.isOwner(vip) {
				a.from = union(a.from, vip)
			}
		}
	}
	a.to = []netip.Addr{l.family.group()}
	l.owner.audience = a
	filter, err := a.ownerFilter(l.index)
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	if err := l.owner.socket.setFilter(filter); err != nil {
		return err
	}
	if l.ownerKnown {
		return nil
	}
	err = l.owner.socket.control(func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: l.index})
	})
	if err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	l.ownerKnown = true
	return nil
}

// ownerFilter keeps the adverts among all IPv4 packets of a NIC. A fragment is none: the
// kernel puts the others together later. Nor is what the kernel would keep from its IPv4:
// frames to other stations, as which those of a VLAN count that this server is not in,
// and frames of a VLAN that it is in, which are that device's.
func (a audience) ownerFilter(index int) ([]bpf.RawInstruction, error) {
	const fragment, protocol, offsetAndMore = 6, 9, 0x3fff
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PACKET_OTHERHOST, SkipTrue: 1},
		bpf.RetConstant{Val: keepNone},
		bpf.LoadExtension{Num: bpf.ExtInterfaceIndex},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(index), SkipTrue: 1},
		bpf.RetConstant{Val: keepNone},
		bpf.LoadAbsolute{Off: protocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.Protocol, SkipTrue: 1},
		bpf.RetConstant{Val: keepNone},
		bpf.LoadAbsolute{Off: fragment, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: offsetAndMore, SkipTrue: 1},
		bpf.RetConstant{Val: keepNone},
	})
	if err != nil {
		return nil, err
	}
	rest, err := a.classFilter(ipv4Layout, adverts, keepAll)
	return append(program, rest...), err
}

// meetOwner begins to listen to an owner that was heard while its address was not
// here. It is called with mu held.
func (l *link) meetOwner() {
	if l.owner != nil {
		// On an error its next advertisement tries again.
		_ = l.listenToOwner()
	}
}

// networkOrder is the protocol as a packet socket's address has it (packet(7)).
func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}
