package field

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxFrames bounds what a capture keeps: the newest.
const maxFrames = 1 << 14

// Capture keeps the frames that a node sends, as the switch gets them.
type Capture struct {
	n *Node

	mu     sync.Mutex
	frames []Frame
}

// Capture listens to a node from now on until the test ends.
func (n *Node) Capture() *Capture {
	n.f.t.Helper()
	c := &Capture{n: n}
	var socket *packet.Conn
	filter, err := bpf.Assemble(sent())
	must(n.f.t, err)
	must(n.f.t, n.f.sw.Do(func() error {
		port, err := net.InterfaceByName(n.port)
		if err == nil {
			// Only a socket for all protocols gets what the bridge takes.
			socket, err = packet.Listen(port, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: filter})
		}
		return err
	}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.read(socket)
	}()
	n.f.t.Cleanup(func() {
		_ = socket.Close()
		<-ended
	})
	return c
}

// sent are the frames that come in at the switch's end of the cable.
func sent() []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	}
}

func (c *Capture) read(socket *packet.Conn) {
	buffer := make([]byte, 1<<16)
	for {
		n, _, err := socket.ReadFrom(buffer)
		if errors.Is(err, unix.ENETDOWN) {
			continue // the cable was pulled; the socket lives on
		}
		if err != nil {
			return
		}
		c.mu.Lock()
		c.frames = append(c.frames, ParseFrame(time.Now(), slices.Clone(buffer[:n])))
		if len(c.frames) > maxFrames {
			c.frames = slices.Delete(c.frames, 0, maxFrames/4)
		}
		c.mu.Unlock()
	}
}

// Frames are those that match, oldest first.
func (c *Capture) Frames(match func(Frame) bool) []Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Frame
	for _, f := range c.frames {
		if match(f) {
			out = append(out, f)
		}
	}
	return out
}

// Sees waits for a frame that matches, one of before counts too.
func (c *Capture) Sees(what string, match func(Frame) bool) Frame {
	c.n.f.t.Helper()
	var found []Frame
	Eventually(c.n.f.t, fmt.Sprintf("%s is seen on the cable of %s", what, c.n.Name), func() bool {
		found = c.Frames(match)
		return len(found) > 0
	})
	return found[0]
}
