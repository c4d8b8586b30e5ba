// Package spec turns a group file and command-line flags into a Group: typed,
// defaulted and checked, with every problem reported at once. It does no I/O.
package spec

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

// Group is what the user wants: one HA address (or one per family) and the
// servers that share it.
type Group struct {
	Name    string
	Cloud   string // entry of clouds.yaml; "" leaves it to OS_CLOUD and OS_*
	Servers []Server
	VIPs    []VIP
	VRRP    VRRP
	Checks  []config.Check
	Verify  Verify
	SSH     SSH
}

// Server is one member as the user names it; the order gives the priority.
type Server struct {
	Ref  string // name or ID
	Port string // ID or name of its port; "" finds the one in the VIP's subnet
	SSH  ServerSSH
}

// ServerSSH is how to reach one server where it differs from the group's way.
type ServerSSH struct {
	Host string // name in the SSH configuration, or address
	Port int
	User string
}

// VIP is one virtual address.
type VIP struct {
	Network    string     // name or ID
	Subnet     string     // name or ID; "" takes the one that holds Address, or the only one of its family
	Address    netip.Addr // zero: allocated
	FloatingIP FloatingIP
}

// FloatingIP is which floating IP leads to the VIP. The zero value is none.
type FloatingIP struct {
	Address netip.Addr // an existing one
	Network string     // allocate one from this external network
}

// VRRP is how the agents talk.
type VRRP struct {
	ID       int           // 1 to 255; 0: the lowest free one of the network
	Interval time.Duration // 10ms to 40.95s
	Preempt  bool
	// PreemptDelay is how long a preempting member lets the active be, StartDelay
	// how long one listens after its start before it takes over.
	PreemptDelay, StartDelay api.Duration
	Announce                 config.Announce
	Version                  int    // 3
	Mode                     string // "unicast"
}

// Verify is what must answer on the VIP and the floating IP at the end.
type Verify struct {
	Kind VerifyKind
	Port int    // tcp
	URL  string // http; its host is replaced by the address
}

// VerifyKind is the way Verify asks.
type VerifyKind string

// The ways to verify.
const (
	VerifyNone VerifyKind = "none"
	VerifyTCP  VerifyKind = "tcp"
	VerifyICMP VerifyKind = "icmp"
	VerifyHTTP VerifyKind = "http"
)

// SSH is how the CLI reaches the servers.
type SSH struct {
	User     string   // "" leaves it to the SSH configuration, then the login name
	Jump     []string // [user@]host[:port], outermost first
	Identity string   // private key file; "" leaves it to the SSH configuration
	Config   string   // ssh_config file; "" is the user's own
	HostKeys HostKeys
}

// HostKeys says where trust in a server's host key comes from.
type HostKeys string

// Every policy verifies; they differ in how a key becomes known.
const (
	KnownHosts HostKeys = "known_hosts" // it stands in known_hosts already
	Console    HostKeys = "console"     // cloud-init printed it on the server's console
	AcceptNew  HostKeys = "accept-new"  // the first one seen is kept; a changed one is refused
)
