package openstack

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// Servers finds servers by exact name or by ID.
func (c *Client) Servers(ctx context.Context, ref string) ([]Server, error) {
	if ref == "" {
		return nil, nil
	}
	if looksLikeID(ref) {
		s, err := c.Server(ctx, ref)
		if !errors.Is(err, ErrNotFound) {
			return one(s, err)
		}
	}
	var found []Server
	err := c.nova(func(nova *gophercloud.ServiceClient) (err error) {
		found, err = list[serverWire](ctx, servers.List(nova, servers.ListOpts{Name: exactly(ref)}), "servers")
		return err
	})
	if err != nil {
		return nil, failure("find server", ref, err)
	}
	// Some databases behind Nova ignore case.
	return slices.DeleteFunc(found, func(s Server) bool { return s.Name != ref }), nil
}

// Server reads one server.
func (c *Client) Server(ctx context.Context, id string) (s Server, err error) {
	err = c.nova(func(nova *gophercloud.ServiceClient) (err error) {
		s, err = single[serverWire](servers.Get(ctx, nova, id).Result, "server")
		return err
	})
	return s, failure("read server", id, err)
}

// ConsoleOutput reads what the server has printed on its console, as far as
// the hypervisor still has it.
func (c *Client) ConsoleOutput(ctx context.Context, serverID string) (text string, err error) {
	err = c.nova(func(nova *gophercloud.ServiceClient) (err error) {
		text, err = servers.ShowConsoleOutput(ctx, nova, serverID, servers.ShowConsoleOutputOpts{}).Extract()
		return err
	})
	return text, failure("read console of server", serverID, err)
}

// nova runs a request with our microversion, and without one on a Nova that
// answers 406 to it (compute API, "Microversions"). That is remembered.
func (c *Client) nova(do func(*gophercloud.ServiceClient) error) error {
	if !c.oldNova.Load() {
		err := do(c.compute)
		if !gophercloud.ResponseCodeIs(err, http.StatusNotAcceptable) {
			return err
		}
		c.oldNova.Store(true)
	}
	return do(c.plainCompute)
}

// exactly is the filter for a name: Nova takes it as a regular expression of
// its database. It escapes "|" itself on MySQL, where escaping it here too
// would undo that; elsewhere an open "|" only matches more.
func exactly(name string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(name), `\|`, `|`) + "$"
}

// one is a list of what was read, if it was.
func one[T any](v T, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return []T{v}, nil
}

type serverWire struct {
	ID        string                   `json:"id"`
	Name      string                   `json:"name"`
	Status    string                   `json:"status"`
	TaskState string                   `json:"OS-EXT-STS:task_state"`
	HostID    string                   `json:"hostId"`
	Locked    bool                     `json:"locked"`
	Addresses map[string][]addressWire `json:"addresses"`
}

type addressWire struct {
	IP   netip.Addr `json:"addr"`
	MAC  string     `json:"OS-EXT-IPS-MAC:mac_addr"`
	Type string     `json:"OS-EXT-IPS:type"`
}

func (w serverWire) model() Server {
	s := Server{ID: w.ID, Name: w.Name, Status: w.Status, TaskState: w.TaskState, HostID: w.HostID, Locked: w.Locked}
	for _, network := range slices.Sorted(maps.Keys(w.Addresses)) {
		for _, a := range w.Addresses[network] {
			s.Addresses = append(s.Addresses, Address{Network: network, IP: a.IP, MAC: a.MAC, Floating: a.Type == "floating"})
		}
	}
	return s
}
