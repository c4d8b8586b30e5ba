package field

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Unplug pulls the node's cable: its NIC loses the carrier.
func (n *Node) Unplug() {
	n.f.t.Helper()
	must(n.f.t, n.f.sw.Links().LinkSetDown(link(n.f.t, n.f.sw, n.port)))
}

// Plug puts the cable back.
func (n *Node) Plug() {
	n.f.t.Helper()
	must(n.f.t, n.f.sw.Links().LinkSetUp(link(n.f.t, n.f.sw, n.port)))
}

// Cut makes the cable dead where the node does not see it: its NIC keeps the
// carrier and nothing arrives.
func (n *Node) Cut() {
	n.f.t.Helper()
	must(n.f.t, n.f.sw.Links().LinkSetNoMaster(link(n.f.t, n.f.sw, n.port)))
}

// Mend ends a Cut.
func (n *Node) Mend() {
	n.f.t.Helper()
	must(n.f.t, n.f.sw.Links().LinkSetMaster(link(n.f.t, n.f.sw, n.port), link(n.f.t, n.f.sw, bridge)))
}

// PowerOff is a power cut: the node is gone from the network, and all that ran
// there is dead without a last word. It does not come back.
func (n *Node) PowerOff() {
	n.f.t.Helper()
	n.Cut()
	for _, p := range n.processes {
		p.Kill()
	}
	n.f.nodes = slices.DeleteFunc(n.f.nodes, func(other *Node) bool { return other == n })
}

// block is one direction in which no advertisement passes.
type block struct{ from, to *Node }

// Block has the switch drop VRRP from one node to another, as a security group
// without the rule does.
func (f *Field) Block(from, to *Node) {
	f.t.Helper()
	f.blocks = append(f.blocks, block{from, to})
	f.applyBlocks()
}

// Unblock lets it pass again.
func (f *Field) Unblock(from, to *Node) {
	f.t.Helper()
	f.blocks = slices.DeleteFunc(f.blocks, func(b block) bool { return b == block{from, to} })
	f.applyBlocks()
}

func (f *Field) applyBlocks() {
	f.t.Helper()
	err := f.sw.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return fmt.Errorf("reach the packet filter: %w", err)
		}
		t := &nftables.Table{Family: nftables.TableFamilyBridge, Name: "field"}
		// Deleting a table that is not there would fail.
		c.AddTable(t)
		c.DelTable(t)
		c.AddTable(t)
		chain := c.AddChain(&nftables.Chain{
			Name: "forward", Table: t, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityRef(0),
		})
		for _, b := range f.blocks {
			c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: []expr.Any{
				&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: deviceName(b.from.port)},
				&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: deviceName(b.to.port)},
				&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocolVRRP}},
				&expr.Verdict{Kind: expr.VerdictDrop},
			}})
		}
		return c.Flush()
	})
	must(f.t, err)
}

// deviceName is a name as the kernel compares it.
func deviceName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
