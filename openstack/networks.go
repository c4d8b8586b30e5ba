package openstack

import (
	"context"
	"net/netip"
	"net/url"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// Networks finds networks by name or by ID.
func (c *Client) Networks(ctx context.Context, ref string) ([]Network, error) {
	if ref == "" {
		return nil, nil
	}
	if looksLikeID(ref) {
		found, err := c.networks(ctx, networks.ListOpts{ID: ref}, ref)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return c.networks(ctx, networks.ListOpts{Name: ref}, ref)
}

// ExternalNetworks lists the networks that floating IPs come from.
func (c *Client) ExternalNetworks(ctx context.Context) ([]Network, error) {
	yes := true
	return c.networks(ctx, external.ListOptsExt{ListOptsBuilder: networks.ListOpts{}, External: &yes}, "")
}

func (c *Client) networks(ctx context.Context, opts networks.ListOptsBuilder, ref string) ([]Network, error) {
	found, err := list[networkWire](ctx, networks.List(c.network, opts), "networks")
	return found, failure("find network", ref, err)
}

// Subnets lists the subnets of networks.
func (c *Client) Subnets(ctx context.Context, networkIDs ...string) ([]Subnet, error) {
	if len(networkIDs) == 0 {
		return nil, nil
	}
	found, err := list[subnetWire](ctx, subnets.List(c.network, subnetsOf(networkIDs)), "subnets")
	return found, failure("list subnets", "", err)
}

// subnetsOf asks for the subnets of several networks at once, which Neutron
// knows and gophercloud's own options do not.
type subnetsOf []string

func (s subnetsOf) ToSubnetListQuery() (string, error) {
	return "?" + url.Values{"network_id": s}.Encode(), nil
}

type networkWire struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	ProjectID string   `json:"project_id"`
	TenantID  string   `json:"tenant_id"`
	External  bool     `json:"router:external"`
	Shared    bool     `json:"shared"`
	Tags      []string `json:"tags"`
}

func (w networkWire) model() Network {
	return Network{ID: w.ID, Name: w.Name, ProjectID: project(w.ProjectID, w.TenantID), External: w.External, Shared: w.Shared, Tags: w.Tags}
}

type subnetWire struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	NetworkID string       `json:"network_id"`
	CIDR      netip.Prefix `json:"cidr"`
	Gateway   netip.Addr   `json:"gateway_ip"`
}

func (w subnetWire) model() Subnet { return Subnet(w) }
