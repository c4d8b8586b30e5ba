package failover

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/server"
)

// Cloud is what faults need of an OpenStack. *openstack.Client has it.
type Cloud interface {
	Server(ctx context.Context, id string) (openstack.Server, error)
	StopServer(ctx context.Context, id string) error
	StartServer(ctx context.Context, id string) error
	ResetServer(ctx context.Context, id string) error
	PauseServer(ctx context.Context, id string) error
	UnpauseServer(ctx context.Context, id string) error
	Port(ctx context.Context, id string) (openstack.Port, error)
	UpdatePort(ctx context.Context, id string, revision int, u openstack.PortUpdate) (openstack.Port, error)
	SecurityGroup(ctx context.Context, id string) (openstack.SecurityGroup, error)
	AddTag(ctx context.Context, k openstack.Kind, id, tag string) error
	RemoveTag(ctx context.Context, k openstack.Kind, id, tag string) error
}

// Guest is what faults need of a member's server. *server.Server has it.
type Guest interface {
	Status(ctx context.Context, group string) (api.Status, error)
	Switchover(ctx context.Context, group string) error
	Provoke(ctx context.Context, p server.Provocation) error
	Mend(ctx context.Context, group string) (undone bool, err error)
	Witness(ctx context.Context, group string, vips []netip.Addr, every time.Duration, asks []string, stdin io.Reader, stdout io.Writer) error
}

// Guests finds the way to servers.
type Guests interface {
	Guest(ctx context.Context, serverID string) (Guest, error)
	// Forget drops a connection that may be dead: a server that was reset says
	// nothing about it.
	Forget(serverID string)
}

// Progress is told what happens.
type Progress interface {
	Step(name, detail string, took time.Duration)
	Warn(message, hint string)
}

// Member is one member of the group.
type Member struct {
	Name, ServerID, PortID string
	NIC                    string
	Init                   string // systemd or sysv: who restarts an agent that died
}

// Test is a failover test of one group.
type Test struct {
	Group         string
	SecurityGroup string // ID: it holds the journal
	Members       []Member
	VIP           netip.Addr
	Interval      time.Duration // of the advertisements
	StartDelay    time.Duration // for which an agent only listens after its start
	CheckPort     int           // of a health check on the server itself; 0: none

	// Degraded is that members that are not well in the beginning are left out.
	Degraded bool

	Faults []Fault
	Rounds int
	Pause  time.Duration // between rounds
	// UndoAfter is after how long a server undoes a fault of its own accord.
	UndoAfter time.Duration
	Every     time.Duration // the pace of asking
	Target    pulse.Target
	Limits    Limits
	// Outside is what is asked from here: the floating IP, or the VIP where there
	// is none. Control is asked beside it, on the same way; zero: nothing is.
	Outside, Control netip.Addr
	// Identify learns who answers outside; Known are the members' names by what
	// they answer to it, where that is known beforehand.
	Identify Identify
	Known    map[string]string
	// SessionPort is where one long TCP connection goes; 0: none is made.
	SessionPort uint16

	Cloud    Cloud
	Guests   Guests
	Progress Progress

	tolerated map[string]bool // what was wrong before the test
	insiders  map[string]bool // members from which the VIP was answered, by name
	// open is how an address is asked from here; nil: by Target.
	open func(netip.Addr) (pulse.Opened, error)
}

// Report is what a test came to.
type Report struct {
	Group   string
	VIP     netip.Addr
	Outside netip.Addr
	Target  pulse.Target
	Every   time.Duration
	Limits  Limits
	Began   time.Time
	Took    time.Duration
	Rounds  []Round
	Broken  string   // why it ended before its last round; "" when it did not
	Left    []string // what was not put back
}

// Verdict is that of the worst round. A test that was broken off has shown
// nothing of the rounds that were still to come.
func (r Report) Verdict() Verdict {
	worst := Worst(r.Rounds)
	if r.Broken != "" && worst != Failed {
		return Inconclusive
	}
	return worst
}

// Slowest is the round with the longest silence.
func (r Report) Slowest() (Round, bool) {
	var worst Round
	for _, x := range r.Rounds {
		if x.Verdict != NotPossible && (worst.Number == 0 || x.Silence() > worst.Silence()) {
			worst = x
		}
	}
	return worst, worst.Number > 0
}

// opened asks an address from here.
func (t *Test) opened(addr netip.Addr) (pulse.Opened, error) {
	if t.open != nil {
		return t.open(addr)
	}
	return t.Target.Open(addr)
}
