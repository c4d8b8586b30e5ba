// Package provision holds the use cases: what it means to create, plan, show,
// move and delete a group. It reads the cloud and the servers, lets the pure
// parts (spec, preflight, plan) judge, and apply act. Nothing here prints.
package provision

import (
	"context"
	"time"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/failover"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
)

// Cloud is what the use cases need of an OpenStack beyond what apply needs.
// *openstack.Client has it.
type Cloud interface {
	apply.Cloud
	failover.Cloud
	Identity() openstack.Identity
	Extensions(ctx context.Context) (map[string]bool, error)
	Servers(ctx context.Context, ref string) ([]openstack.Server, error)
	Networks(ctx context.Context, ref string) ([]openstack.Network, error)
	ExternalNetworks(ctx context.Context) ([]openstack.Network, error)
	Subnets(ctx context.Context, networkIDs ...string) ([]openstack.Subnet, error)
	Routers(ctx context.Context) ([]openstack.Router, error)
	Quotas(ctx context.Context) (openstack.Quotas, error)
	ConsoleOutput(ctx context.Context, serverID string) (string, error)
}

// Connection is an open way to a server. *remote.Conn has it.
type Connection interface {
	remote.Runner
	Address() string
	Via() []string // the jump hosts on the way, outermost first
	User() string
	Alive() bool // false once it has ended
	Close() error
}

// Dialer opens ways to servers.
type Dialer func(ctx context.Context, t remote.Target) (Connection, error)

// Service runs the use cases.
type Service struct {
	Cloud   Cloud
	Dial    Dialer
	Release bundle.Release
	Report  Reporter
	Now     func() time.Time
	Holder  string // names this run in a group's lock
	// Abandoned tells whether a lock's holder is known to run no more.
	Abandoned func(holder string) bool
}

// Reporter is told what happens while it happens. Calls may come from several
// goroutines.
type Reporter interface {
	apply.Progress
	// Step reports a step that is not an action of the plan: agents, verify.
	Step(name, detail string, took time.Duration)
	// Warn reports what does not stop the run.
	Warn(message, hint string)
}

// Problem is an error with the cure.
type Problem struct {
	Message string
	Details []string // one line each: candidates, states
	Cure    string
}

func (p *Problem) Error() string { return p.Message }

// Hint is the cure.
func (p *Problem) Hint() string { return p.Cure }

// NoGroupError says that the cloud has no such group.
type NoGroupError struct{ Group string }

func (e *NoGroupError) Error() string { return "there is no group \"" + e.Group + "\" in this project" }

// Hint tells how to find the groups that there are.
func (e *NoGroupError) Hint() string { return "havip list shows the groups of the project" }

// groupPorts selects what a group marked in the cloud.
func vipPorts(group string) openstack.PortFilter {
	return openstack.PortFilter{Tags: []string{plan.TagGroup(group)}}
}

func memberPorts(group string) openstack.PortFilter {
	return openstack.PortFilter{Tags: []string{plan.TagMember(group)}}
}
