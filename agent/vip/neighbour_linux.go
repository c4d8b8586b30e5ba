package vip

import (
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
