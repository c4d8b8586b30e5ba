// Package openstack is a typed client for the part of Keystone, Neutron and
// Nova that havip needs. Every method takes a context first, returns plain
// values, and says in its error which object it was about. It imports nothing
// of havip's.
package openstack

import (
	"net/netip"
	"time"
)

// Identity is who we are logged in as.
type Identity struct {
	Cloud     string `json:"cloud"` // entry of clouds.yaml, or "" with OS_* variables
	AuthURL   string `json:"auth_url"`
	Region    string `json:"region"`
	ProjectID string `json:"project_id"`
	Project   string `json:"project"`
	UserID    string `json:"user_id"`
	User      string `json:"user"`
}

// Server is a Nova server.
type Server struct {
	ID, Name  string
	Status    string // ACTIVE, SHUTOFF, ERROR, ...
	TaskState string // "" when idle
	HostID    string // equal for two servers on one hypervisor
	Locked    bool   // needs microversion 2.9
	Addresses []Address
}

// WakeUp is the action of `openstack server` that makes a server ACTIVE again that
// somebody put into its status; "" where it gets there by itself, or not at all
// (Nova API, server actions).
func (s Server) WakeUp() string {
	switch s.Status {
	case "SHUTOFF":
		return "start"
	case "PAUSED":
		return "unpause"
	case "SUSPENDED":
		return "resume"
	case "RESCUE":
		return "unrescue"
	case "SHELVED", "SHELVED_OFFLOADED":
		return "unshelve"
	}
	return ""
}

// Address is one address of a server as Nova shows it.
type Address struct {
	Network  string
	IP       netip.Addr
	MAC      string
	Floating bool
}

// Port is a Neutron port.
type Port struct {
	ID, Name, Description string
	NetworkID, ProjectID  string
	DeviceID, DeviceOwner string
	MAC                   string
	Status                string
	AdminUp               bool
	FixedIPs              []FixedIP
	Pairs                 []AddressPair
	SecurityGroups        []string
	PortSecurity          bool // true where the cloud has no such extension
	VNICType              string
	TrunkParent           bool // has trunk_details: sub-ports hang on it
	Tags                  []string
	Revision              int
	CreatedAt             time.Time
}

// FixedIP is one address of a port.
type FixedIP struct {
	SubnetID string
	IP       netip.Addr
}

// AddressPair is one of a port's allowed-address pairs, as Neutron shows it.
type AddressPair struct {
	IP  string // an address or a CIDR, in Neutron's spelling
	MAC string // the port's own when none was given
}

// Network is a Neutron network.
type Network struct {
	ID, Name, ProjectID string
	External, Shared    bool
	Tags                []string
}

// Subnet is a Neutron subnet.
type Subnet struct {
	ID, Name, NetworkID string
	CIDR                netip.Prefix
	Gateway             netip.Addr // zero: none
}

// Router is a Neutron router.
type Router struct {
	ID, Name        string
	ExternalNetwork string // ID of its external network, "" without a gateway
	Distributed     bool   // false also where the field is hidden from members
}

// FloatingIP is a Neutron floating IP.
type FloatingIP struct {
	ID          string
	Address     netip.Addr
	Fixed       netip.Addr // zero while unattached
	PortID      string     // "" while unattached
	NetworkID   string     // the external network
	RouterID    string
	Description string
	Tags        []string
	Revision    int
}

// SecurityGroup is a Neutron security group with its rules.
type SecurityGroup struct {
	ID, Name, Description string
	ProjectID             string
	Rules                 []Rule
	Tags                  []string
	Revision              int
	CreatedAt             time.Time
}

// Rule is a security-group rule. Empty fields mean any.
type Rule struct {
	ID            string
	Direction     string // ingress or egress
	EtherType     string // IPv4 or IPv6
	Protocol      string // as Neutron shows it: "112" and "vrrp" are two rules to it
	PortMin       int
	PortMax       int
	RemoteGroupID string
	RemotePrefix  string
}

// Quota is one Neutron quota.
type Quota struct {
	Limit int // -1: none
	Used  int
}

// Quotas are those that havip's objects count against. A nil field is unknown:
// many clouds refuse members the look (403).
type Quotas struct {
	Port, SecurityGroup, SecurityGroupRule, FloatingIP *Quota
}

// Kind names a taggable Neutron collection, as in its URL.
type Kind string

// The collections whose members havip tags.
const (
	Ports          Kind = "ports"
	SecurityGroups Kind = "security-groups"
	FloatingIPs    Kind = "floatingips"
)

// PortFilter selects ports; zero fields do not.
type PortFilter struct {
	NetworkID string
	Tags      []string // all of them
	Name      string
	// SecurityGroup is the ID of one that the port is in.
	SecurityGroup string
	// Own leaves out those of other projects on a network of ours.
	Own bool
}

// PortCreate is a new port without a device.
type PortCreate struct {
	Name, Description string
	NetworkID         string
	SubnetID          string
	Address           netip.Addr // zero: Neutron allocates one of the subnet
	DeviceOwner       string     // "" on nearly every cloud
}

// PortUpdate changes a port; nil fields stay. Both lists replace the whole
// list, so they are merged by the caller and guarded by If-Match.
type PortUpdate struct {
	Pairs          *[]AddressPair
	SecurityGroups *[]string
	AdminUp        *bool // false: the port passes nothing on
}

// SecurityGroupCreate is a new security group.
type SecurityGroupCreate struct {
	Name, Description string
}
