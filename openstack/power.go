package openstack

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// StopServer asks the guest to shut down, and switches it off when it has not
// after Nova's grace time (compute API, "Stop Server"; shutdown_timeout, 60 s
// by default). It returns when Nova has taken the request.
func (c *Client) StopServer(ctx context.Context, id string) error {
	return c.act("stop server", id, func(nova *gophercloud.ServiceClient) error {
		return servers.Stop(ctx, nova, id).ExtractErr()
	})
}

// StartServer switches a stopped server on.
func (c *Client) StartServer(ctx context.Context, id string) error {
	return c.act("start server", id, func(nova *gophercloud.ServiceClient) error {
		return servers.Start(ctx, nova, id).ExtractErr()
	})
}

// ResetServer cuts the power and boots it again (a hard reboot): the guest is
// not asked.
func (c *Client) ResetServer(ctx context.Context, id string) error {
	return c.act("reset server", id, func(nova *gophercloud.ServiceClient) error {
		return servers.Reboot(ctx, nova, id, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr()
	})
}

// PauseServer stops a server's processors; its memory stays.
func (c *Client) PauseServer(ctx context.Context, id string) error {
	return c.act("pause server", id, func(nova *gophercloud.ServiceClient) error {
		return servers.Pause(ctx, nova, id).ExtractErr()
	})
}

// UnpauseServer lets a paused server go on.
func (c *Client) UnpauseServer(ctx context.Context, id string) error {
	return c.act("unpause server", id, func(nova *gophercloud.ServiceClient) error {
		return servers.Unpause(ctx, nova, id).ExtractErr()
	})
}

// act asks Nova for an action on a server. ErrInUse says that the server's
// state does not allow it, or that it is locked.
func (c *Client) act(verb, id string, do func(*gophercloud.ServiceClient) error) error {
	return failure(verb, id, c.nova(do))
}
