package track

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
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

// askARP sends each gateway an ARP request and waits for a reply of any of them
// (RFC 826).
func askARP(ctx context.Context, w way) error {
	filter, err := bpf.Assemble(repliesOf(w.gateways))
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

	for _, gateway := range w.gateways {
		if err := requestARP(conn, w, gateway); err != nil {
			return err
		}
	}
	_, _, err = conn.ReadFrom(make([]byte, 128)) // the filter lets nothing else through
	return err
}

func requestARP(conn *packet.Conn, w way, gateway netip.Addr) error {
	request, err := arp.NewPacket(arp.OperationRequest, w.nic.MAC, w.source, make(net.HardwareAddr, 6), gateway)
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
	_, err = conn.WriteTo(data, &packet.Addr{HardwareAddr: broadcast})
	return err
}

// repliesOf accepts Ethernet frames with an ARP reply of one of the addresses: its
// operation is at 20, the sender's address at 28.
func repliesOf(addrs []netip.Addr) []bpf.Instruction {
	const all = 1 << 16
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 20, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(arp.OperationReply), SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: 28, Size: 4},
	}
	for _, a := range addrs {
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(a.AsSlice()), SkipFalse: 1},
			bpf.RetConstant{Val: all})
	}
	return append(program, bpf.RetConstant{Val: 0})
}

// askNDP sends each gateway a neighbour solicitation and waits for an advertisement
// of any of them (RFC 4861 sections 7.2.2 and 7.2.4).
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
	for _, gateway := range w.gateways {
		group, err := ndp.SolicitedNodeMulticast(gateway)
		if err != nil {
			return err
		}
		err = conn.WriteTo(&ndp.NeighborSolicitation{
			TargetAddress: gateway,
			Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: w.nic.MAC}},
		}, nil, group)
		if err != nil {
			return err
		}
	}
	for {
		message, _, _, err := conn.ReadFrom()
		if err != nil {
			return err
		}
		if a, ok := message.(*ndp.NeighborAdvertisement); ok && slices.Contains(w.gateways, a.TargetAddress.WithZone("")) {
			return nil
		}
	}
}
