package fabric

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/filter"
	"github.com/havip/havip/test/lab/space"
)

// router is a namespace with a leg in each of its networks.
type router struct {
	space    *space.Space
	legs     map[string]string // device by port
	floating map[netip.Addr]openstacktest.FloatingIP
	nat      nat // as it was written last
}

func (f *Fabric) updateRouters() error {
	wanted := make(map[string]bool)
	for _, v := range f.view.Routers {
		wanted[v.ID] = true
		r, err := f.router(v.ID)
		if err != nil {
			return err
		}
		if err := f.updateRouter(r, v); err != nil {
			return fmt.Errorf("router %q: %w", v.Name, err)
		}
	}
	for id, r := range f.routers {
		if wanted[id] {
			continue
		}
		// Its devices go with the namespace, and the cables with them.
		if err := r.space.Close(); err != nil {
			return fmt.Errorf("remove router %s: %w", id, err)
		}
		delete(f.routers, id)
	}
	return nil
}

func (f *Fabric) router(id string) (*router, error) {
	if r := f.routers[id]; r != nil {
		return r, nil
	}
	s, err := space.New()
	if err != nil {
		return nil, err
	}
	if err := s.Set("ipv4/ip_forward", "1"); err != nil {
		return nil, err
	}
	r := &router{space: s, legs: make(map[string]string)}
	f.routers[id] = r
	return r, nil
}

// external is the name of a router's leg outside, and the beginning of those
// inside.
const (
	external = "qg"
	internal = "qr-"
)

func (f *Fabric) updateRouter(r *router, v openstacktest.Router) error {
	legs := make(map[string]string)
	for _, id := range v.Interfaces {
		legs[id] = internal + id[:min(11, len(id))]
	}
	if v.Gateway != "" {
		legs[v.Gateway] = external
	}
	for id, device := range r.legs {
		if legs[id] != device {
			if err := f.remove(r.space, device); err != nil {
				return err
			}
			delete(r.legs, id)
		}
	}
	for id, device := range legs {
		if r.legs[id] != "" {
			continue
		}
		p, ok := f.port(id)
		if !ok {
			continue // it is being made
		}
		if err := f.lay(r.space, device, p.MAC, filter.Device(id), p.NetworkID); err != nil {
			return err
		}
		if err := f.addresses(r.space, device, p); err != nil {
			return err
		}
		r.legs[id] = device
	}
	return f.updateGateway(r, v)
}

// updateGateway is the way out of a router: the default route, and addresses
// that are translated.
func (f *Fabric) updateGateway(r *router, v openstacktest.Router) error {
	n := nat{floating: make(map[netip.Addr]netip.Addr)}
	floating := make(map[netip.Addr]openstacktest.FloatingIP)
	if p, ok := f.port(v.Gateway); ok && len(p.FixedIPs) > 0 {
		n.out = p.FixedIPs[0].Address
		if s, ok := f.subnet(p.FixedIPs[0].SubnetID); ok && s.Gateway.IsValid() {
			if err := route(r.space, netip.PrefixFrom(netip.IPv4Unspecified(), 0), s.Gateway); err != nil {
				return err
			}
		}
		for _, fip := range f.view.FloatingIPs {
			if fip.Router == v.ID && fip.PortID != "" && (f.options.Claim == nil || fip.Carrier != "") {
				n.floating[fip.Address] = fip.Fixed
				floating[fip.Address] = fip
			}
		}
	}
	for _, id := range v.Interfaces {
		if p, ok := f.port(id); ok {
			for _, ip := range p.FixedIPs {
				if s, ok := f.subnet(ip.SubnetID); ok && ip.Address.Is4() {
					n.inside = append(n.inside, s.CIDR)
				}
			}
		}
	}
	if !n.equal(r.nat) {
		if err := r.space.Do(func() error { return n.apply(r.nat) }); err != nil {
			return err
		}
	}
	if err := f.updateFloating(r, n); err != nil {
		return err
	}
	r.nat, r.floating = n, floating
	return f.updateCarriers(r)
}

// updateFloating puts the floating IPs on the outer leg, and tells the
// neighbours of new ones.
func (f *Fabric) updateFloating(r *router, n nat) error {
	if !n.out.IsValid() {
		return nil
	}
	link, err := r.space.Links().LinkByName(external)
	if err != nil {
		return fmt.Errorf("find the outer leg: %w", err)
	}
	for a := range r.nat.floating {
		if _, stays := n.floating[a]; !stays {
			if err := r.space.Links().AddrDel(link, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, 32))}); err != nil {
				return fmt.Errorf("take %s off: %w", a, err)
			}
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(n.floating), netip.Addr.Compare) {
		if _, had := r.nat.floating[a]; had {
			continue
		}
		if err := address(r.space, external, netip.PrefixFrom(a, 32)); err != nil {
			return err
		}
		if err := r.space.Do(func() error { return announce(external, a) }); err != nil {
			return err
		}
	}
	return nil
}

// updateCarriers fixes, as OVN does, which port has the packets of a floating
// IP: no neighbour table is asked.
func (f *Fabric) updateCarriers(r *router) error {
	if f.options.Claim == nil {
		return nil
	}
	for _, fip := range r.floating {
		p, ok := f.port(fip.Carrier)
		if !ok {
			continue
		}
		mac, err := net.ParseMAC(p.MAC)
		if err != nil {
			return fmt.Errorf("read the MAC of port %s: %w", p.ID, err)
		}
		for id, device := range r.legs {
			leg, ok := f.port(id)
			if !ok || leg.NetworkID != p.NetworkID || device == external {
				continue
			}
			link, err := r.space.Links().LinkByName(device)
			if err != nil {
				return fmt.Errorf("find device %s: %w", device, err)
			}
			n := &netlink.Neigh{LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: fip.Fixed.AsSlice(), HardwareAddr: mac}
			if err := r.space.Links().NeighSet(n); err != nil {
				return fmt.Errorf("lead %s to port %s: %w", fip.Fixed, p.ID, err)
			}
		}
	}
	return nil
}
