package openstacktest

import (
	"context"
	"net/netip"
)

// View is a consistent copy of what the cloud holds: what the one who carries
// the packets has to make true.
type View struct {
	Networks       []Network
	Subnets        []Subnet
	Ports          []Port
	SecurityGroups []SecurityGroup
	Routers        []Router
	FloatingIPs    []FloatingIP
	Servers        []Server
}

// Network is a layer 2 segment.
type Network struct {
	ID, Name string
	External bool
}

// Subnet is the addresses of a network.
type Subnet struct {
	ID, Name, NetworkID string
	CIDR                netip.Prefix
	Gateway             netip.Addr
}

// Port is a place on a network with its MAC and addresses.
type Port struct {
	ID, Name, NetworkID string
	MAC                 string // lower case, with colons
	FixedIPs            []FixedIP
	AdminUp             bool
	PortSecurity        bool // off: nothing is filtered
	Pairs               []Pair
	SecurityGroups      []string // IDs
	DeviceID            string
	DeviceOwner         string // "compute:nova", "network:router_interface", "network:router_gateway", "network:floatingip" or empty
}

// FixedIP is an address of a port.
type FixedIP struct {
	SubnetID string
	Address  netip.Addr
}

// Pair is an allowed address pair. A bare address is a prefix of its full
// length.
type Pair struct {
	MAC    string
	Prefix netip.Prefix
}

// SecurityGroup is a set of rules; what no rule allows is dropped. Replies to
// what a rule allowed pass.
type SecurityGroup struct {
	ID, Name string
	Rules    []Rule
}

// Rule allows packets.
type Rule struct {
	ID             string
	Ingress        bool   // to the port; else from it
	IPv6           bool   // ethertype
	Protocol       int    // IP protocol number; -1: any
	PortMin        int    // of TCP and UDP; type of ICMP; -1: any
	PortMax        int    // of TCP and UDP; code of ICMP; -1: any
	RemoteGroupID  string // the other end is a fixed address of a port in this group; empty: not asked
	RemoteIPPrefix netip.Prefix
}

// Router joins subnets, and an external network with source NAT.
type Router struct {
	ID, Name   string
	Gateway    string   // port ID on the external network, or empty
	Interfaces []string // port IDs on its subnets
}

// FloatingIP is an external address translated to a fixed one.
type FloatingIP struct {
	ID      string
	Address netip.Addr
	PortID  string     // empty: not attached
	Fixed   netip.Addr // of that port
	Router  string     // that translates
	// Carrier is the port that has the packets on OVN: the server's own, or
	// for a virtual port the one that claimed the address last. Empty: dropped.
	// On other back ends it is always empty, and the neighbour tables decide.
	Carrier string
}

// Server is a virtual machine.
type Server struct {
	ID, Name  string
	Status    string // as Nova shows it: ACTIVE, SHUTOFF, PAUSED, ...
	PublicKey string // authorized_keys line of its key pair
	UserData  string
	Ports     []string // IDs, in the order of its NICs
}

// Machines runs the servers of a cloud. The calls for one server come one at
// a time.
type Machines interface {
	// Start powers a server on and returns when its ports are wired.
	Start(ctx context.Context, s Server) error
	// Stop powers it off; soft shuts the guest down first, bounded.
	Stop(ctx context.Context, id string, soft bool) error
	// Pause freezes it, with its wires cut, and Resume lets it go on.
	Pause(ctx context.Context, id string) error
	Resume(ctx context.Context, id string) error
	// Delete powers it off and forgets it.
	Delete(ctx context.Context, id string) error
	// Console is what it printed since its first start.
	Console(id string) string
}
