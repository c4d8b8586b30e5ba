package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// A member is off when it is taken out. The same command finishes that when it
// is back, and until then says that it is not finished.
func TestAMemberThatWasOffWhenItWasTakenOutIsCleanedWhenItIsBack(t *testing.T) {
	o := settled(t, "1 2 3")
	off := o.Hosts["server-3"]
	unreachable(&o, "server-3")
	fenced := carryOut(t, plan.Diff(want(o, "1 2"), o), o)
	if p := port(fenced, "port-3"); len(p.Pairs) > 0 || len(p.SecurityGroups) != 1 {
		t.Errorf("it is not fenced: %+v", p)
	}
	again := plan.Diff(want(fenced, "1 2"), fenced)
	if !again.Empty() || len(again.Left) != 1 {
		t.Errorf("a repeat while it is off:\n%s", rendered(again))
	}
	d, _ := plan.Recorded(group, fenced)
	d.Agent = release
	if len(d.Members) != 2 {
		t.Errorf("%d members are recorded, want 2", len(d.Members))
	}
	golden(t, "drift a member that was off when it was taken out", explained(plan.Drift(d, fenced)))

	fenced.Hosts["server-3"] = off
	p := plan.Diff(want(fenced, "1 2"), fenced)
	golden(t, "a member that was off when it was taken out is back", rendered(p))
	after := carryOut(t, p, fenced)
	if d := cmp.Diff(port(fresh(), "port-3"), port(after, "port-3"), addresses, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("its port (-before +after):\n%s", d)
	}
	if a := after.Hosts["server-3"].Agent; a.Running || a.Config != nil {
		t.Errorf("its agent stays: %+v", a)
	}
	if drift := plan.Drift(want(after, "1 2"), after); len(drift) > 0 {
		t.Errorf("then it has drifted:\n%s", explained(drift))
	}
}

// Another tool that rewrites a port's lists takes nobody out of a group.
func TestAMemberThatItsPeersKnowIsAMemberWithoutPairAndSecurityGroup(t *testing.T) {
	o := settled(t, "1 2 3")
	editPort(&o, "port-3", func(p *openstack.Port) { p.Pairs, p.SecurityGroups = nil, []string{"default"} })
	if d, _ := plan.Recorded(group, o); len(d.Members) != 3 {
		t.Errorf("%d members are recorded, want 3", len(d.Members))
	}
}
