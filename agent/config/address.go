package config

import (
	"fmt"
	"net/netip"

	"github.com/havip/havip/agent/strict"
)

// ValidateAddress checks that a is an address that one host can have. The
// report's field is the address's own.
func ValidateAddress(a netip.Addr, report strict.Report) bool {
	switch {
	case !a.IsValid():
		report("", "is missing", "")
	case a.Is4In6():
		report("", fmt.Sprintf("%s is IPv4 in the notation of IPv6", a), "write "+a.Unmap().String())
	case a.Zone() != "":
		report("", fmt.Sprintf("%s has a zone", a), "write "+a.WithZone("").String()+": the interface says which link it is on")
	case !hostAddress(a):
		report("", fmt.Sprintf("%s cannot be the address of a server", a), "give one that a single server can have")
	default:
		return true
	}
	return false
}

func hostAddress(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func familyOf(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Addr() == a {
			return true
		}
	}
	return false
}
