package fabric

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// nat is what a router translates.
type nat struct {
	out      netip.Addr // its own address outside; invalid: no gateway
	inside   []netip.Prefix
	floating map[netip.Addr]netip.Addr // to the fixed address
}

func (n nat) equal(o nat) bool {
	return n.out == o.out && slices.Equal(n.inside, o.inside) && maps.Equal(n.floating, o.floating)
}

// apply writes n into the current namespace in one transaction. Connections
// through a floating IP that led elsewhere before are forgotten.
func (n nat) apply(before nat) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("reach the packet filter: %w", err)
	}
	t := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "nat"}
	c.AddTable(t)
	c.DelTable(t)
	c.AddTable(t)
	pre := c.AddChain(&nftables.Chain{
		Name: "prerouting", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityNATDest,
	})
	post := c.AddChain(&nftables.Chain{
		Name: "postrouting", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	add := func(chain *nftables.Chain, exprs ...[]expr.Any) {
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: slices.Concat(exprs...)})
	}
	if n.out.IsValid() {
		for _, a := range slices.SortedFunc(maps.Keys(n.floating), netip.Addr.Compare) {
			fixed := n.floating[a]
			add(pre, field(16, netip.PrefixFrom(a, 32)), translate(expr.NATTypeDestNAT, fixed))
			add(post, leaves(expr.CmpOpEq), field(12, netip.PrefixFrom(fixed, 32)), translate(expr.NATTypeSourceNAT, a))
		}
		for _, p := range n.inside {
			add(post, leaves(expr.CmpOpEq), field(12, p), translate(expr.NATTypeSourceNAT, n.out))
		}
		// From inside to a floating IP: the answer must come back this way.
		add(post, came(), leaves(expr.CmpOpNeq), wasTranslated(), translate(expr.NATTypeSourceNAT, n.out))
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("write the router's translations: %w", err)
	}
	for a, fixed := range before.floating {
		if n.floating[a] == fixed {
			continue
		}
		gone := &netlink.ConntrackFilter{}
		if err := gone.AddIP(netlink.ConntrackOrigDstIP, a.AsSlice()); err != nil {
			return fmt.Errorf("forget connections by %s: %w", a, err)
		}
		if _, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, gone); err != nil {
			return fmt.Errorf("forget connections by %s: %w", a, err)
		}
	}
	return nil
}

// field compares an address of the IPv4 header.
func field(offset uint32, p netip.Prefix) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: net.CIDRMask(p.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: p.Masked().Addr().AsSlice()},
	}
}

// leaves compares the device by which a packet goes with the outer leg.
func leaves(op expr.CmpOp) []expr.Any {
	name := make([]byte, 16)
	copy(name, external)
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: op, Register: 1, Data: name},
	}
}

// came is for packets from inside.
func came() []expr.Any {
	name := make([]byte, 16)
	copy(name, external)
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: name},
	}
}

// wasTranslated is for packets whose destination was a floating IP.
func wasTranslated() []expr.Any {
	const destination = 1 << 5 // IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATUS, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(destination), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
	}
}

func translate(kind expr.NATType, to netip.Addr) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: to.AsSlice()},
		&expr.NAT{Type: kind, Family: unix.NFPROTO_IPV4, RegAddrMin: 1},
	}
}

// announce tells the neighbours on a device of the current namespace that an
// address is here now (RFC 5227, section 3).
func announce(device string, a netip.Addr) error {
	i, err := net.InterfaceByName(device)
	if err != nil {
		return fmt.Errorf("announce %s: %w", a, err)
	}
	p, err := arp.NewPacket(arp.OperationRequest, i.HardwareAddr, a, make(net.HardwareAddr, 6), a)
	if err != nil {
		return fmt.Errorf("announce %s: %w", a, err)
	}
	payload, err := p.MarshalBinary()
	if err != nil {
		return fmt.Errorf("announce %s: %w", a, err)
	}
	frame, err := (&ethernet.Frame{Destination: ethernet.Broadcast, Source: i.HardwareAddr, EtherType: ethernet.EtherTypeARP, Payload: payload}).MarshalBinary()
	if err != nil {
		return fmt.Errorf("announce %s: %w", a, err)
	}
	c, err := packet.Listen(i, packet.Raw, unix.ETH_P_ARP, nil)
	if err != nil {
		return fmt.Errorf("announce %s: %w", a, err)
	}
	defer c.Close()
	if _, err := c.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
		return fmt.Errorf("announce %s: %w", a, err)
	}
	return nil
}
