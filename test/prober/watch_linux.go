package prober

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Watch records which servers have an address, by their kernels' word. It hears
// of changes as they happen, and asks nobody that might be stopped.
type Watch struct {
	address netip.Addr

	mu       sync.Mutex
	servers  []*watched
	holdings []Holding

	stop chan struct{}
	done chan error
}

// watched is one server's netlink socket.
type watched struct {
	name string
	fd   int
	held map[int]bool // by index of the device
}

// NewWatch begins without any server.
func NewWatch(address netip.Addr) *Watch {
	w := &Watch{address: address, stop: make(chan struct{}), done: make(chan error, 1)}
	go func() { w.done <- onRealtimeThread(func(bool) error { return w.follow() }) }()
	return w
}

// Add watches the namespace of this thread under a name.
func (w *Watch) Add(name string) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("watch addresses: %w", err)
	}
	// Of hundreds of addresses whose lease is renewed.
	const buffer = 8 << 20
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer); err != nil {
		return errors.Join(fmt.Errorf("watch addresses: %w", err), unix.Close(fd))
	}
	groups := uint32(1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_IFADDR-1))
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return errors.Join(fmt.Errorf("watch addresses: %w", err), unix.Close(fd))
	}
	// What is there already, after the subscription: a change in between is
	// told twice rather than never.
	request := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	request.AddData(nl.NewIfAddrmsg(unix.AF_UNSPEC))
	there, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWADDR)
	if err != nil {
		return errors.Join(fmt.Errorf("list addresses: %w", err), unix.Close(fd))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &watched{name: name, fd: fd, held: make(map[int]bool)}
	w.servers = append(w.servers, s)
	for _, m := range there {
		w.note(s, unix.RTM_NEWADDR, m, time.Now())
	}
	return nil
}

// Holders are the names of the servers that have the address now.
func (w *Watch) Holders() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, s := range w.servers {
		if len(s.held) > 0 {
			names = append(names, s.name)
		}
	}
	return names
}

// Holdings says who had the address when, as far as it is known by now.
func (w *Watch) Holdings() []Holding {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.holdings)
}

// Close ends the watch.
func (w *Watch) Close() error {
	close(w.stop)
	err := <-w.done
	for _, s := range w.servers {
		err = errors.Join(err, unix.Close(s.fd))
	}
	return err
}

// follow waits for all sockets at once; a new one is seen within a tick.
func (w *Watch) follow() error {
	const tick = 20 // ms
	for {
		select {
		case <-w.stop:
			return nil
		default:
		}
		w.mu.Lock()
		servers := slices.Clone(w.servers)
		w.mu.Unlock()
		fds := make([]unix.PollFd, len(servers))
		for i, s := range servers {
			fds[i] = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
		}
		if _, err := unix.Poll(fds, tick); err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for addresses: %w", err)
		}
		at := time.Now()
		for i := range fds {
			if fds[i].Revents != 0 {
				if err := w.read(servers[i], at); err != nil {
					return err
				}
			}
		}
	}
}

func (w *Watch) read(s *watched, at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	buffer := make([]byte, 32<<10)
	for {
		n, _, err := unix.Recvfrom(s.fd, buffer, unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hear of the addresses of %s: %w", s.name, err)
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return fmt.Errorf("hear of the addresses of %s: %w", s.name, err)
		}
		for _, m := range messages {
			w.note(s, m.Header.Type, m.Data, at)
		}
	}
}

// note takes a struct ifaddrmsg with its attributes (rtnetlink(7)).
func (w *Watch) note(s *watched, kind uint16, body []byte, at time.Time) {
	if len(body) < unix.SizeofIfAddrmsg || kind != unix.RTM_NEWADDR && kind != unix.RTM_DELADDR {
		return
	}
	attributes, err := nl.ParseRouteAttr(body[unix.SizeofIfAddrmsg:])
	if err != nil {
		return
	}
	ours := false
	for _, a := range attributes {
		if a.Attr.Type == unix.IFA_LOCAL || a.Attr.Type == unix.IFA_ADDRESS {
			ip, _ := netip.AddrFromSlice(a.Value)
			ours = ours || ip == w.address
		}
	}
	if !ours {
		return
	}
	had := len(s.held) > 0
	if index := int(nl.DeserializeIfAddrmsg(body).Index); kind == unix.RTM_NEWADDR {
		s.held[index] = true
	} else {
		delete(s.held, index)
	}
	switch has := len(s.held) > 0; {
	case has && !had:
		w.holdings = append(w.holdings, Holding{Server: s.name, From: at})
	case had && !has:
		for i := range w.holdings {
			if h := &w.holdings[i]; h.Server == s.name && h.To.IsZero() {
				h.To = at
			}
		}
	}
}
