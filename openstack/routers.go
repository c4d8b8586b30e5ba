package openstack

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
)

// Routers lists all routers that we may see.
func (c *Client) Routers(ctx context.Context) ([]Router, error) {
	found, err := list[routerWire](ctx, routers.List(c.network, routers.ListOpts{}), "routers")
	return found, failure("list routers", "", err)
}

type routerWire struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Gateway struct {
		NetworkID string `json:"network_id"`
	} `json:"external_gateway_info"`
	Distributed bool `json:"distributed"`
}

func (w routerWire) model() Router {
	return Router{ID: w.ID, Name: w.Name, ExternalNetwork: w.Gateway.NetworkID, Distributed: w.Distributed}
}
