package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/havip/havip/provision/failover"
)

// snapshot is what a failover test must leave as it was, as people name it.
type snapshot map[string]string

func (s *Service) snapshot(ctx context.Context, t *failover.Test) (snapshot, error) {
	snap := snapshot{}
	for _, m := range t.Members {
		sv, err := s.Cloud.Server(ctx, m.ServerID)
		if err != nil {
			return nil, err
		}
		snap["status of server "+m.Name] = strings.TrimSpace(sv.Status + " " + sv.TaskState)
		p, err := s.Cloud.Port(ctx, m.PortID)
		if err != nil {
			return nil, err
		}
		snap["port of "+m.Name] = fmt.Sprintf("admin up %v, pairs %v, security groups %v, tags %v",
			p.AdminUp, p.Pairs, sorted(p.SecurityGroups), sorted(p.Tags))
	}
	sg, err := s.Cloud.SecurityGroup(ctx, t.SecurityGroup)
	if err != nil {
		return nil, err
	}
	snap["security group of "+t.Group] = fmt.Sprintf("tags %v, %d rules", sorted(sg.Tags), len(sg.Rules))
	ports, err := s.Cloud.Ports(ctx, vipPorts(t.Group))
	if err != nil {
		return nil, err
	}
	floating, err := s.Cloud.FloatingIPs(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range ports {
		snap["VIP port "+p.Name] = fmt.Sprintf("%v, tags %v", p.FixedIPs, sorted(p.Tags))
		for _, f := range floating {
			if f.PortID == p.ID {
				snap["floating IP of "+p.Name] = f.Address.String()
			}
		}
	}
	return snap, nil
}

// differences are what a test has not left as it was.
func (s *Service) differences(ctx context.Context, t *failover.Test, before snapshot) []string {
	after, err := s.snapshot(ctx, t)
	if err != nil {
		return []string{"the end: it could not be compared with the beginning: " + err.Error()}
	}
	var out []string
	for _, what := range slices.Sorted(maps.Keys(before)) {
		if after[what] != before[what] {
			out = append(out, fmt.Sprintf("%s: it was %s, and is %s", what, before[what], after[what]))
		}
	}
	return out
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }
