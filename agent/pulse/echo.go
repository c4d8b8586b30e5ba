package pulse

import (
	"bytes"
	"context"
	"crypto/rand"
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
	addr  netip.Addr // of to
	kind  icmp.Type
	proto int
	// mark is what its questions say, and their answers repeat: every raw socket gets
	// every reply, and the identifier is the process's (a datagram socket's the kernel's).
	mark  []byte
	ended sync.WaitGroup

	mu   sync.Mutex
	seq  int
	open map[int]chan struct{} // by sequence number
}

func openEcho(addr netip.Addr) (Opened, error) {
	e := &echo{addr: addr, mark: []byte("havip " + rand.Text()), open: map[int]chan struct{}{}}
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
	message := icmp.Message{Type: e.kind, Body: &icmp.Echo{ID: os.Getpid() & 0xffff, Seq: seq, Data: e.mark}}
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

// listen hears replies until Close.
func (e *echo) listen() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := e.conn.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error for a packet of ours: that question stays open
		}
		e.hear(from, buffer[:n])
	}
}

// hear hands a reply to the question that it is for.
func (e *echo) hear(from net.Addr, packet []byte) {
	m, err := icmp.ParseMessage(e.proto, packet)
	if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
		return
	}
	// TCP would not take an answer from another address either.
	reply, ok := m.Body.(*icmp.Echo)
	if !ok || !bytes.Equal(reply.Data, e.mark) || sender(from) != e.addr.WithZone("").Unmap() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if heard := e.open[reply.Seq]; heard != nil {
		close(heard)
		delete(e.open, reply.Seq)
	}
}

// sender is the address of a packet, without its zone.
func sender(from net.Addr) netip.Addr {
	var ip net.IP
	switch a := from.(type) {
	case *net.UDPAddr:
		ip = a.IP
	case *net.IPAddr:
		ip = a.IP
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

func (e *echo) Close() error {
	err := e.conn.Close()
	e.ended.Wait()
	return err
}
