package bench

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/test/field"
)

// tap sees the advertisements that a node sends.
type tap struct {
	last atomic.Pointer[time.Time]
	more chan struct{} // has room for one
}

func newTap(t testing.TB, n *field.Node) *tap {
	t.Helper()
	s := &tap{more: make(chan struct{}, 1)}
	filter, err := bpf.Assemble(outgoingAdverts())
	must(t, err)
	var socket *packet.Conn
	must(t, n.Space.Do(func() error {
		nic, err := net.InterfaceByName(field.Device)
		if err == nil {
			// Only a socket for all protocols sees what leaves.
			socket, err = packet.Listen(nic, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: filter})
		}
		return err
	}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.read(socket)
	}()
	t.Cleanup(func() {
		_ = socket.Close()
		<-ended
	})
	return s
}

func outgoingAdverts() []bpf.Instruction {
	const ipProtocol, advert = 14 + 9, 112
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IP, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: ipProtocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: advert, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 1},
	}
}

func (s *tap) read(socket *packet.Conn) {
	buffer := make([]byte, 64)
	for {
		if _, _, err := socket.ReadFrom(buffer); err != nil {
			return
		}
		now := time.Now()
		s.last.Store(&now)
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}

// next waits for an advertisement that is sent from now on; false: none was for so long.
func (s *tap) next(within time.Duration) (time.Time, bool) {
	since := time.Now()
	limit := time.After(within)
	for {
		select {
		case <-s.more:
			if at := s.last.Load(); at.After(since) {
				return *at, true
			}
		case <-limit:
			return time.Time{}, false
		}
	}
}

// latest is when the last one was sent.
func (s *tap) latest() time.Time {
	if at := s.last.Load(); at != nil {
		return *at
	}
	return time.Time{}
}
