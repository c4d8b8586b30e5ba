package vip

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/havip/havip/agent/config"
)

// NIC is one network interface of this server.
type NIC struct {
	Index int
	Name  string
	MAC   net.HardwareAddr
}

// State is what Inspect saw.
type State struct {
	// Usable tells whether the NIC can carry the virtual router: it is up, has
	// carrier and holds the server's own address, which can be used. Why says what is
	// wrong.
	Usable bool
	Why    string
	// SourceMissing: the server's own address is not there or cannot be used, and
	// nothing else is wrong.
	SourceMissing bool
	NIC           NIC
	Held          bool // all VIPs are on the NIC, as Add puts them there
	// Foreign are VIPs that are there otherwise than Add puts them there: with another
	// prefix length, as a rule.
	Foreign []netip.Prefix
	Any     bool // at least one VIP is on the NIC, foreign or not
}

// Problem is what stands in the way of finding a NIC.
type Problem string

// The problems, as people read them.
const (
	NoSuchName Problem = "no interface has this name"
	NoSuchMAC  Problem = "no interface has this MAC"
	NoAddress  Problem = "the address is not on the interface"
	Ambiguous  Problem = "several interfaces match"
)

// FindError says why a NIC was not found, and which NICs were seen.
type FindError struct {
	Want    config.Interface
	Problem Problem
	Seen    []Seen // those that came nearest
}

// Seen is a NIC as FindError reports it.
type Seen struct {
	NIC       NIC
	Addresses []netip.Prefix
}

// Error implements error.
func (e *FindError) Error() string {
	var want []string
	if e.Want.Name != "" {
		want = append(want, "name "+e.Want.Name)
	}
	if e.Want.MAC != "" {
		want = append(want, "MAC "+e.Want.MAC)
	}
	if e.Want.Address.IsValid() {
		want = append(want, "address "+e.Want.Address.String())
	}
	seen := make([]string, 0, len(e.Seen))
	for _, s := range e.Seen {
		seen = append(seen, s.String())
	}
	return fmt.Sprintf("find interface with %s: %s (seen: %s)",
		strings.Join(want, " and "), e.Problem, strings.Join(seen, "; "))
}

// String is "ens3 fa:16:3e:12:34:56 10.0.0.130/24".
func (s Seen) String() string {
	words := []string{s.NIC.Name}
	if len(s.NIC.MAC) > 0 {
		words = append(words, s.NIC.MAC.String())
	}
	for _, a := range s.Addresses {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}
