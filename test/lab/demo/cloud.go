package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"

	"github.com/havip/havip/test/project"
)

// cloud is the show's own login: it powers servers off and on, and looks at
// the whole project.
type cloud struct{ network, compute *gophercloud.ServiceClient }

func connect(ctx context.Context) (*cloud, error) {
	var c cloud
	for service, client := range map[string]**gophercloud.ServiceClient{"network": &c.network, "compute": &c.compute} {
		var err error
		if *client, err = clientconfig.NewServiceClient(ctx, service, nil); err != nil {
			return nil, fmt.Errorf("log in to the cloud: %w", err)
		}
	}
	return &c, nil
}

func (c *cloud) server(ctx context.Context, name string) (servers.Server, error) {
	pages, err := servers.List(c.compute, servers.ListOpts{Name: "^" + name + "$"}).AllPages(ctx)
	if err != nil {
		return servers.Server{}, fmt.Errorf("list servers: %w", err)
	}
	found, err := servers.ExtractServers(pages)
	if err != nil {
		return servers.Server{}, fmt.Errorf("read servers: %w", err)
	}
	if len(found) != 1 {
		return servers.Server{}, fmt.Errorf("%d servers are named %q, want one", len(found), name)
	}
	return found[0], nil
}

func (c *cloud) powerOff(ctx context.Context, name string) error {
	return c.power(ctx, name, "SHUTOFF", func(id string) error { return servers.Stop(ctx, c.compute, id).ExtractErr() })
}

func (c *cloud) powerOn(ctx context.Context, name string) error {
	return c.power(ctx, name, "ACTIVE", func(id string) error { return servers.Start(ctx, c.compute, id).ExtractErr() })
}

// reset is the button: off and on again, and the system is told nothing.
func (c *cloud) reset(ctx context.Context, name string) error {
	return c.power(ctx, name, "ACTIVE", func(id string) error {
		return servers.Reboot(ctx, c.compute, id, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr()
	})
}

// power acts on a server and waits until it has got there.
func (c *cloud) power(ctx context.Context, name, status string, act func(id string) error) error {
	s, err := c.server(ctx, name)
	if err != nil {
		return err
	}
	if err := act(s.ID); err != nil {
		return fmt.Errorf("power of %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Looked at once more at least: a reset does not begin at once.
	for begun := false; !begun || s.Status != status; begun = true {
		if s.Status == "ERROR" {
			return fmt.Errorf("server %s is in ERROR", name)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s is %s: %w", name, status, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
		if s, err = c.server(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// kinds are the collections that are to be the same before and after.
var kinds = [...]string{"ports", "security-groups", "security-group-rules", "floatingips", "networks", "subnets", "routers"}

func (c *cloud) snapshot(ctx context.Context) (project.Snapshot, error) {
	return project.Take(ctx, c.network, kinds[:]...)
}

// count says how much was compared.
func count(s project.Snapshot) string {
	return fmt.Sprintf("%d ports, %d rules of security groups, %d floating IPs, each field of each",
		len(s["ports"]), len(s["security-group-rules"]), len(s["floatingips"]))
}
