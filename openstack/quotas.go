package openstack

import (
	"context"
	"errors"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"
)

// Quotas reads the project's quotas and what is used of them. Where the cloud
// does not show them, all are unknown, and that is no error.
func (c *Client) Quotas(ctx context.Context) (Quotas, error) {
	w, err := single[quotasWire](quotas.GetDetail(ctx, c.network, c.identity.ProjectID).Result, "quota")
	err = failure("read quotas", "", err)
	if errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) {
		return Quotas{}, nil
	}
	return w, err
}

type quotasWire struct {
	Port              *quotaWire `json:"port"`
	SecurityGroup     *quotaWire `json:"security_group"`
	SecurityGroupRule *quotaWire `json:"security_group_rule"`
	FloatingIP        *quotaWire `json:"floatingip"`
}

type quotaWire struct {
	Limit int `json:"limit"`
	Used  int `json:"used"`
}

func (w quotasWire) model() Quotas {
	return Quotas{
		Port:              (*Quota)(w.Port),
		SecurityGroup:     (*Quota)(w.SecurityGroup),
		SecurityGroupRule: (*Quota)(w.SecurityGroupRule),
		FloatingIP:        (*Quota)(w.FloatingIP),
	}
}
