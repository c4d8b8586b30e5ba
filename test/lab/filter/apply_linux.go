package filter

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
)

// table is the name of our tables in the switch's namespace.
const table = "havip-lab"

// buffers have room for the rules of a hundred servers.
const buffers = 64 << 20

// Apply makes s what the kernel of the current network namespace enforces, in
// one transaction: no frame meets half of it.
func Apply(s Ruleset) error {
	c, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error {
		// The batch is one message, and each part of it is answered.
		return errors.Join(c.SetWriteBuffer(buffers), c.SetReadBuffer(buffers))
	}))
	if err != nil {
		return fmt.Errorf("reach the packet filter: %w", err)
	}
	track(c, s.Zones)
	t := renewed(c, nftables.TableFamilyBridge)
	for i, chain := range s.Chains {
		add := &nftables.Chain{Name: chain.Name, Table: t}
		if i == 0 {
			add.Type, add.Hooknum, add.Priority = nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityRef(0)
		}
		c.AddChain(add)
	}
	for _, chain := range s.Chains {
		for _, r := range chain.Rules {
			c.AddRule(&nftables.Rule{Table: t, Chain: &nftables.Chain{Name: chain.Name, Table: t}, Exprs: encode(r)})
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("write the switch's rules: %w", err)
	}
	return nil
}

// renewed is the table of a family, empty. Deleting one that is not there
// would fail; adding one that is there does not.
func renewed(c *nftables.Conn, family nftables.TableFamily) *nftables.Table {
	t := &nftables.Table{Family: family, Name: table}
	c.AddTable(t)
	c.DelTable(t)
	return c.AddTable(t)
}

// track gives each bridge its zone, and marks what belongs to a connection:
// the bridge family of many kernels cannot ask for that itself.
func track(c *nftables.Conn, zones []Zone) {
	t := renewed(c, nftables.TableFamilyINet)
	chain := func(name string, priority nftables.ChainPriority) *nftables.Chain {
		return c.AddChain(&nftables.Chain{
			Name: name, Table: t, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookPrerouting, Priority: &priority,
		})
	}
	raw := chain("zones", *nftables.ChainPriorityRaw)
	for _, z := range zones {
		c.AddRule(&nftables.Rule{Table: t, Chain: raw, Exprs: []expr.Any{
			&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: name(z.Bridge)},
			&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint16(z.Number)},
			&expr.Ct{Key: expr.CtKeyZONE, Register: 1, SourceRegister: true},
		}})
	}
	states := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	c.AddRule(&nftables.Rule{Table: t, Chain: chain("mark", *nftables.ChainPriorityMangle), Exprs: []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: states, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint32(established)},
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1, SourceRegister: true},
	}})
}

func encode(r Rule) []expr.Any {
	var out []expr.Any
	for _, m := range r.Match {
		out = append(out, m.encode()...)
	}
	return append(out, &expr.Verdict{Kind: kinds(r.Do), Chain: r.To})
}

func kinds(v Verdict) expr.VerdictKind {
	switch v {
	case Return:
		return expr.VerdictReturn
	case Jump:
		return expr.VerdictJump
	case Goto:
		return expr.VerdictGoto
	default:
		return expr.VerdictDrop
	}
}

func (m Match) encode() []expr.Any {
	var out []expr.Any
	switch m.load {
	case inPort:
		out = append(out, &expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1})
	case outPort:
		out = append(out, &expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1})
	case mark:
		out = append(out, &expr.Meta{Key: expr.MetaKeyMARK, Register: 1})
	case protocol:
		out = append(out, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1})
	case link:
		out = append(out, m.payload(expr.PayloadBaseLLHeader))
	case network:
		out = append(out, m.payload(expr.PayloadBaseNetworkHeader))
	case transport:
		out = append(out, m.payload(expr.PayloadBaseTransportHeader))
	}
	if m.mask != nil {
		out = append(out, &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: m.size, Mask: m.mask, Xor: make([]byte, m.size)})
	}
	if m.to != nil {
		return append(out,
			&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: m.from},
			&expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: m.to})
	}
	return append(out, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: m.from})
}

func (m Match) payload(base expr.PayloadBase) *expr.Payload {
	return &expr.Payload{OperationType: expr.PayloadLoad, DestRegister: 1, Base: base, Offset: m.offset, Len: m.size}
}
