package apply

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

func TestWhatCannotBeTakenBackIsListed(t *testing.T) {
	gone := plan.LeavePort{PortID: "gone", Addresses: []netip.Addr{vip}}
	for _, tt := range []struct {
		name   string
		op     plan.Op
		fail   string // a call that fails
		server error  // what every server says
		away   error  // no server can be reached
		listed bool
	}{
		{name: "a mended security group", op: plan.MendSecurityGroup{ID: "g1", Remove: []string{"r1"}}, listed: true},
		{name: "one that was mended in part", op: plan.MendSecurityGroup{ID: "g1", AddTags: []string{"a", "b"}}, fail: "tag security-groups g1 b", listed: true},
		{name: "a port's marks", op: plan.TagVIPPort{PortID: "p1", Tags: []string{"a"}}, listed: true},
		{name: "a deleted port", op: plan.DeleteVIPPort{PortID: "p1"}, listed: true},
		{name: "a port that could not be deleted", op: plan.DeleteVIPPort{PortID: "p1"}, fail: "delete port"},
		{name: "a port that left", op: plan.LeavePort{PortID: "p1", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.9")}, Tags: []string{"theirs"}}, listed: true},
		{name: "a port that was gone", op: gone},
		{name: "a floating ip that was released", op: plan.ReleaseFloatingIP{ID: "f1", From: "elsewhere", Revision: 5}, listed: true},
		{name: "one that could not be detached", op: plan.ReleaseFloatingIP{ID: "f1", From: "elsewhere", Revision: 5}, fail: "detach fip"},
		{name: "a stopped agent", op: plan.StopAgent{ServerID: "s1"}, listed: true},
		{name: "an agent that was stopped, as far as is known", op: plan.StopAgent{ServerID: "s1"}, server: errors.New("cut off"), listed: true},
		{name: "an agent out of reach", op: plan.RemoveAgent{ServerID: "s1"}, away: errors.New("no way")},
		{name: "a reloaded agent", op: plan.ConvergeAgent{ServerID: "s1"}, listed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, s := members(), &fakeServers{fail: tt.server, away: tt.away}
			c.groups["g1"] = &openstack.SecurityGroup{ID: "g1"}
			if tt.fail != "" {
				c.fail[tt.fail] = errors.New("boom")
			}
			r := runner(c, s)
			a := plan.Action{ID: "a", Inverse: "not reversible: for a reason", Op: tt.op}
			res, err := r.Run(t.Context(), plan.Plan{Group: "g", Actions: []plan.Action{a}})
			if failing := tt.fail != "" || tt.server != nil || tt.away != nil; (err != nil) != failing {
				t.Fatalf("run: %v", err)
			}
			left := r.Undo(t.Context(), res)
			if (len(left) == 1) != tt.listed || res.Changes() != len(left) {
				t.Fatalf("left: %v of %d", left, res.Changes())
			}
			var final *FinalError
			if tt.listed && (!errors.As(left[0].Err, &final) || final.Why != a.Inverse) {
				t.Errorf("got: %v", left[0].Err)
			}
		})
	}
}

// joining is a plan that joins p1, which allowed another family's VIP before.
func joining(c *fakeCloud) plan.Plan {
	p := creation(c)
	p.Known = plan.Resources{SecurityGroup: "g1", VIPs: []plan.VIPResource{{PortID: "vip", Address: vip}}}
	op := p.Actions[2].Op.(plan.JoinPort)
	op.Tags = []string{plan.TagKeptPair("g") + ".v6", plan.TagMember("g")}
	p.Actions = []plan.Action{{ID: "p1", Op: op}}
	return p
}

func TestAJoinThatFailedIsTakenBackAsFarAsItWent(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(*fakeCloud)
		fails string
	}{
		{name: "the PUT has no answer, but happened", fails: "cut off", edit: func(c *fakeCloud) {
			c.written = func(*openstack.Port) error { return errors.New("cut off") }
		}},
		{name: "another tool takes the pair off at once", fails: "another tool", edit: func(c *fakeCloud) {
			c.written = func(p *openstack.Port) error { p.Pairs = p.Pairs[:1]; return nil }
		}},
		{name: "the PUT is refused", fails: "not allowed", edit: func(c *fakeCloud) {
			c.fail["put port p1"] = &openstack.Error{Status: 403, Message: "not allowed"}
		}},
		{name: "the second read fails", fails: "boom", edit: func(c *fakeCloud) {
			c.fail["get port p1"] = errors.New("boom")
		}},
		{name: "the kept pair's tag fails", fails: "boom", edit: func(c *fakeCloud) {
			c.fail["tag ports p1 havip:kept-pair"] = errors.New("boom")
		}},
		{name: "the group was there before", edit: func(c *fakeCloud) {
			c.ports["p1"].SecurityGroups = []string{"web", "g1"}
		}},
		{name: "the pair was there before", edit: func(c *fakeCloud) {
			c.ports["p1"].Pairs = append(c.ports["p1"].Pairs, openstack.AddressPair{IP: vip.String(), MAC: c.ports["p1"].MAC})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := members()
			tt.edit(c)
			before := snapshot(c)
			r := runner(c, &fakeServers{})
			res, err := r.Run(t.Context(), joining(c))
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("run: %v", err)
			}
			clear(c.fail)
			c.written = nil
			if left := r.Undo(t.Context(), res); left != nil {
				t.Errorf("left behind: %v", left)
			}
			if diff := cmp.Diff(before, snapshot(c), cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the cloud is not as before (-before +after):\n%s", diff)
			}
		})
	}
}

