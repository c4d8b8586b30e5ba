package transport

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// socket is a raw socket of protocol 112 on one device, with a filter and a
// bounded receive buffer. It never blocks but in readable.
type socket struct {
	file *os.File
	raw  syscall.RawConn
}

// openSocket opens a socket that drops everything until setFilter is called. Only
// an awaited one can be waited for, in readable: each of its packets wakes the
// agent's poller.
func openSocket(f family, device string, receiveBuffer int, awaited bool) (*socket, error) {
	kind := unix.SOCK_RAW | unix.SOCK_CLOEXEC
	if awaited {
		kind |= unix.SOCK_NONBLOCK // by which os.NewFile knows
	}
	fd, err := unix.Socket(f.domain(), kind, vrrp.Protocol)
	if err != nil {
		return nil, fmt.Errorf("open raw socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "vrrp")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	s := &socket{file: file, raw: raw}
	if err := s.prepare(f, fd, device, receiveBuffer); err != nil {
		_ = file.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) prepare(f family, fd int, device string, receiveBuffer int) error {
	closed, err := dropAll()
	if err != nil {
		return err
	}
	if err := s.setFilter(closed); err != nil {
		return err
	}
	if err := unix.BindToDevice(fd, device); err != nil {
		return fmt.Errorf("bind to device %q: %w", device, err)
	}
	if err := s.setReceiveBuffer(receiveBuffer); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("ask for receive time stamps: %w", err)
	}
	if err := f.prepare(fd); err != nil {
		return err
	}
	// TC_PRIO_INTERACTIVE: the first band of pfifo_fast, and the highest that
	// needs no privilege. After IP_TOS, which sets it as well.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, 6); err != nil {
		return fmt.Errorf("set priority: %w", err)
	}
	// What came before the filter did.
	for {
		if _, _, _, _, err := unix.Recvmsg(fd, nil, nil, unix.MSG_DONTWAIT); err == unix.EAGAIN {
			return nil
		} else if err != nil && err != unix.EINTR {
			return fmt.Errorf("empty the socket: %w", err)
		}
	}
}

// setReceiveBuffer bounds the packets that wait to be read. The kernel doubles the
// figure and charges packets with their overhead.
func (s *socket) setReceiveBuffer(bytes int) error {
	if err := s.setBuffer(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, bytes); err != nil {
		return fmt.Errorf("set receive buffer: %w", err)
	}
	return nil
}

// setSendBuffer bounds the packets that have been sent and not left yet, likewise.
func (s *socket) setSendBuffer(bytes int) error {
	if err := s.setBuffer(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, bytes); err != nil {
		return fmt.Errorf("set send buffer: %w", err)
	}
	return nil
}

// setBuffer without CAP_NET_ADMIN goes as far as net.core.rmem_max or wmem_max lets
// it.
func (s *socket) setBuffer(force, within, bytes int) error {
	return s.control(func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, bytes) == nil {
			return nil
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, within, bytes)
	})
}

// setFilter replaces the filter at once, without a moment in between.
func (s *socket) setFilter(filter []bpf.RawInstruction) error {
	program := make([]unix.SockFilter, len(filter))
	for i, in := range filter {
		program[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	err := s.control(func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	})
	if err != nil {
		return fmt.Errorf("attach filter: %w", err)
	}
	return nil
}

func (s *socket) removeFilter() error {
	return s.control(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	})
}

// control runs f on the descriptor, which stays open meanwhile.
func (s *socket) control(f func(fd int) error) error {
	var inner error
	if err := s.raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// readable calls try until it reports true, each time when something may be
// there to be read. It ends with an error when the socket is closed.
func (s *socket) readable(try func(fd int) bool) error {
	return s.raw.Read(func(fd uintptr) bool { return try(int(fd)) })
}

// overflows is how many packets the kernel has dropped because the receive buffer
// was full, modulo 2^32 (SK_MEMINFO_DROPS). The counter that SO_RXQ_OVFL adds to
// packets would be seen only with the next packet that fits.
func (s *socket) overflows() (uint32, error) {
	var info [unix.SK_MEMINFO_DROPS + 1]uint32
	size := uint32(unsafe.Sizeof(info))
	err := s.control(func(fd int) error {
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
	return info[unix.SK_MEMINFO_DROPS], err
}

func (s *socket) close() error { return s.file.Close() }
