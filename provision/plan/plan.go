// Package plan compares what is wanted with what was observed and says, in
// order, what to do about it. It is pure: no I/O, no clock.
package plan

import (
	"net/netip"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
)

// Plan is what to do, as a graph: an action runs when all that it Needs have.
type Plan struct {
	Group   string    `json:"group"`
	Actions []Action  `json:"actions"`
	Desired Desired   `json:"-"`
	Known   Resources `json:"-"`
	// Settle tells that the agents' agreement must be waited for at the end.
	Settle bool `json:"-"`
	// Left is what the plan cannot do, e.g. on a server that cannot be reached.
	Left []Left `json:"left,omitempty"`
}

// Empty tells that nothing needs to be made or changed.
func (p Plan) Empty() bool { return len(p.Actions) == 0 }

// Stages splits the plan into what runs before the agents agree and what runs
// after. What the second stage needs of the first is done by then.
func (p Plan) Stages() (first, last Plan) {
	first, last = p, p
	first.Actions, last.Actions = nil, nil
	for _, a := range p.Actions {
		if a.Last {
			a.Needs = nil
			last.Actions = append(last.Actions, a)
		} else {
			first.Actions = append(first.Actions, a)
		}
	}
	return first, last
}

// Left is something that stays behind, with the reason and the cure.
type Left struct {
	What string `json:"what"`
	Why  string `json:"why"`
	Hint string `json:"hint,omitempty"`
}

// Resources are the things in the cloud that an action may refer to before
// they exist. Apply starts from the plan's and fills in the rest.
type Resources struct {
	SecurityGroup string // ID
	VIPs          []VIPResource
	VRID          int // that the run took in the place of Desired's, 0 when it did not
}

// VIPResource is what Neutron gave one VIP, in the order of Desired.VIPs.
type VIPResource struct {
	PortID     string
	Address    netip.Addr
	FloatingIP netip.Addr // zero: none
}

// Action is one thing to make, change or take away.
type Action struct {
	ID         string   `json:"id"`   // e.g. "member-port/bastion-1"
	Verb       Verb     `json:"verb"` // create, change, delete
	Kind       string   `json:"kind"` // as people read it: port, group, floating ip, agent
	Name       string   `json:"name"`
	Note       string   `json:"note"`              // one line for people
	Changes    []Change `json:"changes,omitempty"` // before and after, by field
	Needs      []string `json:"needs,omitempty"`
	Interrupts bool     `json:"interrupts"`
	Inverse    string   `json:"inverse"`          // what undoes it, or "not reversible: why"
	Server     string   `json:"server,omitempty"` // name of the server it runs on; "" is the cloud
	// Last marks what takes traffic from where it goes now: it waits until the
	// agents agree.
	Last bool `json:"-"`
	Op   Op   `json:"-"`
}

// Verb is what an action does to its object.
type Verb string

// The verbs, and the signs they are shown with.
const (
	Create Verb = "create" // +
	Modify Verb = "change" // ~
	Delete Verb = "delete" // -
)

// Change is one field's before and after; "" means absent.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Op is an action as apply executes it. Every Op is idempotent: run again
// after a crash it finds its work done.
type Op interface{ op() }

// The operations in the cloud.
type (
	// CreateVIPPort makes the VIP's port without security groups, marked and
	// tagged. It fills Resources.VIPs[VIP].
	CreateVIPPort struct {
		VIP  int // index in Desired.VIPs
		Name string
	}
	// TagVIPPort adds tags that are missing on an existing VIP port.
	TagVIPPort struct {
		PortID      string
		Tags        []string
		Remove      []string // tags to take off
		Description string   // the new one; "" leaves it
	}
	// DeleteVIPPort deletes a VIP port that havip made.
	DeleteVIPPort struct{ PortID string }

	// CreateSecurityGroup makes the group, takes away Neutron's allow-all
	// egress rules and adds protocol 112 from and to itself for Families. It
	// fills Resources.SecurityGroup.
	CreateSecurityGroup struct {
		Name     string
		Families []Family
	}
	// MendSecurityGroup brings an existing group's rules and tags back.
	MendSecurityGroup struct {
		ID      string
		Add     []openstack.Rule // RemoteGroupID is filled in with ID
		Remove  []string         // rule IDs
		AddTags []string
	}
	// DeleteSecurityGroup deletes a group that havip made.
	DeleteSecurityGroup struct{ ID string }

	// JoinPort makes a port a member's: pairs and security group merged into
	// what is there, in one PUT with If-Match, 412 retried; then the tags.
	JoinPort struct {
		PortID   string
		Observed openstack.Port // as the plan saw it: the first PUT's revision
		VIPs     []int          // indices of the VIPs whose address it must allow
		Tags     []string       // to add
	}
	// LeavePort is its inverse. Addresses are those to take off the pairs (not
	// those that were there before havip came); tags go last. Marks are tags
	// that are put on first: where an agent stays, it is found by them.
	LeavePort struct {
		PortID        string
		Addresses     []netip.Addr
		SecurityGroup string // ID, "" when there is none
		Tags          []string
		Marks         []string
	}

	// AttachFloatingIP points a floating IP at a VIP. With an ID it is an
	// existing one; without, one is allocated from Network.
	AttachFloatingIP struct {
		VIP      int
		ID       string
		Network  string
		From     string // ID of the port that it is taken from, and no other; "" is none
		Revision int    // as the plan saw it; 0 when writes cannot be held to it
		Tags     []string
	}
	// ReleaseFloatingIP detaches one, and deletes it when havip allocated it.
	ReleaseFloatingIP struct {
		ID        string
		Allocated bool
		From      string // as in AttachFloatingIP
		Revision  int
		Tags      []string
	}
	// DisownFloatingIP takes havip's marks off one that somebody attached
	// elsewhere, so that it is theirs whatever comes after.
	DisownFloatingIP struct {
		ID          string
		From        string // the port that it is on, and no other
		Tags        []string
		Described   bool   // the description has a mark
		Description string // the one without
	}
)

// The operations on servers. Addresses in Config that only come to be when the
// plan runs are zero, and filled in from Resources in the order of the routers.
type (
	// ConvergeAgent makes the server hold the binary, the service and the
	// configuration, and the agent run with it: started, or reloaded.
	ConvergeAgent struct {
		ServerID string
		Config   config.Config
		Init     Init
		Arch     string
		// Restart is set where the change cannot be reloaded.
		Restart bool
		// New tells that the server held nothing of this group before.
		New bool
	}
	// StopAgent stops the agent of this group (it hands the VIP over).
	StopAgent struct{ ServerID string }
	// RemoveAgent stops it and removes configuration and service, and the
	// binary with the last group.
	RemoveAgent struct{ ServerID string }
)

func (CreateVIPPort) op()       {}
func (TagVIPPort) op()          {}
func (DeleteVIPPort) op()       {}
func (CreateSecurityGroup) op() {}
func (MendSecurityGroup) op()   {}
func (DeleteSecurityGroup) op() {}
func (JoinPort) op()            {}
func (LeavePort) op()           {}
func (AttachFloatingIP) op()    {}
func (ReleaseFloatingIP) op()   {}
func (DisownFloatingIP) op()    {}
func (ConvergeAgent) op()       {}
func (StopAgent) op()           {}
func (RemoveAgent) op()         {}
