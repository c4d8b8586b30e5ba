// Package api holds the types that an agent shows to the outside: its status
// and its events. They travel as JSON over the control socket and, through
// SSH, to the CLI. Types only; nothing here does anything.
package api

import (
	"net/netip"
	"time"
)

// Version is the version of the JSON objects in this package. It grows when a
// field changes its meaning or goes away, never when one is added.
const Version = 1

// State is a VRRP state (RFC 9568 section 6.4).
type State string

// The states of RFC 9568, and Leaving: an active that has said goodbye
// (priority 0) and holds the VIP until its successor is heard.
const (
	Init    State = "init"
	Backup  State = "backup"
	Active  State = "active"
	Leaving State = "leaving"
)

// Family is an address family. One VRID may serve a router of each (RFC 9568 section
// 5.2.3), so it takes both to tell routers apart.
type Family string

// The address families.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

// FamilyOf is the family of an address.
func FamilyOf(a netip.Addr) Family {
	if a.Is6() {
		return IPv6
	}
	return IPv4
}

// Status is what one agent says of itself.
type Status struct {
	Version int       `json:"version"`
	Agent   string    `json:"agent"` // version of the agent's binary
	Group   string    `json:"group"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Now     time.Time `json:"now"` // the server's clock when this was made
	Routers []Router  `json:"routers"`
	Checks  []Check   `json:"checks,omitempty"`
	// ConfigSHA256 is of the configuration that is in force, which is not the
	// file's when the file was edited and not reloaded.
	ConfigSHA256 string `json:"config_sha256"`
}

// Router is one virtual router of the agent.
type Router struct {
	VRID      int            `json:"vrid"`
	State     State          `json:"state"`
	Since     time.Time      `json:"since"`
	Reason    string         `json:"reason"` // why it entered State, for people
	Priority  int            `json:"priority"`
	Interval  Duration       `json:"interval"`
	Preempt   bool           `json:"preempt"`
	Interface string         `json:"interface"` // the NIC it was found on, e.g. "ens3"; empty before
	Source    netip.Addr     `json:"source"`
	Addresses []netip.Prefix `json:"addresses"`
	Peers     []Peer         `json:"peers"`
	Version   int            `json:"version"` // of VRRP
	Mode      string         `json:"mode"`    // unicast or multicast
	// Selector is what the configuration calls the NIC, found or not: its name, or MAC
	// and address.
	Selector string `json:"selector,omitempty"`
	// Problems are what the agent sees wrong now, the cause named.
	Problems []Problem `json:"problems,omitempty"`
	// Transitions counts changes of state by their reason.
	Transitions map[string]uint64 `json:"transitions,omitempty"`
	// Held tells whether the VIPs are on the NIC now.
	Held     bool              `json:"held"`
	Counters map[string]uint64 `json:"counters"` // adverts, drops by reason, late wake-ups, renewals
}

// Problem is something wrong that the agent sees.
type Problem struct {
	Code   string    `json:"code"` // one of the Problem constants
	Detail string    `json:"detail"`
	Since  time.Time `json:"since"`
	// Peer is the member that it is about, by the address that it sends from;
	// not valid when it is about none.
	Peer netip.Addr `json:"peer,omitzero"`
}

// The codes of problems.
const (
	// ProblemAdvertsBlocked: a peer announces our VIP while its advertisements do
	// not arrive, or takes no notice of ours: protocol 112 is blocked.
	ProblemAdvertsBlocked = "adverts-blocked"
	// ProblemAddressConflict: a station that is no peer announces our VIP.
	ProblemAddressConflict = "address-conflict"
	// ProblemRival: another active is heard, and has not yielded.
	ProblemRival = "rival"
	// ProblemFault: something that the agent tried failed, and still does.
	ProblemFault = "fault"
	// ProblemMismatch: a peer advertises other addresses or another interval.
	ProblemMismatch = "mismatch"
)

// Peer is another member as this agent sees it.
type Peer struct {
	Address netip.Addr `json:"address"`
	// LastAdvert is zero while none was heard: a backup is silent.
	LastAdvert time.Time `json:"last_advert,omitzero"`
	Priority   int       `json:"priority,omitempty"`
}

// Check is the state of one health check.
type Check struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	Since time.Time `json:"since"`
	Why   string    `json:"why,omitempty"` // the last failure
}

// Event is one line of the agent's event stream, in order of Seq.
type Event struct {
	Seq    uint64    `json:"seq"`
	Time   time.Time `json:"time"`           // wall clock
	Mono   Duration  `json:"monotonic"`      // since the agent's start
	Kind   string    `json:"kind"`           // transition, announce, check, vip, config, drop
	VRID   int       `json:"vrid,omitempty"` // with Family, of the router that it is about; zero: of none
	Family Family    `json:"family,omitempty"`
	From   State     `json:"from,omitempty"`
	To     State     `json:"to,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

// Duration is a time.Duration that is written as "300ms" in JSON and YAML.
type Duration time.Duration

// String is the form that time.ParseDuration reads.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}
