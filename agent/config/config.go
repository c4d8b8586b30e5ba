// Package config is the agent's configuration file: its types, a strict
// reader that reports every problem at once, and the writer that the CLI uses.
package config

import (
	"net/netip"
	"reflect"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// Config is one group on one server: /etc/havip/GROUP.yaml.
type Config struct {
	Group   string   `yaml:"group"`
	Routers []Router `yaml:"routers"` // all routers of a file move together
	Checks  []Check  `yaml:"checks,omitempty"`
	Control string   `yaml:"control"`           // path of the control socket
	Metrics string   `yaml:"metrics,omitempty"` // IP address and port, ":9112" for all addresses; off when empty
}

// Router is one virtual router (RFC 9568 section 1.7), of one address family:
// a dual-stack group has two (section 5.2.9).
type Router struct {
	VRID      int            `yaml:"vrid"`
	Interface Interface      `yaml:"interface"`
	Addresses []netip.Prefix `yaml:"addresses"` // /32 or /128, or the length of the NIC's subnet
	Source    netip.Addr     `yaml:"source"`    // of the adverts: the port's fixed address
	// Mode is ModeUnicast or ModeMulticast. Parse fills it in: unicast when there
	// are peers. In multicast, peers are those whose advertisements are taken;
	// empty: all.
	Mode     string       `yaml:"mode,omitempty"`
	Peers    []netip.Addr `yaml:"peers,omitempty"`
	Priority int          `yaml:"priority"` // 10 to 253; 255 is the address owner
	Interval api.Duration `yaml:"interval"` // 10ms to 40.95s; version 2: whole seconds to 255s
	Version  int          `yaml:"version"`  // 3, or 2 (RFC 3768, IPv4 only)
	Preempt  bool         `yaml:"preempt"`
	// PreemptDelay is how long a backup of higher priority lets the active be
	// before it preempts it.
	PreemptDelay api.Duration `yaml:"preempt_delay,omitempty"`
	// StartDelay is how long a router listens after its start, beyond the down
	// interval, before it takes over.
	StartDelay api.Duration `yaml:"start_delay,omitempty"`
	// Checksum is the form that version 3 sends over IPv4: "pseudo-header" (the
	// default, what keepalived, FRR and routers do) or "message" (RFC 9568).
	Checksum vrrp.ChecksumForm `yaml:"checksum,omitempty"`
	Announce Announce          `yaml:"announce,omitempty"`
}

// The modes of a router.
const (
	ModeUnicast   = "unicast"
	ModeMulticast = "multicast"
)

// Announce is how an active tells the network where the VIPs are.
type Announce struct {
	Replies bool         `yaml:"replies,omitempty"` // gratuitous ARP as reply too, not only as request
	Refresh api.Duration `yaml:"refresh,omitempty"` // how often it is repeated; Parse fills in 30s
}

// IsZero keeps Marshal from writing what Parse fills in.
func (a Announce) IsZero() bool { return a == Announce{} || a == Announce{Refresh: DefaultRefresh} }

// Interface says which NIC the router is on: the one with this MAC and this
// address (VLANs and bonds share MACs), or the one with this name.
type Interface struct {
	MAC     string     `yaml:"mac,omitempty"`
	Address netip.Addr `yaml:"address,omitempty"`
	Name    string     `yaml:"name,omitempty"`
}

// String is what the file calls the NIC: its name, or MAC and address.
func (i Interface) String() string {
	if i.Name != "" {
		return i.Name
	}
	return i.MAC + " " + i.Address.String()
}

// Check is one health check: a kind, of which exactly one is set, what belongs
// to the kind, and when it is run.
type Check struct {
	Name string `yaml:"name"`

	TCP     string   `yaml:"tcp,omitempty"`     // host:port; an empty host is 127.0.0.1
	HTTP    string   `yaml:"http,omitempty"`    // URL
	Process string   `yaml:"process,omitempty"` // name of a process, or path of its executable
	File    string   `yaml:"file,omitempty"`    // path that exists
	Unit    string   `yaml:"unit,omitempty"`    // systemd unit that is active
	Gateway string   `yaml:"gateway,omitempty"` // address that answers ARP or NDP; GatewayAuto
	Exec    []string `yaml:"exec,omitempty"`    // command and arguments; exit status 0 is healthy

	Status   []int        `yaml:"status,omitempty"`   // of HTTP; empty: any below 400
	Insecure bool         `yaml:"insecure,omitempty"` // HTTPS: any certificate will do
	MaxAge   api.Duration `yaml:"max_age,omitempty"`  // of File: when it was last written

	Interval api.Duration `yaml:"interval,omitempty"`
	Timeout  api.Duration `yaml:"timeout,omitempty"`
	Fall     int          `yaml:"fall,omitempty"` // failures in a row until unhealthy
	Rise     int          `yaml:"rise,omitempty"` // successes in a row until healthy
}

// Equal tells whether two checks do the same.
func (c Check) Equal(other Check) bool { return reflect.DeepEqual(c, other) }

// GatewayAuto is each gateway of the default route through the router's NIC.
const GatewayAuto = "auto"
