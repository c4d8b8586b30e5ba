package pulse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// echo sends ICMP echo requests through one socket: a datagram socket, which
// needs no privilege where the system allows it (net.ipv4.ping_group_range), else
// a raw one.
type echo struct {
	conn  *icmp.PacketConn
	to    net.Addr
	kind  icmp.Type
	proto int
	id    int
	ended sync.WaitGroup

	mu   sync.Mutex
	seq  int
	open map[int]chan struct{} // by sequence number
}

func openEcho(addr netip.Addr) (Opened, error) {
	e := &echo{id: os.Getpid() & 0xffff, open: map[int]chan struct{}{}}
	datagram, raw, wildcard := "udp4", "ip4:icmp", "0.0.0.0"
	e.kind, e.proto = ipv4.ICMPTypeEcho, 1
	if addr.Is6() {
		datagram, raw, wildcard = "udp6", "ip6:ipv6-icmp", "::"
		e.kind, e.proto = ipv6.ICMPTypeEchoRequest, 58
	}
	conn, err := icmp.ListenPacket(datagram, wildcard)
	e.to = &net.UDPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	if err != nil {
		var second error
		if conn, second = icmp.ListenPacket(raw, wildcard); second != nil {
			return nil, fmt.Errorf("ICMP is not allowed here: %w", errors.Join(err, second))
		}
		e.to = &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	}
	e.conn = conn
	e.ended.Go(e.listen)
	return e, nil
}

func (e *echo) Ask(ctx context.Context) error {
	heard := make(chan struct{})
	e.mu.Lock()
	e.seq = (e.seq + 1) & 0xffff
	seq := e.seq
	e.open[seq] = heard
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.open, seq)
		e.mu.Unlock()
	}()
	message := icmp.Message{Type: e.kind, Body: &icmp.Echo{ID: e.id, Seq: seq, Data: []byte("havip")}}
	packet, err := message.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := e.conn.WriteTo(packet, e.to); err != nil {
		return err
	}
	select {
	case <-heard:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// listen hands each reply to the question that it is for, until Close.
func (e *echo) listen() {
	buffer := make([]byte, 1500)
	for {
		n, _, err := e.conn.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error for a packet of ours: that question stays open
		}
		m, err := icmp.ParseMessage(e.proto, buffer[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
			continue
		}
		reply, ok := m.Body.(*icmp.Echo)
		// The kernel numbers datagram sockets itself, and delivers only theirs.
		if _, datagram := e.to.(*net.UDPAddr); !ok || !datagram && reply.ID != e.id {
			continue
		}
		e.mu.Lock()
		if heard := e.open[reply.Seq]; heard != nil {
			close(heard)
			delete(e.open, reply.Seq)
		}
		e.mu.Unlock()
	}
}

func (e *echo) Close() error {
	err := e.conn.Close()
	e.ended.Wait()
	return err
}
