package provision

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
	"github.com/havip/havip/provision/spec"
)

// Selection names an existing group: by its group file, or by its name alone.
type Selection struct {
	Name string
	// File is the group as its file wants it; nil when only the name is given.
	File *spec.Group
	// SSH is how to reach the servers when there is no file.
	SSH spec.SSH
}

// recall makes a group's spec from its marks in the cloud, so that a
// workstation without the group file sees the same group. It holds no more
// than observe needs: where to look.
func (s *Service) recall(ctx context.Context, sel Selection) (spec.Group, error) {
	g := spec.Group{Name: sel.Name, SSH: sel.SSH}
	if sel.File != nil {
		g.SSH = sel.File.SSH
	}
	var o plan.Observed
	var members []openstack.Port
	eg, ectx := errgroup.WithContext(ctx)
	eg.Go(func() (err error) { o.Ports, err = s.Cloud.Ports(ectx, vipPorts(g.Name)); return err })
	eg.Go(func() (err error) { members, err = s.Cloud.Ports(ectx, memberPorts(g.Name)); return err })
	eg.Go(func() (err error) { o.FloatingIPs, err = s.Cloud.FloatingIPs(ectx); return err })
	eg.Go(func() (err error) {
		o.SecurityGroups, err = s.Cloud.SecurityGroups(ectx, plan.SecurityGroupName(g.Name))
		return err
	})
	if err := eg.Wait(); err != nil {
		return g, err
	}
	o.Ports = append(o.Ports, members...)
	if len(o.Ports) == 0 {
		// A port that was made but not yet tagged is found by its name.
		unmarked, err := s.Cloud.Ports(ctx, openstack.PortFilter{Name: plan.VIPPortName(g.Name, plan.IPv4)})
		if err != nil {
			return g, err
		}
		o.Ports = unmarked
	}
	o.Identity = s.Cloud.Identity()
	found := plan.Find(g.Name, o)
	if !found.Exists() {
		return g, &NoGroupError{Group: g.Name}
	}
	for _, p := range found.VIPPorts {
		g.VIPs = append(g.VIPs, spec.VIP{Network: p.NetworkID})
	}
	for _, p := range found.MemberPorts {
		if len(g.VIPs) == 0 {
			g.VIPs = append(g.VIPs, spec.VIP{Network: p.NetworkID})
		}
		if p.DeviceID != "" {
			g.Servers = append(g.Servers, spec.Server{Ref: p.DeviceID, Port: p.ID})
		}
	}
	return g, nil
}

// group is a selected group as it was found.
type group struct {
	Spec     spec.Group
	Desired  plan.Desired
	Observed plan.Observed
	// Unfit is why the group file does not fit the cloud, so that Desired is
	// what marks and agents record; empty when it does, or there is none.
	Unfit preflight.Findings
}

// deviations are what differs: from the file or the record, and what of the
// file cannot be.
func (g group) deviations() []plan.Deviation {
	var all []plan.Deviation
	if len(g.Unfit) > 0 {
		all = append(all, plan.Deviation{
			Object: "group file", Message: "create would refuse it, for the reasons below",
			Consequence: "The group is compared with its marks in the cloud and its agents' configurations instead.",
		})
	}
	for _, f := range g.Unfit {
		all = append(all, plan.Deviation{
			Object: f.Subject, Message: strings.Join(append([]string{f.Message}, f.Details...), "\n"), Cure: plan.ToMend(f.Hint),
		})
	}
	return append(all, plan.Drift(g.Desired, g.Observed)...)
}

// look observes a selected group with its servers. What it should be is what
// its file says, and without one (or where the file does not fit the cloud,
// which Unfit tells) what its marks and its agents record.
func (s *Service) look(ctx context.Context, sel Selection, fleet *Fleet) (group, error) {
	var g group
	var err error
	if sel.File != nil {
		g.Spec = *sel.File
		fleet.hints = sel.File.Servers
	} else if g.Spec, err = s.recall(ctx, sel); err != nil {
		return g, err
	}
	if g.Observed, err = s.observe(ctx, g.Spec, fleet); err != nil {
		return g, err
	}
	release, err := s.release(sel.Name)
	if err != nil {
		return g, err
	}
	if sel.File != nil {
		// What is in the way of a create is no reason not to look.
		var findings preflight.Findings
		g.Desired, findings = preflight.Check(g.Spec, g.Observed, preflight.Options{
			MoveFloatingIP: true, Release: release, LookOnly: true,
		})
		if g.Unfit = findings.Of(preflight.Error); len(g.Unfit) == 0 {
			return g, nil
		}
	}
	recorded, ok := plan.Recorded(sel.Name, g.Observed)
	if !ok {
		return g, &NoGroupError{Group: sel.Name}
	}
	recorded.Agent = release
	g.Desired = recorded
	return g, nil
}

// GroupSummary is one line of List.
type GroupSummary struct {
	Name       string
	VRID       int
	VIP        netip.Addr
	Network    string
	FloatingIP netip.Addr
	Members    []string // server IDs
}

// List finds every group of the project by its marks, without looking at
// servers.
func (s *Service) List(ctx context.Context) ([]GroupSummary, error) {
	ports, err := s.Cloud.Ports(ctx, openstack.PortFilter{Tags: []string{plan.TagHavip}})
	if err != nil {
		return nil, err
	}
	floating, err := s.Cloud.FloatingIPs(ctx)
	if err != nil {
		return nil, err
	}
	identity := s.Cloud.Identity()
	found := map[string]GroupSummary{}
	for _, p := range ports {
		name := plan.GroupOf(p.Tags, p.Description)
		if name == "" || !plan.Own(identity, p.ProjectID) || len(p.FixedIPs) == 0 {
			continue
		}
		sum := GroupSummary{Name: name, VRID: plan.VRIDOf(p), VIP: p.FixedIPs[0].IP, Network: p.NetworkID}
		for _, f := range floating {
			if f.PortID == p.ID {
				sum.FloatingIP = f.Address
			}
		}
		found[name] = sum
	}
	all := make([]GroupSummary, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(listAtOnce)
	for i := range all {
		eg.Go(func() error {
			members, err := s.Cloud.Ports(ctx, memberPorts(all[i].Name))
			for _, m := range members {
				if !plan.Own(identity, m.ProjectID) {
					continue
				}
				all[i].Members = append(all[i].Members, m.DeviceID)
			}
			return err
		})
	}
	return all, eg.Wait()
}

// listAtOnce bounds the requests of a list that run at once.
const listAtOnce = 8
