package openstack

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
)

// SecurityGroups lists the project's security groups, with their rules: those
// of a name, or all when the name is "".
func (c *Client) SecurityGroups(ctx context.Context, name string) ([]SecurityGroup, error) {
	opts := groups.ListOpts{Name: name, ProjectID: c.identity.ProjectID}
	found, err := list[securityGroupWire](ctx, groups.List(c.network, opts), "security_groups")
	return found, failure("list security groups", name, err)
}

// SecurityGroup reads one security group with its rules.
func (c *Client) SecurityGroup(ctx context.Context, id string) (SecurityGroup, error) {
	g, err := single[securityGroupWire](groups.Get(ctx, c.network, id).Result, "security_group")
	return g, failure("read security group", id, err)
}

// CreateSecurityGroup makes a security group. It comes with rules that allow
// all egress (Neutron, securitygroups_db.py), which are in what is returned.
func (c *Client) CreateSecurityGroup(ctx context.Context, g SecurityGroupCreate) (SecurityGroup, error) {
	opts := groups.CreateOpts{Name: g.Name, Description: g.Description}
	made, err := single[securityGroupWire](groups.Create(ctx, c.network, opts).Result, "security_group")
	return made, failure("create security group", g.Name, err)
}

// DescribeSecurityGroup changes a group's description if the group is still at
// revision; ErrConflict says that it is not. Revision 0 asks for no such check.
func (c *Client) DescribeSecurityGroup(ctx context.Context, id string, revision int, description string) (SecurityGroup, error) {
	opts := groups.UpdateOpts{Description: &description}
	if revision != 0 {
		opts.RevisionNumber = &revision
	}
	g, err := single[securityGroupWire](groups.Update(ctx, c.network, id, opts).Result, "security_group")
	return g, failure("update security group", id, err)
}

// DeleteSecurityGroup deletes a group; one that is gone already is no error.
func (c *Client) DeleteSecurityGroup(ctx context.Context, id string) error {
	return gone(failure("delete security group", id, groups.Delete(ctx, c.network, id).Err))
}

type securityGroupWire struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	ProjectID   string     `json:"project_id"`
	TenantID    string     `json:"tenant_id"`
	Rules       []ruleWire `json:"security_group_rules"`
	Tags        []string   `json:"tags"`
	Revision    int        `json:"revision_number"`
	CreatedAt   timestamp  `json:"created_at"`
}

func (w securityGroupWire) model() SecurityGroup {
	g := SecurityGroup{
		ID: w.ID, Name: w.Name, Description: w.Description,
		ProjectID: project(w.ProjectID, w.TenantID),
		Tags:      w.Tags, Revision: w.Revision, CreatedAt: w.CreatedAt.Time,
	}
	for _, r := range w.Rules {
		g.Rules = append(g.Rules, Rule(r))
	}
	return g
}
