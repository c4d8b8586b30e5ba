package openstack

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
)

// FloatingIPs lists the project's floating IPs.
func (c *Client) FloatingIPs(ctx context.Context) ([]FloatingIP, error) {
	opts := floatingips.ListOpts{ProjectID: c.identity.ProjectID}
	found, err := list[floatingIPWire](ctx, floatingips.List(c.network, opts), "floatingips")
	return found, failure("list floating IPs", "", err)
}

// FloatingIP reads one floating IP.
func (c *Client) FloatingIP(ctx context.Context, id string) (FloatingIP, error) {
	f, err := single[floatingIPWire](floatingips.Get(ctx, c.network, id).Result, "floatingip")
	return f, failure("read floating IP", id, err)
}

// CreateFloatingIP allocates one from an external network and points it at a
// port; with portID "" it stays unattached.
func (c *Client) CreateFloatingIP(ctx context.Context, network, portID, description string) (FloatingIP, error) {
	opts := floatingips.CreateOpts{FloatingNetworkID: network, PortID: portID, Description: description}
	f, err := single[floatingIPWire](floatingips.Create(ctx, c.network, opts).Result, "floatingip")
	return f, failure("allocate floating IP from network", network, err)
}

// AttachFloatingIP points a floating IP at a port if it is still at revision,
// wherever it was before; ErrConflict says that it is not (Neutron API,
// "Revisions"). Revision 0 asks for no such check.
func (c *Client) AttachFloatingIP(ctx context.Context, id string, revision int, portID string) (FloatingIP, error) {
	f, err := single[floatingIPWire](floatingips.Update(ctx, c.network, id, pointedAt(portID, revision)).Result, "floatingip")
	return f, failure("attach floating IP", id, err)
}

// DetachFloatingIP points a floating IP at nothing if it is still at revision
// (0: whatever it is); one that is gone already is no error.
func (c *Client) DetachFloatingIP(ctx context.Context, id string, revision int) error {
	// gophercloud sends "" as null
	return gone(failure("detach floating IP", id, floatingips.Update(ctx, c.network, id, pointedAt("", revision)).Err))
}

func pointedAt(portID string, revision int) floatingips.UpdateOpts {
	opts := floatingips.UpdateOpts{PortID: &portID}
	if revision != 0 {
		opts.RevisionNumber = &revision
	}
	return opts
}

// DescribeFloatingIP changes a floating IP's description if it is still at
// revision (0: whatever it is), and not where it leads to.
func (c *Client) DescribeFloatingIP(ctx context.Context, id string, revision int, description string) error {
	opts := floatingips.UpdateOpts{Description: &description}
	if revision != 0 {
		opts.RevisionNumber = &revision
	}
	return failure("describe floating IP", id, floatingips.Update(ctx, c.network, id, opts).Err)
}

// DeleteFloatingIP releases a floating IP if it is still at revision (0:
// whatever it is); one that is gone already is no error.
func (c *Client) DeleteFloatingIP(ctx context.Context, id string, revision int) error {
	// floatingips.Delete takes no header.
	opts := &gophercloud.RequestOpts{}
	if revision != 0 {
		opts.MoreHeaders = map[string]string{"If-Match": fmt.Sprintf("revision_number=%d", revision)}
	}
	_, _, err := gophercloud.ParseResponse(c.network.Delete(ctx, c.network.ServiceURL("floatingips", id), opts))
	return gone(failure("delete floating IP", id, err))
}

type floatingIPWire struct {
	ID          string     `json:"id"`
	Address     netip.Addr `json:"floating_ip_address"`
	Fixed       netip.Addr `json:"fixed_ip_address"`
	PortID      string     `json:"port_id"`
	NetworkID   string     `json:"floating_network_id"`
	RouterID    string     `json:"router_id"`
	Description string     `json:"description"`
	Tags        []string   `json:"tags"`
	Revision    int        `json:"revision_number"`
}

func (w floatingIPWire) model() FloatingIP { return FloatingIP(w) }
