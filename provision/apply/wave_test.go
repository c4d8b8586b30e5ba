package apply

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/provision/plan"
)

// tagging tells whether a call sets or adds tags.
func tagging(call string) bool {
	return strings.HasPrefix(call, "tag ") || strings.HasPrefix(call, "set tags ")
}

func TestEarlyActionsNeedNoServer(t *testing.T) {
	actions := []plan.Action{
		{ID: "by way of cloud", Needs: []string{"after agent"}},
		{ID: "after agent", Needs: []string{"cloud", "agent"}},
		{ID: "cloud"},
		{ID: "second", Needs: []string{"cloud"}},
		{ID: "agent", Server: "s1", Needs: []string{"second"}},
		{ID: "lost", Needs: []string{"nowhere"}},
	}
	if diff := cmp.Diff(map[string]bool{"cloud": true, "second": true}, early(actions)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTagsAreSetInOneWaveAfterTheEarlyActionsAndBeforeNewAgents(t *testing.T) {
	c, s := members(), &fakeServers{}
	var agents []string // that had been started when tags came
	c.before = func(call string) {
		if !tagging(call) {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if !strings.Contains(call, "floatingips") {
			s.mu.Lock()
			agents = append(agents, s.calls...)
			s.mu.Unlock()
			for _, put := range []string{"put port p1", "put port p2"} {
				if !slices.Contains(c.calls, put) {
					t.Errorf("%q came before %q", call, put)
				}
			}
		}
	}
	if _, err := runner(c, s).Run(t.Context(), creation(c)); err != nil {
		t.Fatal(err)
	}
	if len(agents) > 0 {
		t.Errorf("agents were started before the tags: %v", agents)
	}
	var tags []string
	for _, call := range c.calls {
		if tagging(call) {
			tags = append(tags, call)
		}
	}
	slices.Sort(tags)
	want := []string{
		"set tags ports port-4 [havip havip:group=g havip:vrid=51]", "tag floatingips f1 havip:group=g",
		"tag ports p1 havip:member=g", "tag ports p2 havip:member=g", "tag security-groups group-1 havip:group=g",
	}
	for i := range tags { // IDs are given in the order in which requests happen to come
		if strings.HasPrefix(tags[i], "set tags ports port-") {
			tags[i] = want[0]
		}
	}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestNoAgentIsStartedWhereTaggingFailed(t *testing.T) {
	c, s := members(), &fakeServers{}
	c.fail["tag ports p2"] = errors.New("boom")
	_, err := runner(c, s).Run(t.Context(), creation(c))
	if err == nil || err.Error() != "boom" {
		t.Errorf("want the one failure, got: %v", err)
	}
	if len(s.calls) > 0 {
		t.Errorf("agents were started: %v", s.calls)
	}
}

func TestAWaveNeverHoldsTheRunUp(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail string // a call that fails
		stop string // a call at which the run is cancelled
		edit func(*plan.Plan)
		want string // what the error says; "" means none
	}{
		{name: "an early action fails", fail: "create port", want: "boom"},
		{name: "the first action fails", fail: "create group", want: "boom"},
		{name: "it is cancelled early", stop: "create port", want: "canceled"},
		{name: "it is cancelled in the wave", stop: "set tags", want: "canceled"},
		{name: "a plan needs what it does not have", want: "inconsistent", edit: func(p *plan.Plan) {
			p.Actions[1].Needs = []string{"nowhere"}
		}},
		{name: "there is no early action", edit: func(p *plan.Plan) {
			p.Known = plan.Resources{SecurityGroup: "sg", VIPs: []plan.VIPResource{{PortID: "vip", Address: vip}}}
			p.Actions = []plan.Action{{ID: "agent", Server: "s1", Op: p.Actions[4].Op}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, s := members(), &fakeServers{}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.fail != "" {
				c.fail[tt.fail] = errors.New("boom")
			}
			c.before = func(call string) {
				if tt.stop != "" && strings.HasPrefix(call, tt.stop) {
					cancel()
				}
			}
			p := creation(c)
			if tt.edit != nil {
				tt.edit(&p)
			}
			_, err := runner(c, s).Run(ctx, p)
			switch {
			case tt.want == "" && err != nil, tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got: %v", err)
			}
			if started := len(s.calls) > 0; started != (tt.want == "") {
				t.Errorf("agents: %v", s.calls)
			}
		})
	}
}
