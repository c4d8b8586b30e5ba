package vip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/arrival"
)

const (
	// claimBuffer holds the claims of some hundred VIPs that are announced at once.
	claimBuffer = 128 << 10
	// claimRest after each claimBurst claims bounds what a flood of them costs; the
	// buffer is full then, and the kernel drops the rest. Those of an active with many
	// VIPs come in bursts.
	claimBurst = 32
	claimRest  = claimBurst * time.Millisecond
)

// Claim is word of another station that it has a VIP: gratuitous ARP, as request
// or reply, or an unsolicited neighbour advertisement.
type Claim struct {
	MAC     net.HardwareAddr // where the VIP is now, as the neighbours understand it
	Address netip.Addr       // the VIP
	At      time.Time        // when the kernel received it
}

// Claims hears the claims on one NIC.
type Claims struct {
	conn      *socket.Conn
	nic       NIC
	vips      []netip.Addr
	parse     func(payload []byte) (Claim, bool)
	buffer    []byte
	ancillary []byte
	last      time.Time // no claim still to be read came before
	taken     int       // packets since the last rest
	closed    atomic.Bool
}

// ListenClaims begins to listen for others who claim one of the VIPs, which are
// of one family. Announcements are broadcast, so they arrive also where
// advertisements do not.
func ListenClaims(nic NIC, vips []netip.Addr) (*Claims, error) {
	c, err := listenClaims(nic, vips)
	if err != nil {
		return nil, fmt.Errorf("listen for claims on %q: %w", nic.Name, err)
	}
	return c, nil
}

func listenClaims(nic NIC, vips []netip.Addr) (*Claims, error) {
	if len(vips) == 0 {
		return nil, errors.New("no VIP")
	}
	ipv6 := vips[0].Is6()
	if slices.ContainsFunc(vips, func(a netip.Addr) bool { return a.Is6() != ipv6 }) {
		return nil, errors.New("the VIPs are of two families")
	}
	// Without the link header, so that its length does not matter. Protocol 0: nothing
	// is received before filter and NIC are set.
	conn, err := socket.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0, "claims", nil)
	if err != nil {
		return nil, err
	}
	c := &Claims{
		conn:      conn,
		nic:       nic,
		vips:      slices.Clone(vips),
		parse:     parseARPClaim,
		buffer:    make([]byte, claimKeep),
		ancillary: make([]byte, 64),
		last:      time.Now(),
	}
	filter, protocol := arpClaimFilter, uint16(unix.ETH_P_ARP)
	if ipv6 {
		c.parse, filter, protocol = parseNDClaim, ndClaimFilter, unix.ETH_P_IPV6
	}
	program, err := filter(vips)
	if err == nil {
		err = errors.Join(
			conn.SetBPF(program),
			conn.SetReadBuffer(claimBuffer),
			conn.SetsockoptInt(unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			conn.Bind(&unix.SockaddrLinklayer{Protocol: networkOrder(protocol), Ifindex: nic.Index}))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// Receive waits for the next claim. After Close it returns net.ErrClosed. Only
// one goroutine may call it.
func (c *Claims) Receive() (Claim, error) {
	for {
		if c.taken == claimBurst {
			time.Sleep(claimRest)
			c.taken = 0
		}
		n, oobn, _, from, err := c.conn.Recvmsg(context.Background(), c.buffer, c.ancillary, 0)
		switch {
		case c.closed.Load():
			return Claim{}, net.ErrClosed
		case errors.Is(err, unix.ENETDOWN):
			continue // told once; it hears again when the NIC is up, but not one that was taken away
		case err != nil:
			return Claim{}, fmt.Errorf("receive claim: %w", err)
		}
		stamps, err := unix.ParseSocketControlMessage(c.ancillary[:oobn])
		if err != nil {
			return Claim{}, fmt.Errorf("receive claim: %w", err)
		}
		c.last = arrival.Time(time.Now(), arrival.Stamp(stamps), c.last)
		c.taken++
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || !c.concerns(link) {
			continue
		}
		claim, ok := c.parse(c.buffer[:n])
		if !ok || !slices.Contains(c.vips, claim.Address) {
			continue // the filter lets none through, but where the VIPs are many
		}
		if claim.MAC == nil {
			claim.MAC = linkAddress(link)
		}
		if slices.Equal(claim.MAC, c.nic.MAC) {
			continue // ours, sent back by a bridge
		}
		claim.At = c.last
		return claim, nil
	}
}

// Close ends a Receive that waits.
func (c *Claims) Close() error {
	c.closed.Store(true)
	return c.conn.Close()
}

// concerns tells whether the frame came to the NIC's own network. A packet socket is
// also shown what the kernel keeps from the NIC's protocols: frames to other stations,
// as which those of a VLAN count that this server is not in, and frames of a VLAN that
// it is in, which are that device's. A tag with a priority only (VLAN 0) is none.
func (c *Claims) concerns(frame *unix.SockaddrLinklayer) bool {
	return frame.Pkttype != unix.PACKET_OTHERHOST && frame.Ifindex == c.nic.Index
}

// linkAddress is the source of a frame.
func linkAddress(frame *unix.SockaddrLinklayer) net.HardwareAddr {
	if int(frame.Halen) > len(frame.Addr) {
		return nil
	}
	return slices.Clone(frame.Addr[:frame.Halen])
}

// networkOrder is the protocol as a packet socket's address has it (packet(7)).
func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}
