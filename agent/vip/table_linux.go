package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// table writes the kernel's table of addresses through one socket that stays open,
// all VIPs in one request. An active does this at each advertisement; it takes a
// tenth of what netlink.AddrReplace does, which makes message and socket anew.
type table struct {
	// fd is of a blocking socket: the kernel has answered when a request has been
	// sent, so that there is nothing to wait for. Zero until the first request.
	fd int
}

// request is messages for the table, one for each address.
type request struct {
	messages  []byte
	addresses []netip.Prefix
}

// add appends a message. The kernel answers to those that fail only.
func (r *request) add(kind, flags int, index int, p netip.Prefix, attributes ...*nl.RtAttr) {
	header := nl.NewIfAddrmsg(unix.AF_INET)
	if p.Addr().Is6() {
		header = nl.NewIfAddrmsg(unix.AF_INET6)
	}
	header.Index = uint32(index)
	header.Prefixlen = uint8(p.Bits())
	m := nl.NewNetlinkRequest(kind, flags)
	m.AddData(header)
	m.AddData(nl.NewRtAttr(unix.IFA_LOCAL, p.Addr().AsSlice()))
	m.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, p.Addr().AsSlice()))
	for _, a := range attributes {
		m.AddData(a)
	}
	m.Seq = uint32(len(r.addresses)) // tells whom an answer is about
	r.messages = append(r.messages, m.Serialize()...)
	r.addresses = append(r.addresses, p)
}

// replacement puts the addresses there, or renews those that are. The flags are
// always the full set: the kernel replaces those of an IPv6 address with the ones
// given, and a refresh without them would switch duplicate detection on and add a
// route. An address of the NIC's subnet must not add a second route to it either.
//
// An IPv6 address is deprecated from the start (RFC 4862 section 5.5.4): it serves,
// but the kernel does not take it as the source of what the server itself sends. It
// would, being the newest, and the server's own connections would end with each
// failover.
func replacement(index int, own netip.Addr, addresses []netip.Prefix, seconds uint32) request {
	var r request
	for _, p := range addresses {
		flags, preferred := uint32(0), seconds
		if p.IsSingleIP() || p.Contains(own) {
			flags |= unix.IFA_F_NOPREFIXROUTE
		}
		if p.Addr().Is6() {
			flags, preferred = flags|unix.IFA_F_NODAD, 0
		}
		lifetimes := make([]byte, unix.SizeofIfaCacheinfo)
		binary.NativeEndian.PutUint32(lifetimes[0:], preferred)
		binary.NativeEndian.PutUint32(lifetimes[4:], seconds)
		r.add(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, index, p,
			nl.NewRtAttr(unix.IFA_FLAGS, binary.NativeEndian.AppendUint32(nil, flags)),
			nl.NewRtAttr(unix.IFA_CACHEINFO, lifetimes))
	}
	return r
}

// removal takes the addresses away.
func removal(index int, addresses []netip.Prefix) request {
	var r request
	for _, p := range addresses {
		r.add(unix.RTM_DELADDR, 0, index, p)
	}
	return r
}

// execute carries the request out and returns an error for each address that it
// failed for, but those that are to be ignored.
func (t *table) execute(r request, ignore ...unix.Errno) error {
	if len(r.addresses) == 0 {
		return nil
	}
	if t.fd == 0 {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("open netlink socket: %w", err)
		}
		bindToOwnPort(fd)
		t.fd = fd
	}
	failed, err := t.exchange(r)
	if err != nil {
		t.close() // so that no late answer is taken for that to another request
		return err
	}
	var errs []error
	for i, errno := range failed {
		if !slices.Contains(ignore, errno) {
			errs = append(errs, fmt.Errorf("address %s: %w", r.addresses[i], errno))
		}
	}
	return errors.Join(errs...)
}

// A notification names the port of whose request it tells. The tables of this
// process have ports by which the kernel can keep their renewals from Watch: the
// process ID and a number below it. It has up to 22 bits (PID_MAX_LIMIT).
const portBits = 10

// bindToOwnPort takes a free one of these ports. Without one the kernel chooses
// (netlink(7)), and Watch hears of what it need not.
func bindToOwnPort(fd int) {
	for n := range uint32(1 << portBits) {
		port := uint32(os.Getpid())<<portBits | n
		if unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: port}) != unix.EADDRINUSE {
			return
		}
	}
}

// newsFilter keeps the notifications that are not of what a table of this process
// has written. A filter reads words in network order, and the kernel writes them in
// its own.
func newsFilter() ([]bpf.RawInstruction, error) {
	const kind, port = 4, 12 // in struct nlmsghdr
	native := func(v uint32) uint32 { return binary.BigEndian.Uint32(binary.NativeEndian.AppendUint32(nil, v)) }
	own := uint32(os.Getpid()) << portBits
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: kind, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(networkOrder(unix.RTM_NEWADDR)), SkipTrue: 4},
		bpf.LoadAbsolute{Off: port, Size: 4},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: native(^uint32(1<<portBits - 1))},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: native(own), SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 1 << 16},
	})
}

// exchange sends the request and reads the answers. An acknowledgement, which would
// cost as much as the rest, is not asked for: when there is no answer, all is well.
func (t *table) exchange(r request) (failed map[int]unix.Errno, err error) {
	if err := unix.Sendto(t.fd, r.messages, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("send to netlink: %w", err)
	}
	var answer [512]byte
	for {
		n, _, err := unix.Recvfrom(t.fd, answer[:], unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			return failed, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the answer of netlink: %w", err)
		}
		// struct nlmsghdr (length, type, flags, sequence number, port), and of struct
		// nlmsgerr behind it the error (netlink(7)).
		if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
			return nil, fmt.Errorf("netlink answered %x", answer[:n])
		}
		i := int(binary.NativeEndian.Uint32(answer[8:]))
		if errno := -int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
			if failed == nil {
				failed = make(map[int]unix.Errno)
			}
			failed[i] = unix.Errno(errno)
		}
	}
}

func (t *table) close() {
	if t.fd != 0 {
		_ = unix.Close(t.fd) // nothing is under way
		t.fd = 0
	}
}
