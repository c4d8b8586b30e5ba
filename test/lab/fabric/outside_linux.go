package fabric

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
)

// updateOutside gives the workstation its place: it is the gateway of each
// external network, and knows a way to the networks behind the routers, as a
// tenant with a VPN does.
func (f *Fabric) updateOutside() error {
	for _, n := range f.view.Networks {
		if !n.External || f.out[n.ID] != "" {
			continue
		}
		device := fmt.Sprintf("eth%d", len(f.out))
		if err := f.lay(f.outside, device, "", "out"+n.ID[:min(11, len(n.ID))], n.ID); err != nil {
			return err
		}
		f.out[n.ID] = device
	}
	for _, s := range f.view.Subnets {
		if device := f.out[s.NetworkID]; device != "" && s.Gateway.IsValid() {
			if err := address(f.outside, device, netip.PrefixFrom(s.Gateway, s.CIDR.Bits())); err != nil {
				return err
			}
		}
	}
	var known []netip.Prefix
	for _, r := range f.view.Routers {
		gateway, ok := f.port(r.Gateway)
		if !ok || len(gateway.FixedIPs) == 0 {
			continue
		}
		for _, id := range r.Interfaces {
			p, ok := f.port(id)
			if !ok {
				continue
			}
			for _, ip := range p.FixedIPs {
				s, ok := f.subnet(ip.SubnetID)
				if !ok || !ip.Address.Is4() {
					continue
				}
				if err := route(f.outside, s.CIDR, gateway.FixedIPs[0].Address); err != nil {
					return err
				}
				known = append(known, s.CIDR)
			}
		}
	}
	for _, p := range f.routes {
		if slices.Contains(known, p) {
			continue
		}
		if err := f.outside.Links().RouteDel(&netlink.Route{Dst: ipNet(p)}); err != nil {
			return fmt.Errorf("remove the way to %s: %w", p, err)
		}
	}
	f.routes = known
	return nil
}
