package plan

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
)

// Observed is everything a plan is made from: facts, no judgement. Observe
// never fails because a name is ambiguous or an object is missing; preflight
// says so, together with all the rest.
type Observed struct {
	At       time.Time
	Identity openstack.Identity

	// What the group's references match, by the reference as the user wrote
	// it. Several or none is for preflight to report.
	Servers  map[string][]openstack.Server
	Networks map[string][]openstack.Network

	Subnets        []openstack.Subnet        // of those networks
	Ports          []openstack.Port          // all that we may see on those networks
	SecurityGroups []openstack.SecurityGroup // with the group's mark or name
	FloatingIPs    []openstack.FloatingIP    // all of the project
	Routers        []openstack.Router        // all that we may see
	External       []openstack.Network       // external networks
	Extensions     map[string]bool           // nil: unknown
	Quotas         openstack.Quotas

	// Hosts is what was found on the servers, by server ID. It covers the
	// wanted members and the former ones.
	Hosts map[string]Host
}

// Host is what was found on one server.
type Host struct {
	// Err is why nothing could be looked at; the rest is empty then.
	Err  string
	Hint string
	// Booting: it may be that it boots, and lets nobody in yet.
	Booting bool

	Address string   // where SSH reached it
	Via     []string // the jump hosts on the way, outermost first
	User    string
	Root    bool // root, or sudo without a password
	OS      string
	Arch    string // GOARCH: amd64, arm64, or uname's word for another
	Init    Init
	NICs    []NIC

	Agent   Agent
	Foreign []Foreign
}

// Init is the init system of a server.
type Init string

// The init systems that the agent's service is written for.
const (
	Systemd Init = "systemd"
	SysV    Init = "sysv"
)

// NIC is one network interface of a server.
type NIC struct {
	Name      string
	MAC       string
	Addresses []netip.Prefix
}

// Agent is what a server holds of ours.
type Agent struct {
	BinarySHA256 string         // of /usr/local/bin/havip-agent; "" when it is not there
	Version      string         // that the binary says
	RunsSHA256   string         // of the binary that the agent was started from; "" when it does not run
	UnitSHA256   string         // of the service file
	ConfigSHA256 string         // of the group's configuration file
	Config       *config.Config // nil when there is none or it cannot be read
	Enabled      bool
	Running      bool
	Groups       []string    // all groups that have a configuration there, or whose installation has begun
	Status       *api.Status // nil when the agent does not answer
}

// Foreign is a VRRP daemon that is not ours.
type Foreign struct {
	Name      string // keepalived, vrrpd, ...
	PID       int
	VRIDs     []int        // found in its configuration
	Addresses []netip.Addr // likewise
}
