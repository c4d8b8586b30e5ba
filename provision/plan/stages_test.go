package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatTakesTrafficAwayRunsAfterTheAgentsAgree(t *testing.T) {
	p := Plan{Group: "g", Settle: true, Actions: []Action{
		{ID: "vip"},
		{ID: "agent", Needs: []string{"vip"}, Server: "s1"},
		{ID: "move", Needs: []string{"vip", "agent"}, Last: true},
	}}
	first, last := p.Stages()
	ids := func(p Plan) (all []string) {
		for _, a := range p.Actions {
			all = append(all, a.ID)
		}
		return all
	}
	if diff := cmp.Diff([]string{"vip", "agent"}, ids(first)); diff != "" {
		t.Errorf("first stage (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"move"}, ids(last)); diff != "" {
		t.Errorf("last stage (-want +got):\n%s", diff)
	}
	if needs := last.Actions[0].Needs; needs != nil {
		t.Errorf("the last stage needs what is done: %v", needs)
	}
	if len(p.Actions[2].Needs) != 2 {
		t.Error("the plan itself was changed")
	}
}
