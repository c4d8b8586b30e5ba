package openstack

import (
	"context"
	"errors"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
)

// CreateRules adds rules to a security group, in one request. Rules that are
// there already are no error.
func (c *Client) CreateRules(ctx context.Context, group string, wanted []Rule) error {
	if len(wanted) == 0 {
		return nil
	}
	opts := make([]rules.CreateOpts, len(wanted))
	for i, r := range wanted {
		opts[i] = rules.CreateOpts{
			SecGroupID:     group,
			Direction:      rules.RuleDirection(r.Direction),
			EtherType:      rules.RuleEtherType(r.EtherType),
			Protocol:       rules.RuleProtocol(r.Protocol),
			PortRangeMin:   r.PortMin,
			PortRangeMax:   r.PortMax,
			RemoteGroupID:  r.RemoteGroupID,
			RemoteIPPrefix: r.RemotePrefix,
		}
	}
	err := failure("add rules to security group", group, rules.CreateBulk(ctx, c.network, opts).Err)
	if !duplicate(err) {
		return err
	}
	// A bulk request makes all or nothing: one rule that exists keeps the
	// others out. One by one then.
	for _, o := range opts {
		err := failure("add rule to security group", group, rules.Create(ctx, c.network, o).Err)
		if err != nil && !duplicate(err) {
			return err
		}
	}
	return nil
}

// duplicate tells whether a rule was refused because it is there already
// (neutron.extensions.securitygroup).
func duplicate(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Type == "SecurityGroupRuleExists" || e.Type == "DuplicateSecurityGroupRuleInPost")
}

// DeleteRule deletes a rule; one that is gone already is no error.
func (c *Client) DeleteRule(ctx context.Context, id string) error {
	return gone(failure("delete security group rule", id, rules.Delete(ctx, c.network, id).Err))
}

type ruleWire struct {
	ID            string `json:"id"`
	Direction     string `json:"direction"`
	EtherType     string `json:"ethertype"`
	Protocol      string `json:"protocol"`
	PortMin       int    `json:"port_range_min"`
	PortMax       int    `json:"port_range_max"`
	RemoteGroupID string `json:"remote_group_id"`
	RemotePrefix  string `json:"remote_ip_prefix"`
}
