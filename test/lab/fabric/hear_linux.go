package fabric

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// hear reports what a server announces: an ARP request for its own sender
// address, or any ARP reply (ovn-logical-flows(7), virtual ports).
func (f *Fabric) hear(portID, tap string) (stop func(), err error) {
	var c *packet.Conn
	filter, err := bpf.Assemble(announcements())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", tap, err)
	}
	err = f.here.Do(func() error {
		device, err := net.InterfaceByName(tap)
		if err == nil {
			// Only a socket for all protocols gets what the bridge takes.
			c, err = packet.Listen(device, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: filter})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", tap, err)
	}
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, _, err := c.ReadFrom(buffer)
			if err != nil {
				return // closed, or the device is gone
			}
			if a, ok := announced(buffer[:n]); ok {
				f.options.Claim(portID, a)
			}
		}
	}()
	return func() { _ = c.Close() }, nil
}

// announcements are the ARP frames that the server sent.
func announcements() []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 3}, // to the server
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_ARP, SkipTrue: 1},
		bpf.RetConstant{Val: 2048},
		bpf.RetConstant{Val: 0},
	}
}

func announced(frame []byte) (netip.Addr, bool) {
	var e ethernet.Frame
	var p arp.Packet
	if e.UnmarshalBinary(frame) != nil || e.EtherType != ethernet.EtherTypeARP || p.UnmarshalBinary(e.Payload) != nil {
		return netip.Addr{}, false
	}
	own := p.Operation == arp.OperationReply || p.SenderIP == p.TargetIP
	return p.SenderIP, own
}
