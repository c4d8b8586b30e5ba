package track

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// askARP sends one ARP request and waits for the reply (RFC 826).
func askARP(ctx context.Context, w way) error {
	filter, err := bpf.Assemble(repliesOf(w.gateway))
	if err != nil {
		return err
	}
	ifi := &net.Interface{Index: w.nic.Index, Name: w.nic.Name}
	conn, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_ARP, &packet.Config{Filter: filter})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()

	request, err := arp.NewPacket(arp.OperationRequest, w.nic.MAC, w.source, make(net.HardwareAddr, 6), w.gateway)
	if err != nil {
		return err
	}
	payload, err := request.MarshalBinary()
	if err != nil {
		return err
	}
	frame := ethernet.Frame{Destination: broadcast, Source: w.nic.MAC, EtherType: ethernet.EtherTypeARP, Payload: payload}
	data, err := frame.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(data, &packet.Addr{HardwareAddr: broadcast}); err != nil {
		return err
	}
	_, _, err = conn.ReadFrom(make([]byte, 128)) // the filter lets nothing else through
	return err
}

// repliesOf accepts Ethernet frames with an ARP reply of an address: its
// operation is at 20, the sender's address at 28.
func repliesOf(a netip.Addr) []bpf.Instruction {
	b := a.As4()
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 20, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(arp.OperationReply), SkipTrue: 3},
		bpf.LoadAbsolute{Off: 28, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	}
}

// askNDP sends one neighbour solicitation and waits for the advertisement
// (RFC 4861 sections 7.2.2 and 7.2.4).
func askNDP(ctx context.Context, w way) error {
	ifi, err := net.InterfaceByIndex(w.nic.Index)
	if err != nil {
		return err
	}
	// From the member's own address: the kernel might choose the VIP.
	conn, _, err := ndp.Listen(ifi, ndp.Addr(w.source.String()))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()

	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeNeighborAdvertisement)
	if err := conn.SetICMPFilter(&filter); err != nil {
		return err
	}
	group, err := ndp.SolicitedNodeMulticast(w.gateway)
	if err != nil {
		return err
	}
	err = conn.WriteTo(&ndp.NeighborSolicitation{
		TargetAddress: w.gateway,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: w.nic.MAC}},
	}, nil, group)
	if err != nil {
		return err
	}
	for {
		message, _, _, err := conn.ReadFrom()
		if err != nil {
			return err
		}
		if a, ok := message.(*ndp.NeighborAdvertisement); ok && a.TargetAddress.WithZone("") == w.gateway.WithZone("") {
			return nil
		}
	}
}
