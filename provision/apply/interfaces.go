package apply

import (
	"context"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// Cloud is what apply needs of an OpenStack. *openstack.Client has it.
type Cloud interface {
	Port(ctx context.Context, id string) (openstack.Port, error)
	Ports(ctx context.Context, f openstack.PortFilter) ([]openstack.Port, error)
	CreatePort(ctx context.Context, c openstack.PortCreate) (openstack.Port, error)
	// UpdatePort sends If-Match with revision; openstack.ErrConflict says that
	// somebody was faster.
	UpdatePort(ctx context.Context, id string, revision int, u openstack.PortUpdate) (openstack.Port, error)
	DescribePort(ctx context.Context, id, description string) error
	DeletePort(ctx context.Context, id string) error

	SecurityGroups(ctx context.Context, name string) ([]openstack.SecurityGroup, error)
	SecurityGroup(ctx context.Context, id string) (openstack.SecurityGroup, error)
	CreateSecurityGroup(ctx context.Context, c openstack.SecurityGroupCreate) (openstack.SecurityGroup, error)
	// DescribeSecurityGroup changes the description, under If-Match unless
	// revision is 0.
	DescribeSecurityGroup(ctx context.Context, id string, revision int, description string) (openstack.SecurityGroup, error)
	DeleteSecurityGroup(ctx context.Context, id string) error
	CreateRules(ctx context.Context, group string, rules []openstack.Rule) error
	DeleteRule(ctx context.Context, id string) error

	CreateFloatingIP(ctx context.Context, network, portID, description string) (openstack.FloatingIP, error)
	FloatingIPs(ctx context.Context) ([]openstack.FloatingIP, error)
	FloatingIP(ctx context.Context, id string) (openstack.FloatingIP, error)
	// The changes of a floating IP are done under If-Match unless revision is 0.
	AttachFloatingIP(ctx context.Context, id string, revision int, portID string) (openstack.FloatingIP, error)
	DetachFloatingIP(ctx context.Context, id string, revision int) error
	DescribeFloatingIP(ctx context.Context, id string, revision int, description string) error
	DeleteFloatingIP(ctx context.Context, id string, revision int) error

	AddTag(ctx context.Context, k openstack.Kind, id, tag string) error
	// SetTags replaces all tags: only for an object that this run has just made.
	SetTags(ctx context.Context, k openstack.Kind, id string, tags []string) error
	RemoveTag(ctx context.Context, k openstack.Kind, id, tag string) error
}

// Server is what apply needs of a member's server.
type Server interface {
	// Converge makes the server hold binary, service and configuration, and
	// the agent run with it.
	Converge(ctx context.Context, op plan.ConvergeAgent) error
	Stop(ctx context.Context, group string) error
	Remove(ctx context.Context, group string) error
	Status(ctx context.Context, group string) (api.Status, error)
	Switchover(ctx context.Context, group string) error
}

// Servers finds the way to a server by its ID.
type Servers interface {
	Server(ctx context.Context, id string) (Server, error)
}

// Progress is told what happens while it happens. Calls may come from several
// goroutines.
type Progress interface {
	Begin(a plan.Action)
	End(a plan.Action, err error)
}
