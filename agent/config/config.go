// Package config is the agent's configuration file: its types, a strict
// reader that reports every problem at once, and the writer that the CLI uses.
package config

import (
	"net/netip"

	"github.com/havip/havip/agent/api"
)

// Config is one group on one server: /etc/havip/GROUP.yaml.
type Config struct {
	Group   string   `yaml:"group"`
	Routers []Router `yaml:"routers"` // all routers of a file move together
	Checks  []Check  `yaml:"checks,omitempty"`
	Control string   `yaml:"control"`           // path of the control socket
	Metrics string   `yaml:"metrics,omitempty"` // host:port; off when empty
}

// Router is one virtual router (RFC 9568 section 1.7).
type Router struct {
	VRID      int            `yaml:"vrid"`
	Interface Interface      `yaml:"interface"`
	Addresses []netip.Prefix `yaml:"addresses"`       // /32 or /128
	Source    netip.Addr     `yaml:"source"`          // of the adverts: the port's fixed address
	Peers     []netip.Addr   `yaml:"peers,omitempty"` // empty: multicast
	Priority  int            `yaml:"priority"`        // 1 to 254; 255 is the address owner
	Interval  api.Duration   `yaml:"interval"`        // 10ms to 40.95s
	Version   int            `yaml:"version"`         // 3
	Preempt   bool           `yaml:"preempt"`
}

// Interface says which NIC the router is on: the one with this MAC and this
// address (VLANs and bonds share MACs), or the one with this name.
type Interface struct {
	MAC     string     `yaml:"mac,omitempty"`
	Address netip.Addr `yaml:"address,omitempty"`
	Name    string     `yaml:"name,omitempty"`
}

// Check is one health check. Exactly one of TCP and HTTP is set.
type Check struct {
	Name     string       `yaml:"name"`
	TCP      string       `yaml:"tcp,omitempty"`  // host:port; an empty host is 127.0.0.1
	HTTP     string       `yaml:"http,omitempty"` // URL; any status below 400 is healthy
	Interval api.Duration `yaml:"interval,omitempty"`
	Timeout  api.Duration `yaml:"timeout,omitempty"`
	Fall     int          `yaml:"fall,omitempty"` // failures in a row until unhealthy
	Rise     int          `yaml:"rise,omitempty"` // successes in a row until healthy
}
