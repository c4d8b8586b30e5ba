package prober

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// receiveBuffer holds the answers of seconds.
const receiveBuffer = 1 << 20

// open opens the two sockets: requests leave by IP, so that the kernel's
// neighbour table decides where to, as for any client; answers are taken from
// the device, where the sender's Ethernet address is seen.
func (p *Prober) open() error {
	out, err := unix.Socket(p.echo.domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, p.echo.protocol)
	if err != nil {
		return fmt.Errorf("open raw socket: %w", err)
	}
	// It only sends.
	if err := attach(out, []bpf.Instruction{bpf.RetConstant{Val: 0}}); err != nil {
		return errors.Join(err, unix.Close(out))
	}
	in, err := p.sniff()
	if err != nil {
		return errors.Join(err, unix.Close(out))
	}
	p.out, p.in = out, in
	return nil
}

func (p *Prober) close() error { return errors.Join(unix.Close(p.out), p.in.Close()) }

// sniff opens the packet socket, bound only when its filter is there.
func (p *Prober) sniff() (*os.File, error) {
	nic, err := net.InterfaceByName(p.cfg.Device)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	err = errors.Join(
		attach(fd, p.echo.filter()),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(p.echo.etherType), Ifindex: nic.Index}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare packet socket: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "answers"), nil
}

func attach(fd int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

func bigEndian(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// transmit tells whether a request left this machine or, which counts as lost,
// has no way to the target.
func (p *Prober) transmit(request []byte) (bool, error) {
	err := unix.Sendto(p.out, request, unix.MSG_DONTWAIT, p.echo.to)
	switch {
	case err == nil, errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
		return true, nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EINTR):
		return false, nil
	}
	return false, err
}

// receive collects answers until the file's deadline.
func (p *Prober) receive() error {
	raw, err := p.in.SyscallConn()
	if err != nil {
		return err
	}
	frame, ancillary := make([]byte, 256), make([]byte, 128)
	for {
		var n, oobn int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, oobn, _, _, failed = unix.Recvmsg(int(fd), frame, ancillary, unix.MSG_DONTWAIT)
			return failed != unix.EAGAIN
		})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		case failed == unix.EINTR, failed == unix.ENETDOWN: // the device was switched off
			continue
		case failed != nil:
			return fmt.Errorf("receive answer: %w", failed)
		}
		slot, by, ok := p.echo.reply(frame[:n])
		if !ok {
			continue
		}
		at, err := received(ancillary[:oobn])
		if err != nil {
			return err
		}
		a := Answer{At: at, By: by.String()}
		p.answers = append(p.answers, arrived{Answer: a, slot: slot})
		p.latest.Store(&a)
	}
}

// received turns the kernel's time stamp, which is of the wall clock, into a time
// with a monotonic reading.
func received(ancillary []byte) (time.Time, error) {
	now := time.Now()
	messages, err := unix.ParseSocketControlMessage(ancillary)
	if err != nil {
		return time.Time{}, fmt.Errorf("read time stamp: %w", err)
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) == 16 {
			stamp := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			return now.Add(-max(0, now.Round(0).Sub(stamp))), nil
		}
	}
	return now, nil
}
