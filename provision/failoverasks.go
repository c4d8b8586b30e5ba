package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/provision/failover"
	"github.com/havip/havip/provision/spec"
)

// sessionPort is where a connection is likely to be taken and kept.
func sessionPort(target pulse.Target, v spec.Verify) uint16 {
	if port, ok := tcpPort(target); ok {
		return port
	}
	if v.Kind == spec.VerifyTCP {
		return uint16(v.Port)
	}
	return 22
}

// tcpPort is that of a target that was opened, where it has one.
func tcpPort(target pulse.Target) (uint16, bool) {
	text, ok := strings.CutPrefix(string(target), "tcp:")
	port, _ := strconv.ParseUint(text, 10, 16) // it was opened
	return uint16(port), ok
}

// penalties refuses to ask an SSH server that would shut this machine out for it:
// nobody would say then who answers, and the way to the member would be closed. Who
// wishes for it may have made an exception there, and is warned.
func (s *Service) penalties(ctx context.Context, wish, target pulse.Target, addr netip.Addr) error {
	port, ok := tcpPort(target)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	at := netip.AddrPortFrom(addr, port)
	if !failover.Penalises(ctx, at) {
		return nil
	}
	message := fmt.Sprintf("the SSH server at %s shuts out for minutes who connects often without logging in, as %s does (PerSourcePenalties)", at, target)
	if wish != "" {
		s.Report.Warn(message, "PerSourcePenaltyExemptList on the servers; or another way: --probe")
		return nil
	}
	return refusal(message, nil, fmt.Sprintf("--probe icmp, with the security group open for it, or a URL; --probe %s where PerSourcePenaltyExemptList has this machine", target))
}

// identities are the members' names by what they answer to a question, where that tells
// them apart. That it does not is no reason not to test.
func (s *Service) identities(ctx context.Context, t grouptest, wish failover.Identify, fleet *Fleet) (failover.Identify, map[string]string) {
	if wish != "" && wish != sshd {
		return wish, s.pages(ctx, t, wish)
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if _, err := sshd.Who(ctx, t.Outside); err != nil {
		return "", nil // no SSH there
	}
	said := map[string][]string{}
	for _, m := range t.Members {
		srv, err := fleet.server(ctx, m.ServerID)
		if err != nil {
			continue
		}
		keys, err := srv.HostKeys(ctx)
		if err != nil {
			s.Report.Warn("cannot read the host keys of "+m.Name+": "+err.Error(), "")
		}
		for _, k := range keys {
			said[m.Name] = append(said[m.Name], ssh.FingerprintSHA256(k))
		}
	}
	return sshd, failover.Known(t.Members, said)
}

// pages asks each member by its own addresses what it says of itself, where it
// can be reached from here.
func (s *Service) pages(ctx context.Context, t grouptest, how failover.Identify) map[string]string {
	said := map[string][]string{}
	for _, m := range t.Members {
		sv, err := s.Cloud.Server(ctx, m.ServerID)
		if err != nil {
			continue
		}
		for _, a := range sv.Addresses {
			limit, cancel := context.WithTimeout(ctx, probeTime)
			word, err := how.Who(limit, a.IP)
			cancel()
			if err == nil && word != "" {
				said[m.Name] = append(said[m.Name], word)
			}
		}
	}
	return failover.Known(t.Members, said)
}

// cutOff is what SSH's way to a member leads through and the test would cut off, and with
// it the way by which it undoes what it does: the VIP, or another member. "" without such.
func cutOff(ctx context.Context, g group, lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)) string {
	d, o := g.Desired, g.Observed
	var vips, members []netip.Addr
	for _, v := range d.VIPs {
		r := resourceOf(v, d.Group, o)
		vips = append(vips, r.Address, r.FloatingIP)
	}
	var names []string
	for _, servers := range o.Servers {
		for _, sv := range servers {
			names = append(names, sv.Name)
			for _, a := range sv.Addresses {
				members = append(members, a.IP)
			}
			for _, p := range o.Ports {
				for _, fip := range o.FloatingIPs { // Nova shows them late
					if p.DeviceID == sv.ID && fip.PortID == p.ID {
						members = append(members, fip.Address)
					}
				}
			}
		}
	}
	found := map[string][]netip.Addr{}
	leads := func(host string, first bool, to []netip.Addr) bool {
		literal, err := netip.ParseAddr(host)
		switch _, known := found[host]; {
		case known:
		case err == nil:
			found[host] = []netip.Addr{literal}
		case first: // the names of other hops are looked up on the hop before
			limit, cancel := context.WithTimeout(ctx, probeTime)
			found[host], _ = lookup(limit, "ip", host)
			cancel()
		}
		return slices.ContainsFunc(found[host], func(a netip.Addr) bool { return slices.Contains(to, a.Unmap()) })
	}
	for _, m := range d.Members {
		h := o.Hosts[m.Server.ID]
		if h.Address != "" && leads(h.Address, len(h.Via) == 0, vips) {
			return h.Address
		}
		for i, hop := range h.Via {
			named := func(name string) bool { return strings.EqualFold(name, hop) }
			if leads(hop, i == 0, vips) || leads(hop, i == 0, members) || len(found[hop]) == 0 && slices.ContainsFunc(names, named) {
				return hop
			}
		}
	}
	return ""
}

// probe chooses what to ask: as it was wished, else ICMP where it is answered,
// else what the group verifies. It must be answered now.
func (s *Service) probe(ctx context.Context, wish pulse.Target, v spec.Verify, addr netip.Addr) (pulse.Target, error) {
	candidates := []pulse.Target{wish}
	if wish == "" {
		candidates = []pulse.Target{"icmp", "tcp:22"}
		switch v.Kind {
		case spec.VerifyTCP:
			candidates[1] = pulse.Target("tcp:" + strconv.Itoa(v.Port))
		case spec.VerifyHTTP:
			candidates[1] = pulse.Target(v.URL)
		}
	}
	var errs []error
	for _, c := range candidates {
		asker, err := c.Open(addr)
		if err == nil {
			err = answers(ctx, asker)
			err = errors.Join(err, asker.Close())
		}
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("%s at %s: %w", c, addr, err))
	}
	return "", fmt.Errorf("nothing answers from here: %w", errors.Join(errs...))
}

// answers asks a few times: the first packet may be lost to an address that is
// looked up.
func answers(ctx context.Context, asker pulse.Asker) error {
	var err error
	for range 3 {
		limit, cancel := context.WithTimeout(ctx, pulse.Limit)
		err = asker.Ask(limit)
		cancel()
		if err == nil {
			return nil
		}
	}
	return err
}

// localPort is the port of a check that asks the server itself, 0 without one.
func localPort(checks []config.Check) int {
	for _, c := range checks {
		address := c.TCP
		if u, err := url.Parse(c.HTTP); err == nil && c.HTTP != "" {
			address = u.Host
			if u.Port() == "" {
				address += map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
			}
		}
		i := strings.LastIndexByte(address, ':')
		if i < 0 {
			continue
		}
		host := strings.Trim(address[:i], "[]")
		if ip, err := netip.ParseAddr(host); host != "" && host != "localhost" && (err != nil || !ip.IsLoopback()) {
			continue
		}
		if port, err := strconv.Atoi(address[i+1:]); err == nil {
			return port
		}
	}
	return 0
}
