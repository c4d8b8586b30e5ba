package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Neighbour tells which of the addresses has this MAC, by what the kernel knows
// of the NIC's neighbours. It asks nobody.
func Neighbour(nic NIC, mac net.HardwareAddr, among []netip.Addr) (netip.Addr, bool, error) {
	known, err := netlink.NeighList(nic.Index, unix.AF_UNSPEC)
	if err != nil {
		return netip.Addr{}, false, fmt.Errorf("list neighbours on %q: %w", nic.Name, err)
	}
	for _, n := range known {
		// An entry that is being asked for, or was in vain, has no MAC or an old one.
		if n.State&(unix.NUD_INCOMPLETE|unix.NUD_FAILED) != 0 || !slices.Equal(n.HardwareAddr, mac) {
			continue
		}
		address, _ := netip.AddrFromSlice(n.IP)
		if address = address.Unmap(); slices.Contains(among, address) {
			return address, true, nil
		}
	}
	return netip.Addr{}, false, nil
}

// Acquaint has the kernel ask for the MACs of addresses on the NIC's link, as it
// would before it sends to them (NTF_USE of rtnetlink). What it knows it keeps.
func Acquaint(nic NIC, addresses []netip.Addr) error {
	var errs []error
	for _, a := range addresses {
		family := unix.AF_INET
		if a.Is6() {
			family = unix.AF_INET6
		}
		err := netlink.NeighSet(&netlink.Neigh{
			LinkIndex: nic.Index, Family: family, Flags: netlink.NTF_USE, IP: a.AsSlice(),
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("ask for the MAC of %s on %q: %w", a, nic.Name, err))
		}
	}
	return errors.Join(errs...)
}
