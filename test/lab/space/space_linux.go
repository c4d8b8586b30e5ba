package space

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Space is a network namespace. It lives until it is closed and the last
// process in it has ended.
type Space struct {
	file  *os.File
	links *netlink.Handle
}

// New makes one with its loopback device up.
func New() (*Space, error) {
	return open(func() error { return unix.Unshare(unix.CLONE_NEWNET) })
}

// Current is that of this process, whatever thread asks.
func Current() (*Space, error) {
	return open(func() error { return nil })
}

func open(enter func() error) (s *Space, err error) {
	err = onThread(func() error {
		if err := enter(); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return fmt.Errorf("open the network namespace: %w", err)
		}
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return errors.Join(fmt.Errorf("reach the kernel's network: %w", err), f.Close())
		}
		s = &Space{file: f, links: h}
		lo, err := h.LinkByName("lo")
		if err == nil {
			err = h.LinkSetUp(lo)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("switch loopback on: %w", err), s.Close())
		}
		return nil
	})
	return s, err
}

// Close lets go of it.
func (s *Space) Close() error {
	s.links.Close()
	return s.file.Close()
}

// FD is a descriptor of it, for a device that is to be made there.
func (s *Space) FD() int { return int(s.file.Fd()) }

// Links works on its devices, addresses, routes and neighbours.
func (s *Space) Links() *netlink.Handle { return s.links }

// Do runs f in it: what f opens or starts belongs there.
func (s *Space) Do(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(netns.NsHandle(s.FD())); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		return f()
	})
}

// Set writes a value below /proc/sys/net.
func (s *Space) Set(name, value string) error {
	return s.Do(func() error {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
			return fmt.Errorf("set net/%s to %s: %w", name, value, err)
		}
		return nil
	})
}

// onThread runs f on a thread that ends with it, so that nothing else ever
// runs where f went.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}
