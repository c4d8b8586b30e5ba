package field

import (
	"net"
	"strings"

	"github.com/vishvananda/netlink"
)

// lay connects the node to the switch. Its NIC is not up yet and has no address;
// without a MAC it gets one of the kernel's choice.
func (n *Node) lay(mac net.HardwareAddr) {
	n.f.t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = n.port
	must(n.f.t, n.f.sw.Links().LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: Device, PeerNamespace: netlink.NsFd(n.Space.FD()), PeerHardwareAddr: mac,
	}))
	port := link(n.f.t, n.f.sw, n.port)
	must(n.f.t, n.f.sw.Links().LinkSetMaster(port, link(n.f.t, n.f.sw, bridge)))
	must(n.f.t, n.f.sw.Links().LinkSetUp(port))
}

// up switches the NIC, which has this name now, on and waits until it carries.
func (n *Node) up(name string) {
	n.f.t.Helper()
	nic := link(n.f.t, n.Space, name)
	must(n.f.t, n.Space.Links().LinkSetUp(nic))
	Eventually(n.f.t, "the cable of "+n.Name+" carries", func() bool {
		return isUp(n.f.t, n.Space, name) && isUp(n.f.t, n.f.sw, n.port)
	})
	n.announce(name) // what the kernel said when the NIC came up was lost
}

// Announce has the kernel tell the neighbours of all addresses of the NIC.
func (n *Node) Announce() {
	n.f.t.Helper()
	n.announce(Device)
}

// announce: a kernel that is set so announces when a NIC gets a MAC, also the
// one that it has.
func (n *Node) announce(name string) {
	n.f.t.Helper()
	must(n.f.t, n.Space.Links().LinkSetHardwareAddr(link(n.f.t, n.Space, name), n.MAC))
}

// NIC switches the NIC off or on. Switched on again it has its IPv6 addresses
// anew, as a network manager does it.
func (n *Node) NIC(on bool) {
	n.f.t.Helper()
	if !on {
		must(n.f.t, n.Space.Links().LinkSetDown(link(n.f.t, n.Space, Device)))
		return
	}
	n.up(Device)
	n.restore(Device)
}

// restore puts the node's own addresses on its NIC.
func (n *Node) restore(name string) {
	n.f.t.Helper()
	nic := link(n.f.t, n.Space, name)
	for _, p := range n.Addresses {
		must(n.f.t, n.Space.Links().AddrReplace(nic, &netlink.Addr{IPNet: ipNet(p)}))
	}
}

// Flush takes every address off the NIC and puts the node's own back, as a
// network manager does that is restarted.
func (n *Node) Flush() {
	n.f.t.Helper()
	// ip looks ten times whether all are gone, and an agent may be faster than that.
	if out, err := n.Try("ip", "address", "flush", "dev", Device); err != nil && !strings.Contains(out, "Flush remains incomplete") {
		n.f.t.Fatalf("%s: flush %s: %v: %s", n.Name, Device, err, out)
	}
	n.restore(Device)
}

// Rename gives the NIC another name, as udev does: it is off meanwhile.
func (n *Node) Rename(from, to string) {
	n.f.t.Helper()
	nic := link(n.f.t, n.Space, from)
	must(n.f.t, n.Space.Links().LinkSetDown(nic))
	must(n.f.t, n.Space.Links().LinkSetName(nic, to))
	n.up(to)
	n.restore(to)
}

// Replace takes the NIC out. The function that it returns puts in another one
// with the same MAC and addresses.
func (n *Node) Replace() (back func()) {
	n.f.t.Helper()
	must(n.f.t, n.f.sw.Links().LinkDel(link(n.f.t, n.f.sw, n.port)))
	return func() {
		n.f.t.Helper()
		n.lay(n.MAC)
		n.up(Device)
		n.restore(Device)
	}
}

// Lend moves the NIC to another namespace, as a container's. The function that it
// returns takes it back: the same NIC, with the same index, and the node's addresses
// anew.
func (n *Node) Lend() (back func()) {
	n.f.t.Helper()
	other, index := newSpace(n.f.t), link(n.f.t, n.Space, Device).Attrs().Index
	must(n.f.t, n.Space.Links().LinkSetNsFd(link(n.f.t, n.Space, Device), other.FD()))
	return func() {
		n.f.t.Helper()
		must(n.f.t, other.Links().LinkSetNsFd(link(n.f.t, other, Device), n.Space.FD()))
		if is := link(n.f.t, n.Space, Device).Attrs().Index; is != index {
			n.f.t.Fatalf("%s: the NIC has come back with index %d, was %d", n.Name, is, index)
		}
		n.up(Device)
		n.restore(Device)
	}
}

// Received is how many packets have come in over the NIC.
func (n *Node) Received() uint64 {
	n.f.t.Helper()
	return link(n.f.t, n.Space, Device).Attrs().Statistics.RxPackets
}
