package fabric

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// hear reports what a server announces: an ARP request for its own sender
// address, or any ARP reply (ovn-logical-flows(7), virtual ports).
func (f *Fabric) hear(portID, tap string) (stop func(), err error) {
	var c *packet.Conn
	err = f.here.Do(func() error {
		device, err := net.InterfaceByName(tap)
		if err == nil {
			c, err = packet.Listen(device, packet.Raw, unix.ETH_P_ARP, nil)
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

func announced(frame []byte) (netip.Addr, bool) {
	var e ethernet.Frame
	var p arp.Packet
	if e.UnmarshalBinary(frame) != nil || e.EtherType != ethernet.EtherTypeARP || p.UnmarshalBinary(e.Payload) != nil {
		return netip.Addr{}, false
	}
	own := p.Operation == arp.OperationReply || p.SenderIP == p.TargetIP
	return p.SenderIP, own
}