func TestWhatARequestWithoutAnAnswerMadeIsTakenBack(t *testing.T) {
	mark := plan.Description("g", 52)
	for _, call := range []string{"create group", "create port", "create fip"} {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, and then the cloud is away: %v", call, away), func(t *testing.T) {
				c := members()
				// another project's port, and a floating IP that somebody took
				c.ports["theirs"] = &openstack.Port{ID: "theirs", Name: "havip-g-v4", ProjectID: "other", Description: mark}
				c.fips["taken"] = &openstack.FloatingIP{ID: "taken", PortID: "elsewhere", Description: mark}
				before := snapshot(c)
				p := creation(c)
				p.Actions[len(p.Actions)-1].Op = plan.AttachFloatingIP{Network: "public"}
				c.lost = call
				r := runner(c, &fakeServers{})
				res, err := r.Run(t.Context(), p)
				if err == nil || !strings.Contains(err.Error(), "no answer") {
					t.Fatalf("got: %v", err)
				}
				if away {
					c.fail["list"] = errors.New("away")
					if left := r.Undo(t.Context(), res); len(left) == 0 {
						t.Error("what may be left behind is not listed")
					}
					return
				}
				if left := r.Undo(t.Context(), res); left != nil {
					t.Errorf("left behind: %v", left)
				}
				if diff := cmp.Diff(before, snapshot(c), cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("the cloud is not as before (-before +after):\n%s", diff)
				}
			})
		}
	}
}

func TestARefusedCreationIsNotLookedFor(t *testing.T) {
	c := members()
	c.fail["create group"] = &openstack.Error{Status: 409, Message: "quota"}
	r := runner(c, &fakeServers{})
	if res, err := r.Run(t.Context(), creation(c)); err == nil || res.Changes() != 0 {
		t.Errorf("got %v, %d changes", err, res.Changes())
	}
}

func TestCtrlCWhileARivalIsWaitedForLeavesNoLockedGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := members()
		ctx, cancel := context.WithCancel(t.Context())
		rival := ""
		c.before = func(call string) {
			if call != "list groups" {
				return
			}
			if rival == "" { // a younger one, which has not gone yet
				lock := Lock{Holder: "bob@laptop/2", Until: time.Date(2026, 1, 1, 12, 9, 0, 0, time.UTC)}
				g, err := c.CreateSecurityGroup(context.Background(), openstack.SecurityGroupCreate{Name: "havip-g", Description: lock.In(plan.Description("g", 51))})
				if err != nil {
					t.Error(err)
				}
				rival = g.ID
				return
			}
			cancel()
		}
		r := runner(c, &fakeServers{})
		res, err := r.Run(ctx, creation(c))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got: %v", err)
		}
		if _, stays := c.groups[rival]; len(c.groups) != 1 || !stays {
			t.Errorf("%d groups remain", len(c.groups))
		}
		if res.Changes() != 0 || res.Resources.SecurityGroup != "" {
			t.Errorf("got %d changes, group %q", res.Changes(), res.Resources.SecurityGroup)
		}
	})
}

func TestAGroupThatCouldNotBeTakenBackIsKnown(t *testing.T) {
	c := members()
	c.fail["list groups"] = errors.New("boom")
	c.fail["delete group"] = errors.New("in use")
	r := runner(c, &fakeServers{})
	res, err := r.Run(t.Context(), creation(c))
	if err == nil || res.Resources.SecurityGroup == "" {
		t.Fatalf("its lock cannot be given back: %v", err)
	}
	clear(c.fail)
	if left := r.Undo(t.Context(), res); left != nil || len(c.groups) != 0 {
		t.Errorf("left behind: %v, %d groups", left, len(c.groups))
	}
}

// A request that makes something is not cut off: only its answer tells the ID.
func TestCtrlCDuringARequestThatMakesSomethingLosesNothing(t *testing.T) {
	for _, at := range []string{"create group", "create port", "put port p1", "attach fip"} {
		t.Run(at, func(t *testing.T) {
			c, s := members(), &fakeServers{}
			before := snapshot(c)
			ctx, cancel := context.WithCancel(t.Context())
			c.before = func(call string) {
				if strings.HasPrefix(call, at) {
					cancel()
				}
			}
			r := runner(c, s)
			res, err := r.Run(ctx, creation(c))
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got: %v", err)
			}
			if !slices.ContainsFunc(c.calls, func(call string) bool { return strings.HasPrefix(call, at) }) {
				t.Fatalf("the request was cut off: %v", c.calls)
			}
			c.before = nil
			if left := r.Undo(t.Context(), res); left != nil {
				t.Errorf("left behind: %v", left)
			}
			if diff := cmp.Diff(before, snapshot(c), cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the cloud is not as before (-before +after):\n%s", diff)
			}
		})
	}
}

// The client gives each request its time; nothing cuts one off that makes
// something before that is over.
func TestASlowRequestThatMakesSomethingIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := members()
		c.before = func(call string) {
			if strings.HasPrefix(call, "create ") || strings.HasPrefix(call, "put ") || strings.HasPrefix(call, "attach ") {
				time.Sleep(openstack.TotalTimeout - time.Second)
			}
		}
		if _, err := runner(c, &fakeServers{}).Run(t.Context(), creation(c)); err != nil {
			t.Errorf("got: %v", err)
		}
	})
}
