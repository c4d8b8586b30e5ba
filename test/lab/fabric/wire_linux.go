package fabric

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/filter"
	"github.com/havip/havip/test/lab/space"
)

// lay makes a device in a namespace with a cable to a network's bridge.
func (f *Fabric) lay(to *space.Space, device, mac, tap, network string) error {
	bridge, err := f.here.Links().LinkByName(filter.Bridge(network))
	if err != nil {
		return fmt.Errorf("find the bridge of network %s: %w", network, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = tap
	cable := &netlink.Veth{LinkAttrs: attrs, PeerName: device, PeerNamespace: netlink.NsFd(to.FD())}
	if mac != "" {
		if cable.PeerHardwareAddr, err = net.ParseMAC(mac); err != nil {
			return fmt.Errorf("make device %s: %w", device, err)
		}
	}
	if err := f.here.Links().LinkAdd(cable); err != nil {
		return fmt.Errorf("make device %s: %w", device, err)
	}
	near, err := f.here.Links().LinkByName(tap)
	if err != nil {
		return fmt.Errorf("find device %s: %w", tap, err)
	}
	if err := f.here.Links().LinkSetMaster(near, bridge); err != nil {
		return fmt.Errorf("plug device %s: %w", tap, err)
	}
	if err := f.here.Links().LinkSetUp(near); err != nil {
		return fmt.Errorf("switch device %s on: %w", tap, err)
	}
	far, err := to.Links().LinkByName(device)
	if err != nil {
		return fmt.Errorf("find device %s: %w", device, err)
	}
	if err := to.Links().LinkSetUp(far); err != nil {
		return fmt.Errorf("switch device %s on: %w", device, err)
	}
	return nil
}

// Plug makes a server's NIC with the addresses of its port, as cloud-init sets
// them. With gateway the default route leaves by it.
func (f *Fabric) Plug(portID string, server *space.Space, device string, gateway bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.port(portID)
	if !ok {
		return fmt.Errorf("plug port %s: there is no such port", portID)
	}
	tap := filter.Device(p.ID)
	if err := f.remove(f.here, tap); err != nil { // of a server that was killed
		return err
	}
	if err := f.lay(server, device, p.MAC, tap, p.NetworkID); err != nil {
		return err
	}
	if err := f.addresses(server, device, p); err != nil {
		return err
	}
	wire := &plug{network: p.NetworkID, stop: func() {}}
	if f.options.Claim != nil {
		stop, err := f.hear(p.ID, tap)
		if err != nil {
			return err
		}
		wire.stop = stop
	}
	f.plugs[p.ID] = wire
	if !gateway || len(p.FixedIPs) == 0 {
		return nil
	}
	if s, ok := f.subnet(p.FixedIPs[0].SubnetID); ok && s.Gateway.IsValid() {
		return route(server, netip.PrefixFrom(netip.IPv4Unspecified(), 0), s.Gateway)
	}
	return nil
}

// addresses puts those of a port on a device.
func (f *Fabric) addresses(in *space.Space, device string, p openstacktest.Port) error {
	for _, ip := range p.FixedIPs {
		s, ok := f.subnet(ip.SubnetID)
		if !ok {
			return fmt.Errorf("find the subnet of %s: there is none", ip.Address)
		}
		if err := address(in, device, netip.PrefixFrom(ip.Address, s.CIDR.Bits())); err != nil {
			return err
		}
	}
	return nil
}

func address(in *space.Space, device string, p netip.Prefix) error {
	link, err := in.Links().LinkByName(device)
	if err != nil {
		return fmt.Errorf("find device %s: %w", device, err)
	}
	if err := in.Links().AddrReplace(link, &netlink.Addr{IPNet: ipNet(p)}); err != nil {
		return fmt.Errorf("put %s on %s: %w", p, device, err)
	}
	return nil
}

func route(in *space.Space, to netip.Prefix, by netip.Addr) error {
	r := &netlink.Route{Dst: ipNet(to), Gw: by.AsSlice()}
	if err := in.Links().RouteReplace(r); err != nil {
		return fmt.Errorf("route %s by %s: %w", to, by, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Unplug takes a server's wire away.
func (f *Fabric) Unplug(portID string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.plugs[portID]; p != nil {
		p.stop()
		delete(f.plugs, portID)
	}
	return f.remove(f.here, filter.Device(portID))
}

// Cut makes a wire dead, or alive again. The server sees no difference at its
// NIC: so does a paused one.
func (f *Fabric) Cut(portID string, dead bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cut(portID, dead)
}

func (f *Fabric) cut(portID string, dead bool) error {
	p := f.plugs[portID]
	if p == nil {
		return nil
	}
	links := f.here.Links()
	tap, err := links.LinkByName(filter.Device(portID))
	if err != nil {
		return fmt.Errorf("find the wire of port %s: %w", portID, err)
	}
	if dead {
		err = links.LinkSetNoMaster(tap)
	} else {
		var bridge netlink.Link
		if bridge, err = links.LinkByName(filter.Bridge(p.network)); err == nil {
			err = links.LinkSetMaster(tap, bridge)
		}
	}
	if err != nil {
		return fmt.Errorf("change the wire of port %s: %w", portID, err)
	}
	p.cut = dead
	return nil
}

// dropLost cuts the wires of ports that are no more: no rule holds them, and
// their server lets go of them only later.
func (f *Fabric) dropLost() error {
	for id, p := range f.plugs {
		if _, ok := f.port(id); ok || p.cut {
			continue
		}
		if err := f.cut(id, true); err != nil {
			return err
		}
	}
	return nil
}
