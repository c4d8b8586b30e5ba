package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/havip/havip/agent/strict"
	"github.com/havip/havip/agent/vrrp"
)

// vrrp3 is the version of the protocol that this agent speaks.
const vrrp3 = 3

// RFC 9568 section 5.2.7: the interval is sent in centiseconds, in 12 bits.
const (
	MinInterval = 10 * time.Millisecond
	MaxInterval = 4095 * 10 * time.Millisecond
)

// maxAddresses is what the count of an advertisement can say (RFC 9568
// section 5.2.5).
const maxAddresses = 255

// maxSocketPath is the longest path of a socket: sun_path of unix(7) has 108
// bytes, one of them for the final NUL.
const maxSocketPath = 107

// Validate checks a configuration that came from no file. The error is a
// strict.Problems with all that is wrong.
func Validate(c Config) error {
	var problems strict.Problems
	validate(c, problems.Add)
	return problems.Err()
}

func validate(c Config, report strict.Report) {
	ValidateGroup(c.Group, report.Under("group"))
	if len(c.Routers) == 0 {
		report("routers", "is missing", "give at least one virtual router")
	}
	for i, r := range c.Routers {
		validateRouter(r, report.Under(fmt.Sprintf("routers[%d]", i)))
	}
	validateTogether(c.Routers, report)
	ValidateChecks(c.Checks, report)
	switch {
	case c.Control == "":
		report("control", "is missing", "give the path of the control socket, such as /run/havip/GROUP/control.sock")
	case !filepath.IsAbs(c.Control) || filepath.Clean(c.Control) != c.Control:
		report("control", fmt.Sprintf("want an absolute path, got %q", c.Control), "")
	case len(c.Control) > maxSocketPath:
		report("control", fmt.Sprintf("has %d bytes, and the path of a socket at most %d", len(c.Control), maxSocketPath), "")
	}
	if c.Metrics != "" {
		report("metrics", "this version of the agent does not serve metrics yet", "take the key away")
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

// ValidateInterval checks an advertisement interval. The report's field is the
// interval's own.
func ValidateInterval(d time.Duration, report strict.Report) {
	switch {
	case d < MinInterval || d > MaxInterval:
		report("", fmt.Sprintf("want 10ms to 40.95s, got %s", d), "")
	case d%(10*time.Millisecond) != 0:
		report("", fmt.Sprintf("want a multiple of 10ms, got %s", d), "VRRP sends the interval in hundredths of a second: take "+d.Round(10*time.Millisecond).String())
	}
}

func validateRouter(r Router, report strict.Report) {
	if r.VRID < 1 || r.VRID > 255 {
		report("vrid", fmt.Sprintf("want 1 to 255, got %d", r.VRID), "")
	}
	validateInterface(r.Interface, report.Under("interface"))
	validatePriority(r.Priority, report)
	ValidateInterval(time.Duration(r.Interval), report.Under("interval"))
	if r.Version != vrrp3 {
		report("version", fmt.Sprintf("this version of the agent does not speak VRRP version %d yet", r.Version), "write 3, or take the key away")
	}

	sourceOK := ValidateAddress(r.Source, report.Under("source"))
	switch n := len(r.Addresses); {
	case n == 0:
		report("addresses", "is missing", "give at least one virtual address, such as 10.0.0.136/32")
	case n > maxAddresses:
		report("addresses", fmt.Sprintf("has %d addresses, and an advertisement holds at most %d", n, maxAddresses), "")
	}
	for i, p := range r.Addresses {
		field := fmt.Sprintf("addresses[%d]", i)
		switch {
		case !ValidateAddress(p.Addr(), report.Under(field)):
		case p.Bits() != p.Addr().BitLen():
			report(field, fmt.Sprintf("want the prefix length /%d, got %s", p.Addr().BitLen(), p), "with a longer network the VIP could become the NIC's first address, and the server's own go with it")
		case p.Addr() == r.Source:
			report(field, fmt.Sprintf("%s is the source, the server's own address", p.Addr()), "a virtual address belongs to no server")
		}
	}
	if len(r.Peers) == 0 {
		report("peers", "is missing: this version of the agent does not speak multicast yet", "list the addresses of the other members")
	}
	seen := map[netip.Addr]bool{}
	for i, p := range r.Peers {
		field := fmt.Sprintf("peers[%d]", i)
		switch {
		case !ValidateAddress(p, report.Under(field)):
		case sourceOK && p == r.Source:
			report(field, fmt.Sprintf("%s is the source itself", p), "list the other members only")
		case seen[p]:
			report(field, fmt.Sprintf("%s stands twice", p), "")
		case contains(r.Addresses, p):
			report(field, fmt.Sprintf("%s is a virtual address of this router", p), "a peer is known by its own address")
		}
		seen[p] = true
	}
}

// validateTogether checks what routers of one file must not share.
func validateTogether(routers []Router, report strict.Report) {
	type key struct {
		nic  Interface
		vrid int
	}
	vrids := map[key]int{}
	addresses := map[netip.Addr]string{}
	for i, r := range routers {
		// RFC 9568 section 5.2.3: the VRID names a router on its link.
		k := key{r.Interface, r.VRID}
		if other, taken := vrids[k]; taken && r.Interface != (Interface{}) {
			report(fmt.Sprintf("routers[%d].vrid", i), fmt.Sprintf("%d is also that of routers[%d] on this interface", r.VRID, other), "")
		} else {
			vrids[k] = i
		}
		for j, p := range r.Addresses {
			field := fmt.Sprintf("routers[%d].addresses[%d]", i, j)
			if other, taken := addresses[p.Addr()]; taken {
				report(field, fmt.Sprintf("%s is also %s", p.Addr(), other), "")
			} else if p.IsValid() {
				addresses[p.Addr()] = field
			}
		}
	}
}

// validatePriority keeps to the priorities that have no other meaning.
func validatePriority(p int, report strict.Report) {
	switch {
	case p == vrrp.PriorityOwner || p >= minPriority && p <= maxPriority:
	case p == vrrp.PrioritySwitchover:
		report("priority", fmt.Sprintf("%d is reserved for the target of a switchover", p), fmt.Sprintf("take %d to %d, or 255 for the owner of the address", minPriority, maxPriority))
	case p > vrrp.PriorityLeave && p < minPriority:
		report("priority", fmt.Sprintf("%d is reserved: an unhealthy member advertises 1 to %d", p, vrrp.PriorityUnhealthyMax), fmt.Sprintf("take %d to %d", minPriority, maxPriority))
	default:
		report("priority", fmt.Sprintf("want %d to %d, or 255 for the owner of the address, got %d", minPriority, maxPriority, p), "")
	}
}

func validateInterface(i Interface, report strict.Report) {
	const hint = "give mac and address of the NIC, or its name"
	switch {
	case i == Interface{}:
		report("", "is missing", hint)
		return
	case i.Name != "" && (i.MAC != "" || i.Address.IsValid()):
		report("", "has both a name and mac or address", hint)
	case i.Name == "" && i.MAC == "":
		report("mac", "is missing", hint)
	case i.Name == "" && !i.Address.IsValid():
		report("address", "is missing", "several interfaces may share a MAC (VLANs, bonds): give the NIC's own address as well")
	}
	// dev_valid_name of Linux: at most 15 bytes, no "/", ":" or white space.
	if len(i.Name) > 15 || strings.ContainsAny(i.Name, "/: \t\r\n") || i.Name == "." || i.Name == ".." {
		report("name", fmt.Sprintf("%q cannot be the name of an interface", i.Name), "")
	}
	if mac, err := net.ParseMAC(i.MAC); i.MAC != "" && (err != nil || len(mac) != 6) {
		report("mac", fmt.Sprintf("want a MAC such as fa:16:3e:12:34:56, got %q", i.MAC), "")
	}
	if i.Address.IsValid() {
		ValidateAddress(i.Address, report.Under("address"))
	}
}

// ValidateAddress checks that a is an address that one host can have, of the
// family that this agent speaks. The report's field is the address's own.
func ValidateAddress(a netip.Addr, report strict.Report) bool {
	switch {
	case !a.IsValid():
		report("", "is missing", "")
	case a.Is6():
		report("", fmt.Sprintf("%s is IPv6, which this version of the agent does not speak yet", a), "give an IPv4 address")
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

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Addr() == a {
			return true
		}
	}
	return false
}
