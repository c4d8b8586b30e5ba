package plan

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
)

// Desired is a group resolved against the cloud: names have become IDs,
// "auto" a number. Preflight makes it.
type Desired struct {
	Group string
	VRID  int
	// Taken are the VRIDs that others have, by whom: a run that finds its own
	// taken meanwhile takes another. Nil when the group must have this one.
	Taken    map[int]string
	Interval time.Duration
	Preempt  bool
	Version  int
	Mode     string

	PreemptDelay, StartDelay api.Duration
	Announce                 config.Announce

	Checks  []config.Check
	VIPs    []VIP
	Members []Member // in order of priority
	Agent   AgentRelease

	// MoveFloatingIP allows taking a floating IP away from where it is.
	MoveFloatingIP bool
}

// VIP is one wanted virtual address.
type VIP struct {
	Family     Family
	Network    openstack.Network
	Subnet     openstack.Subnet
	Address    netip.Addr // zero: Neutron allocates it when the plan runs
	FloatingIP *FloatingIP
}

// FloatingIP is the wanted floating IP of a VIP: an existing one by ID, or a
// new one from Network.
type FloatingIP struct {
	ID      string
	Address netip.Addr
	Network openstack.Network
}

// Family is an address family.
type Family int

// The address families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// String is the suffix of the VIP port's name: v4 or v6.
func (f Family) String() string {
	if f == IPv6 {
		return "v6"
	}
	return "v4"
}

// EtherType is the family as Neutron's security-group rules spell it.
func (f Family) EtherType() string {
	if f == IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// Member is one wanted member.
type Member struct {
	Server   openstack.Server
	Ports    []MemberPort // one for each VIP, in the order of Desired.VIPs
	Priority int
}

// MemberPort is the port through which a member holds one VIP.
type MemberPort struct {
	Port    openstack.Port
	Address netip.Addr // its fixed address in the VIP's subnet: source of the adverts
}

// AgentRelease is the agent that this CLI can put on servers.
type AgentRelease struct {
	Version string
	SHA256  map[string]string // by GOARCH
	// Units has the SHA-256 of the service file for each init system.
	Units map[Init]string
}
