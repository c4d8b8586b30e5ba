package track

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
)

// errGatewayIsVIP keeps a backup from soliciting the VIP: on OVN its request
// alone would move the VIP to it.
var errGatewayIsVIP = errors.New("the gateway is a virtual address of this group")

// way is how a gateway is asked: through a NIC, from the member's own address.
type way struct {
	nic     vip.NIC
	source  netip.Addr
	gateway netip.Addr
}

// probeGateway asks a gateway's MAC by ARP or NDP: that it answers is all that
// a server on its own can know of its network. The way is looked up each time,
// for NICs, routes and, with a reload, VIPs come and go.
func probeGateway(gateway string, current func() []config.Router) Probe {
	return func(ctx context.Context) error {
		routers := current()
		w, err := findWay(gateway, routers)
		if err != nil {
			return err
		}
		for _, r := range routers {
			if slices.ContainsFunc(r.Addresses, func(p netip.Prefix) bool { return p.Addr() == w.gateway }) {
				return errGatewayIsVIP
			}
		}
		if w.gateway.Is4() {
			err = askARP(ctx, w)
		} else {
			err = askNDP(ctx, w)
		}
		if err != nil {
			return fmt.Errorf("ask %s through %s: %w", w.gateway, w.nic.Name, err)
		}
		return nil
	}
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
			if w.gateway, err = defaultGateway(w.nic, r.Source.Is6()); err == nil {
				return w, nil
			}
			errs = append(errs, err)
			continue
		}
		if w.gateway, err = netip.ParseAddr(gateway); err != nil {
			return way{}, err
		}
		switch {
		case w.gateway.Is6() != r.Source.Is6():
		case onLink(w.nic, w.gateway):
			return w, nil
		case !other.gateway.IsValid():
			other = w
		}
	}
	if other.gateway.IsValid() {
		return other, nil
	}
	return way{}, errors.Join(errs...)
}

// defaultGateway is the one of the best default route through the NIC.
func defaultGateway(nic vip.NIC, ipv6 bool) (netip.Addr, error) {
	family := unix.AF_INET
	if ipv6 {
		family = unix.AF_INET6
	}
	routes, err := netlink.RouteListFiltered(family, &netlink.Route{LinkIndex: nic.Index}, netlink.RT_FILTER_OIF)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("list routes: %w", err)
	}
	var best *netlink.Route
	for _, r := range routes {
		isDefault := r.Dst == nil || r.Dst.IP.IsUnspecified() && isZero(r.Dst.Mask)
		if isDefault && r.Gw != nil && (best == nil || r.Priority < best.Priority) {
			best = &r
		}
	}
	if best == nil {
		return netip.Addr{}, fmt.Errorf("no default route leads through %s", nic.Name)
	}
	a, _ := netip.AddrFromSlice(best.Gw)
	return a.Unmap(), nil
}

func isZero(mask net.IPMask) bool {
	ones, _ := mask.Size()
	return ones == 0
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
