package config

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/havip/havip/agent/strict"
	"github.com/havip/havip/agent/vrrp"
)

const (
	// maxRouters is how many VRIDs one link has (RFC 9568 section 5.2.3).
	maxRouters = 255
	// maxSocketPath is the longest path of a socket: sun_path of unix(7) has 108
	// bytes, one of them for the final NUL.
	maxSocketPath = 107
)

// Validate checks a configuration that came from no file. The error is a
// strict.Problems with all that is wrong.
func Validate(c Config) error {
	var problems strict.Problems
	validate(c, problems.Add)
	return problems.Err()
}

func validate(c Config, report strict.Report) {
	ValidateGroup(c.Group, report.Under("group"))
	switch n := len(c.Routers); {
	case n == 0:
		report("routers", "is missing", "give at least one virtual router")
	case n > maxRouters:
		report("routers", fmt.Sprintf("has %d routers, and an agent runs at most %d", n, maxRouters), "make several groups of it, each with an agent of its own")
	}
	for i, r := range c.Routers {
		validateRouter(r, report.Under(fmt.Sprintf("routers[%d]", i)))
	}
	validateTogether(c.Routers[:min(len(c.Routers), maxRouters)], report)
	ValidateChecks(c.Checks, report)
	validateGateways(c, report)
	switch {
	case c.Control == "":
		report("control", "is missing", "give the path of the control socket, such as /run/havip/GROUP/control.sock")
	case !validPath(c.Control):
		report("control", fmt.Sprintf("want an absolute path, got %q", c.Control), "")
	case len(c.Control) > maxSocketPath:
		report("control", fmt.Sprintf("has %d bytes, and the path of a socket at most %d", len(c.Control), maxSocketPath), "")
	}
	if c.Metrics != "" && !validListen(c.Metrics) {
		report("metrics", fmt.Sprintf("want an IP address and a port, got %q", c.Metrics), `"127.0.0.1:9112" is for this server only, ":9112" for all that reach it`)
	}
}

// ValidateGroup checks the name of a group, which stands in unit names, socket
// paths and tags. The report's field is the name's own.
func ValidateGroup(name string, report strict.Report) {
	const hint = "a name has lower-case letters, digits and hyphens (not first or last), at most 32"
	valid := len(name) <= 32 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && strings.Trim(name, "-") == name
	switch {
	case name == "":
		report("", "is missing", hint)
	case !valid:
		report("", fmt.Sprintf("%q cannot be the name of a group", name), hint)
	}
}

// validateTogether checks what routers of one file must not share.
func validateTogether(routers []Router, report strict.Report) {
	addresses := map[netip.Addr]string{}
	own := map[netip.Addr]string{} // the server's own
	for i, r := range routers {
		own[r.Interface.Address] = fmt.Sprintf("routers[%d].interface.address", i)
	}
	for i, r := range routers {
		own[r.Source] = fmt.Sprintf("routers[%d].source", i)
	}
	for i, r := range routers {
		// RFC 9568 section 5.2.3: the VRID names a router on its link, and each
		// family has VRIDs of its own.
		other := slices.IndexFunc(routers[:i], func(o Router) bool {
			return o.VRID == r.VRID && o.Source.Is6() == r.Source.Is6() && sameNIC(o, r)
		})
		if other >= 0 {
			report(fmt.Sprintf("routers[%d].vrid", i), fmt.Sprintf("%d is also that of routers[%d] on this interface", r.VRID, other), "one VRID serves one router of each address family")
		}
		for j, p := range r.Addresses {
			field := fmt.Sprintf("routers[%d].addresses[%d]", i, j)
			switch other, taken := addresses[p.Addr()]; {
			case taken:
				report(field, fmt.Sprintf("%s is also %s", p.Addr(), other), "")
			case p.IsValid():
				addresses[p.Addr()] = field
			}
			// Its own source is validateVIPs' matter. A backup takes its VIPs off the NIC.
			if other, taken := own[p.Addr()]; taken && p.IsValid() && p.Addr() != r.Source && r.Priority != vrrp.PriorityOwner {
				report(field, fmt.Sprintf("%s is also %s, the server's own address", p.Addr(), other), "a virtual address belongs to no server")
			}
		}
	}
}

// sameNIC tells whether two routers are on one NIC for sure, however it is written. What
// only the server can tell shows when the agent looks for its NICs.
func sameNIC(a, b Router) bool {
	i, j := a.Interface, b.Interface
	switch {
	case i == Interface{} || j == Interface{}:
		return false
	case i == j:
		return true
	case i.Name != "" && j.Name != "", i.MAC != "" && j.MAC != "" && i.MAC != j.MAC:
		return false
	}
	// An address is on one NIC of a server, unless it is link-local (RFC 4007 section 4).
	on := []netip.Addr{b.Source, j.Address}
	return slices.ContainsFunc([]netip.Addr{a.Source, i.Address}, func(own netip.Addr) bool {
		return own.IsValid() && !own.IsLinkLocalUnicast() && slices.Contains(on, own)
	})
}

// validateGateways checks that no gateway check asks for an address of the
// group: a backup that solicits the VIP would claim it on some networks, and
// a server does not answer itself.
func validateGateways(c Config, report strict.Report) {
	for i, check := range c.Checks {
		gateway, err := netip.ParseAddr(check.Gateway)
		if err != nil {
			continue
		}
		field := fmt.Sprintf("checks[%d].gateway", i)
		family := false
		for _, r := range c.Routers {
			family = family || r.Source.Is4() == gateway.Is4()
			switch {
			case contains(r.Addresses, gateway):
				report(field, fmt.Sprintf("%s is a virtual address of this group", gateway), "ask for the router of the subnet")
			case r.Source == gateway:
				report(field, fmt.Sprintf("%s is the server's own address", gateway), "ask for the router of the subnet")
			}
		}
		if !family && len(c.Routers) > 0 {
			report(field, fmt.Sprintf("%s is %s, and no router of this file is", gateway, familyOf(gateway)), "")
		}
	}
}

// validListen takes an IP address, or none for all of the server's. Not a name: the
// agent would ask a name server, which may be silent, before it begins.
func validListen(s string) bool {
	if port, all := strings.CutPrefix(s, ":"); all {
		return ValidPort(port)
	}
	a, err := netip.ParseAddrPort(s)
	return err == nil && a.Port() > 0
}

// validPath tells whether s is an absolute path in its shortest form.
func validPath(s string) bool {
	return path.IsAbs(s) && path.Clean(s) == s && !strings.ContainsRune(s, 0)
}
