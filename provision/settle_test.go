package provision

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
)

// member is a member in a state; an active one holds the VIP, and the others
// heard it a second ago.
func member(name string, state api.State) MemberStatus {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return MemberStatus{Name: name, ServerID: name, Status: &api.Status{Now: now, Routers: []api.Router{{
		State: state, Reason: "because", Held: state == api.Active, Interval: api.Duration(time.Second),
		Source: theActive, Peers: []api.Peer{{Address: netip.MustParseAddr("10.0.0.9")}, {Address: theActive, LastAdvert: now.Add(-time.Second)}},
	}}}}
}

// theActive is where the active member sends from.
var theActive = netip.MustParseAddr("10.0.0.1")

// with is a member after a change of its router.
func (m MemberStatus) with(change func(*api.Router)) MemberStatus {
	change(&m.Status.Routers[0])
	return m
}

// deaf is a backup that last heard the active this long ago.
func deaf(name string, ago time.Duration) MemberStatus {
	m := member(name, api.Backup)
	return m.with(func(r *api.Router) { r.Peers[1].LastAdvert = m.Status.Now.Add(-ago) })
}

// blocked is a member that says that advertisements do not arrive.
func blocked(name string, state api.State) MemberStatus {
	return member(name, state).with(func(r *api.Router) {
		r.Problems = []api.Problem{{Code: api.ProblemAdvertsBlocked, Detail: "10.0.0.1 announces, but its advertisements do not arrive"}}
	})
}

func TestAgentsAgreeWhenOneIsActiveAndTheOthersAreBackup(t *testing.T) {
	bare := member("a", api.Active).with(func(r *api.Router) { r.Held = false })
	holding := member("b", api.Backup).with(func(r *api.Router) { r.Held = true })
	silent := MemberStatus{Name: "b", Err: errors.New("no answer")}
	split := member("a", api.Active)
	split.Status.Routers = append(split.Status.Routers, api.Router{State: api.Backup})
	never := member("b", api.Backup).with(func(r *api.Router) { r.Peers[1].LastAdvert = time.Time{} })
	slow := member("a", api.Active).with(func(r *api.Router) { r.Interval = api.Duration(10 * time.Second) })
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
		{"a backup never heard the active", []MemberStatus{member("a", api.Active), never}, ""},
		{"a backup has heard the active within its down interval", []MemberStatus{member("a", api.Active), deaf("b", 3*time.Second)}, "a"},
		{"a backup has not heard the active for its down interval", []MemberStatus{member("a", api.Active), deaf("b", 5*time.Second)}, ""},
		{"the active advertises more rarely than the backup knows yet", []MemberStatus{slow, deaf("b", 5*time.Second)}, "a"},
		{"the active has seen that advertisements were blocked, and is heard now", []MemberStatus{blocked("a", api.Active), member("b", api.Backup)}, "a"},
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
	const firewall, journal = "sudo nft list ruleset", "journalctl -u havip-agent@g"
	for _, tt := range []struct {
		name    string
		members []MemberStatus
		hint    string
		details []string
	}{
		{
			"two actives",
			[]MemberStatus{member("a", api.Active), member("b", api.Active)},
			firewall,
			[]string{"a  active: because", "b  active: because"},
		},
		{
			"a backup that does not hear the active",
			[]MemberStatus{member("a", api.Active), deaf("b", time.Minute)},
			firewall,
			[]string{"a  active: because", "b  backup: because"},
		},
		{
			"one sees that advertisements are blocked",
			[]MemberStatus{member("a", api.Init), blocked("b", api.Backup)},
			firewall,
			[]string{"a  init: because", "b  backup: because", "b  adverts-blocked: 10.0.0.1 announces, but its advertisements do not arrive"},
		},
		{
			"a silent one",
			[]MemberStatus{member("a", api.Active), {Name: "b", Err: errors.New("no answer")}},
			journal,
			[]string{"a  active: because", "b  no answer"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := disagreement("g", tt.members)
			var p *Problem
			if !errors.As(err, &p) || !strings.Contains(p.Hint(), tt.hint) {
				t.Fatalf("got %+v", p)
			}
			if d := cmp.Diff(tt.details, p.Details); d != "" {
				t.Errorf("details (-want +got):\n%s", d)
			}
		})
	}
}

func TestHowLongAProtocolIsBlocked(t *testing.T) {
	since := func(m MemberStatus, ago time.Duration) MemberStatus {
		return m.with(func(r *api.Router) { r.Problems[0].Since = m.Status.Now.Add(-ago) })
	}
	members := []MemberStatus{
		since(blocked("a", api.Active), time.Second), since(blocked("b", api.Backup), time.Minute), {Name: "c", Err: errors.New("no answer")},
	}
	if got := blockedFor(members); got != time.Minute {
		t.Errorf("got %v", got)
	}
	if got := blockedFor([]MemberStatus{member("a", api.Active)}); got != 0 {
		t.Errorf("nothing is blocked: got %v", got)
	}
}
