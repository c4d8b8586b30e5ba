package openstack

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/common/extensions"
)

// Extensions are the aliases of the extensions that Neutron has.
func (c *Client) Extensions(ctx context.Context) (map[string]bool, error) {
	page, err := extensions.List(c.network).AllPages(ctx)
	if err != nil {
		return nil, failure("list extensions", "", err)
	}
	all, err := extensions.ExtractExtensions(page)
	if err != nil {
		return nil, failure("list extensions", "", err)
	}
	have := make(map[string]bool, len(all))
	for _, e := range all {
		have[e.Alias] = true
	}
	return have, nil
}
