package provision

import (
	"errors"
	"strings"
	"testing"

	"github.com/havip/havip/agent/api"
)

// member is a member in a state; an active one holds the VIP.
func member(name string, state api.State) MemberStatus {
	return MemberStatus{Name: name, ServerID: name, Status: &api.Status{
		Routers: []api.Router{{State: state, Reason: "because", Held: state == api.Active}},
	}}
}

func TestAgentsAgreeWhenOneIsActiveAndTheOthersAreBackup(t *testing.T) {
	bare := member("a", api.Active)
	bare.Status.Routers[0].Held = false
	holding := member("b", api.Backup)
	holding.Status.Routers[0].Held = true
	silent := MemberStatus{Name: "b", Err: errors.New("no answer")}
	split := member("a", api.Active)
	split.Status.Routers = append(split.Status.Routers, api.Router{State: api.Backup})
	for _, tt := range []struct {
		name    string
		members []MemberStatus
		active  string
	}{
		{"one active, one backup", []MemberStatus{member("a", api.Active), member("b", api.Backup)}, "a"},
		{"one active, two backups", []MemberStatus{member("a", api.Backup), member("b", api.Active), member("c", api.Backup)}, "b"},
		{"nobody is active", []MemberStatus{member("a", api.Backup), member("b", api.Backup)}, ""},
		{"two are active", []MemberStatus{member("a", api.Active), member("b", api.Active)}, ""},
		{"one is still starting", []MemberStatus{member("a", api.Active), member("b", api.Init)}, ""},
		{"the old active has not left yet", []MemberStatus{member("a", api.Leaving), member("b", api.Active)}, ""},
		{"one does not answer", []MemberStatus{member("a", api.Active), silent}, ""},
		{"the active one does not hold the VIP", []MemberStatus{bare, member("b", api.Backup)}, ""},
		{"a backup holds the VIP", []MemberStatus{member("a", api.Active), holding}, ""},
		{"the routers of one member differ", []MemberStatus{split, member("b", api.Backup)}, ""},
		{"there is no member", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			active, ok := agreed(tt.members)
			if ok != (tt.active != "") || ok && active.ServerID != tt.active {
				t.Errorf("got %+v, %v", active, ok)
			}
		})
	}
}

func TestDisagreementNamesEveryStateAndTheLikelyCause(t *testing.T) {
	for _, tt := range []struct {
		name    string
		members []MemberStatus
		want    string
	}{
		{"two actives", []MemberStatus{member("a", api.Active), member("b", api.Active)}, "protocol 112"},
		{"a silent one", []MemberStatus{member("a", api.Active), {Name: "b", Err: errors.New("no answer")}}, "journalctl -u havip-agent@g"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := disagreement("g", tt.members)
			var p *Problem
			if !errors.As(err, &p) || !strings.Contains(p.Hint(), tt.want) || len(p.Details) != len(tt.members) {
				t.Errorf("got %+v", p)
			}
		})
	}
}
