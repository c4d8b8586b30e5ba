package plan_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// addresses lets cmp compare them.
var addresses = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestRecordedIsTheGroupThatWasMade(t *testing.T) {
	o := settled(t, "2 1 3")
	got, ok := plan.Recorded(group, o)
	if !ok {
		t.Fatal("the group is not found")
	}
	got.Agent = release // the CLI's own
	wanted := want(o, "2 1 3")
	wanted.Mode = ""
	wanted.VIPs[0].FloatingIP.Network = openstack.Network{ID: public.ID}
	if d := cmp.Diff(wanted, got, addresses); d != "" {
		t.Errorf("recorded (-want +got):\n%s", d)
	}
	if drift := plan.Drift(got, o); len(drift) > 0 {
		t.Errorf("it has drifted:\n%s", explained(drift))
	}
}

func TestRecordedKnowsAVIPWhosePortIsGone(t *testing.T) {
	o := settled(t, "1 2")
	o.Ports = slices.DeleteFunc(o.Ports, func(p openstack.Port) bool { return p.ID == "vip-v4" })
	got, ok := plan.Recorded(group, o)
	if !ok || len(got.VIPs) != 1 || got.VIPs[0].Address != addr("10.0.0.136") || got.VRID != 1 {
		t.Fatalf("recorded %v: %+v", ok, got)
	}
	drift := plan.Drift(got, o)
	if len(drift) == 0 || drift[0].Message != "it is gone" {
		t.Errorf("drift:\n%s", explained(drift))
	}
}

func TestRecordedListsTheMembersWhenNobodyKnowsTheVIP(t *testing.T) {
	o := settled(t, "1 2")
	o.Ports = slices.DeleteFunc(o.Ports, func(p openstack.Port) bool { return p.ID == "vip-v4" })
	unreachable(&o, "server-1")
	unreachable(&o, "server-2")
	got, ok := plan.Recorded(group, o)
	if !ok || len(got.VIPs) != 0 || len(got.Members) != 2 {
		t.Fatalf("recorded %v: %+v", ok, got)
	}
	golden(t, "drift vip port gone and no agent answers", explained(plan.Drift(got, o)))
}

func TestRecordedMissesAMemberWhoseServerWasDeleted(t *testing.T) {
	o := settled(t, "1 2")
	o.Ports = slices.DeleteFunc(o.Ports, func(p openstack.Port) bool { return p.ID == "port-2" })
	delete(o.Servers, "bastion-2")
	delete(o.Hosts, "server-2")
	got, ok := plan.Recorded(group, o)
	if !ok || len(got.Members) != 1 {
		t.Fatalf("recorded %v: %+v", ok, got)
	}
	golden(t, "drift server deleted", explained(plan.Drift(got, o)))
}

func TestAGroupWithoutMembersIsNotHealthy(t *testing.T) {
	o := settled(t, "1 2")
	for _, id := range []string{"port-1", "port-2"} { // as a create leaves it that ends before it joined one
		editPort(&o, id, func(p *openstack.Port) { p.Tags, p.Pairs, p.SecurityGroups = nil, nil, []string{"default"} })
	}
	clear(o.Hosts)
	got, ok := plan.Recorded(group, o)
	if !ok || len(got.Members) != 0 {
		t.Fatalf("recorded %v: %+v", ok, got)
	}
	golden(t, "drift no members", explained(plan.Drift(got, o)))
}

func TestRecordedKnowsMembersWithoutTheirTags(t *testing.T) {
	o := settled(t, "1 2")
	for _, id := range []string{"port-1", "port-2"} {
		editPort(&o, id, func(p *openstack.Port) { p.Tags = []string{"owner=ann"} })
	}
	got, ok := plan.Recorded(group, o)
	if !ok || len(got.Members) != 2 {
		t.Fatalf("recorded %v: %+v", ok, got)
	}
	golden(t, "drift all tags rewritten", explained(plan.Drift(got, o)))
}

func TestRecordedIsNothingWithoutMarks(t *testing.T) {
	o := fresh()
	o.Ports = append(o.Ports, openstack.Port{ // another project's group of the same name
		ID: "vip-x", ProjectID: "dev", NetworkID: internal.ID, Tags: plan.VIPPortTags(group, 1),
		FixedIPs: []openstack.FixedIP{{IP: addr("10.0.0.99")}},
	})
	if d, ok := plan.Recorded(group, o); ok {
		t.Errorf("found %+v", d)
	}
}
