package provision

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// KnownHosts are the lines for a known_hosts file that make every member's
// host keys valid under the floating IP and the VIP.
func (s *Service) KnownHosts(ctx context.Context, sel Selection) ([]string, error) {
	fleet := s.NewFleet()
	lines, err := s.knownHosts(ctx, sel, fleet)
	return lines, errors.Join(err, fleet.Close())
}

func (s *Service) knownHosts(ctx context.Context, sel Selection, fleet *Fleet) ([]string, error) {
	g, err := s.look(ctx, sel, fleet)
	if err != nil {
		return nil, err
	}
	d := g.Desired
	var names []string
	for _, v := range d.VIPs {
		r := resourceOf(v, d.Group, g.Observed)
		if r.FloatingIP.IsValid() {
			names = append(names, r.FloatingIP.String())
		}
		names = append(names, r.Address.String())
	}
	var lines []string
	var errs error
	for _, m := range d.Members {
		srv, err := fleet.server(ctx, m.Server.ID)
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("read host keys of %q: %w", m.Server.Name, err))
			continue
		}
		keys, err := srv.HostKeys(ctx)
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("read host keys of %q: %w", m.Server.Name, err))
		}
		for _, k := range keys {
			lines = append(lines, knownHostsLine(names, k, sel.Name, m.Server.Name))
		}
	}
	return lines, errs
}

// knownHostsLine makes a member's key valid under the group's addresses.
func knownHostsLine(addresses []string, key ssh.PublicKey, group, member string) string {
	return knownhosts.Line(addresses, key) + " " + group + "/" + member
}
