package field

import (
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Raw sends frames as they are from a node's NIC.
type Raw struct {
	n  *Node
	fd int
}

// Raw opens it until the test ends.
func (n *Node) Raw() *Raw {
	n.f.t.Helper()
	r := &Raw{n: n}
	must(n.f.t, n.Space.Do(func() (err error) {
		nic, err := net.InterfaceByName(Device)
		if err != nil {
			return err
		}
		// Protocol 0: it hears nothing.
		if r.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return err
		}
		return unix.Bind(r.fd, &unix.SockaddrLinklayer{Ifindex: nic.Index})
	}))
	n.f.t.Cleanup(func() { _ = unix.Close(r.fd) })
	return r
}

// Send sends a frame.
func (r *Raw) Send(frame []byte) {
	r.n.f.t.Helper()
	for {
		switch _, err := unix.Write(r.fd, frame); err {
		case nil:
			return
		case unix.EINTR, unix.ENOBUFS: // the device is busy
		default:
			r.n.f.t.Errorf("%s: send a frame: %v", r.n.Name, err)
			return
		}
	}
}

// Flood sends so many frames, one after the other from the list, not faster
// than rate a second, and returns how long it took.
func (n *Node) Flood(frames [][]byte, count, rate int) time.Duration {
	n.f.t.Helper()
	const (
		senders = 2 // one does not reach the rates that a switch carries
		burst   = 100
	)
	began := time.Now()
	var flood sync.WaitGroup
	for i := range senders {
		raw := n.Raw()
		flood.Go(func() {
			for sent := i; sent < count; sent += senders {
				raw.Send(frames[sent%len(frames)])
				if sent/senders%burst == 0 {
					time.Sleep(time.Until(began.Add(time.Duration(sent) * time.Second / time.Duration(rate))))
				}
			}
		})
	}
	flood.Wait()
	return time.Since(began)
}
