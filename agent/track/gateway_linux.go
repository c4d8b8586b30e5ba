package track

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
)

// errGatewayIsVIP keeps a backup from soliciting the VIP: on OVN its request
// alone would move the VIP to it.
var errGatewayIsVIP = errors.New("the gateway is a virtual address of this group")

// way is how gateways are asked: through a NIC, from the member's own address.
type way struct {
	nic      vip.NIC
	source   netip.Addr
	gateways []netip.Addr // of the source's family, at least one
}

// probeGateway asks a gateway's MAC by ARP or NDP: that it answers is all that
// a server on its own can know of its network. Where there are several, one that
// answers is enough. The way is looked up each time, for NICs, routes and, with a
// reload, VIPs come and go.
func probeGateway(gateway string, current func() []config.Router) Probe {
	return func(ctx context.Context) error {
		routers := current()
		w, err := findWay(gateway, routers)
		if err != nil {
			return err
		}
		w.gateways = slices.DeleteFunc(w.gateways, func(a netip.Addr) bool { return isVIP(a, routers) })
		if len(w.gateways) == 0 {
			return errGatewayIsVIP
		}
		if w.source.Is4() {
			err = askARP(ctx, w)
		} else {
			err = askNDP(ctx, w)
		}
		if err != nil {
			return fmt.Errorf("ask %s through %s: %w", join(w.gateways), w.nic.Name, err)
		}
		return nil
	}
}

func isVIP(a netip.Addr, routers []config.Router) bool {
	return slices.ContainsFunc(routers, func(r config.Router) bool {
		return slices.ContainsFunc(r.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}

func join(addrs []netip.Addr) string {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}

// findWay looks for the first router whose NIC has a default route or, with an
// address given, has it on its link; where none has, the first of its family
// will do.
func findWay(gateway string, routers []config.Router) (way, error) {
	var other way
	var errs []error
	for _, r := range routers {
		w := way{source: r.Source}
		var err error
		if w.nic, err = vip.Find(r.Interface); err != nil {
			errs = append(errs, err)
			continue
		}
		if gateway == config.GatewayAuto {
			if w.gateways, err = defaultGateways(w.nic, r.Source.Is6()); err == nil {
				return w, nil
			}
			errs = append(errs, err)
			continue
		}
		a, err := netip.ParseAddr(gateway)
		if err != nil {
			return way{}, err
		}
		w.gateways = []netip.Addr{a}
		switch {
		case a.Is6() != r.Source.Is6():
		case onLink(w.nic, a):
			return w, nil
		case other.gateways == nil:
			other = w
		}
	}
	if other.gateways != nil {
		return other, nil
	}
	return way{}, errors.Join(errs...)
}

// defaultGateways are the next hops through the NIC of the default routes with the
// best metric that lead through it. Two routers of a subnet are one route with two
// next hops or, where they advertise themselves, two routes.
func defaultGateways(nic vip.NIC, ipv6 bool) ([]netip.Addr, error) {
	family := unix.AF_INET
	if ipv6 {
		family = unix.AF_INET6
	}
	// Not by its NIC: a route with several next hops has one for each of them.
	routes, err := netlink.RouteListFiltered(family, new(netlink.Route), netlink.RT_FILTER_DST)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var gateways []netip.Addr
	best := 0
	for _, r := range routes {
		hops := nextHops(r, nic)
		if len(hops) == 0 || gateways != nil && r.Priority > best {
			continue
		}
		if r.Priority < best {
			gateways = nil
		}
		best, gateways = r.Priority, append(gateways, hops...)
	}
	if gateways == nil {
		return nil, fmt.Errorf("no default route leads through %s", nic.Name)
	}
	return gateways, nil
}

// nextHops are the gateways of a route that are reached through the NIC.
func nextHops(r netlink.Route, nic vip.NIC) (gateways []netip.Addr) {
	hops := append(r.MultiPath, &netlink.NexthopInfo{LinkIndex: r.LinkIndex, Gw: r.Gw})
	for _, hop := range hops {
		if a, ok := netip.AddrFromSlice(hop.Gw); ok && hop.LinkIndex == nic.Index {
			gateways = append(gateways, a.Unmap())
		}
	}
	return gateways
}

// onLink tells whether an address is in a subnet of the NIC.
func onLink(nic vip.NIC, a netip.Addr) bool {
	ifi := net.Interface{Index: nic.Index, Name: nic.Name}
	addrs, err := ifi.Addrs()
	return err == nil && slices.ContainsFunc(addrs, func(have net.Addr) bool {
		n, ok := have.(*net.IPNet)
		return ok && n.Contains(a.AsSlice())
	})
}
