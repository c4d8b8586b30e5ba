package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Watch reports that something about the NICs or their addresses may have
// changed: on the kernel's word, after the kernel had to drop notifications
// (ENOBUFS), and every 10 seconds in any case. It is level-triggered: a report
// says "look again" and nothing more, and reports that were not taken yet are
// one. The channel is closed after ctx has ended.
func Watch(ctx context.Context) (<-chan struct{}, error) {
	return watch(ctx, 10*time.Second)
}

func watch(ctx context.Context, period time.Duration) (<-chan struct{}, error) {
	events, err := subscribe()
	if err != nil {
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	changes := make(chan struct{}, 1)
	go func() {
		defer close(changes)
		defer context.AfterFunc(ctx, func() { _ = events.Close() })()
		follow(ctx, events, period, make(refreshFilter), changes)
		_ = events.Close()
	}()
	return changes, nil
}

// follow reads notifications until ctx ends. The tick is the read's deadline.
func follow(ctx context.Context, events *os.File, period time.Duration, known refreshFilter, changes chan<- struct{}) {
	report := func() {
		select {
		case changes <- struct{}{}:
		default: // one is waiting already
		}
	}
	buffer := make([]byte, 32<<10) // the kernel's notifications are far smaller
	next := time.Now().Add(period)
	for ctx.Err() == nil {
		if err := events.SetReadDeadline(next); err != nil {
			return // closed: ctx has ended
		}
		n, err := events.Read(buffer)
		switch {
		case err == nil:
			if known.news(buffer[:n]) {
				report()
			}
		case errors.Is(err, os.ErrDeadlineExceeded):
			report()
			next = time.Now().Add(period)
		case errors.Is(err, unix.ENOBUFS):
			// Notifications were lost: what is known of the table is stale.
			clear(known)
			report()
		default:
			// Closed because ctx has ended, or an error that netlink(7) does
			// not have. Go on with the tick alone.
			report()
			select {
			case <-ctx.Done():
			case <-time.After(time.Until(next)):
			}
			next = time.Now().Add(period)
		}
	}
}

// subscribe opens a non-blocking netlink socket in the namespace of the calling
// thread that hears of links and addresses, but not of the leases that this process
// renews: with hundreds of routers it would do nothing else.
func subscribe() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	filter, err := newsFilter()
	if err == nil {
		err = attach(fd, filter)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	groups := uint32(1<<(unix.RTNLGRP_LINK-1) | 1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_IFADDR-1))
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}

func attach(fd int, filter []bpf.RawInstruction) error {
	program := make([]unix.SockFilter, len(filter))
	for i, in := range filter {
		program[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// refreshFilter knows the addresses that were notified, so that a refresh of a
// lease by another agent of this server, which changes nothing but its time stamps,
// can be told from a change.
type refreshFilter map[refreshKey]uint32

type refreshKey struct {
	index  int
	prefix netip.Prefix
}

// news tells whether a datagram of notifications has more in it than refreshes.
func (f refreshFilter) news(datagram []byte) bool {
	messages, err := syscall.ParseNetlinkMessage(datagram)
	if err != nil || len(messages) == 0 {
		return true
	}
	news := false
	for _, m := range messages {
		switch m.Header.Type {
		case unix.RTM_NEWADDR:
			news = f.added(m.Data) || news
		case unix.RTM_DELADDR:
			if a, ok := parseAddress(m.Data); ok {
				delete(f, keyOf(a))
			}
			news = true
		default:
			news = true
		}
	}
	return news
}

func (f refreshFilter) added(body []byte) bool {
	a, ok := parseAddress(body)
	if !ok {
		return true
	}
	// Addresses come and go with notice, so the map is as large as the
	// kernel's table; the bound is for a table of absurd size.
	const bound = 4096
	if len(f) > bound {
		clear(f)
	}
	flags, known := f[keyOf(a)]
	f[keyOf(a)] = a.flags
	return !known || flags != a.flags
}

func keyOf(a address) refreshKey {
	return refreshKey{index: a.index, prefix: a.prefix}
}
