package provision

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/provision/spec"
)

// ledger is a cloud that writes down what is asked of it and grants it, but
// for what fails.
type ledger struct {
	Cloud
	mu    sync.Mutex
	calls []string
	fail  map[string]error
	ports []openstack.Port // as they are read again at the end
}

func (l *ledger) note(call string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, call)
	return l.fail[call]
}

func (l *ledger) DescribeSecurityGroup(_ context.Context, _ string, revision int, text string) (g openstack.SecurityGroup, err error) {
	if lock, _ := apply.ParseLock(text); lock.Holder != "" {
		return g, l.note("lock")
	}
	if !strings.Contains(text, plan.TagVRID(51)) || revision != 4 {
		return g, errors.New("not as the lock was given: " + text)
	}
	return g, l.note("release")
}

// SecurityGroup is the group as the run that took the lock wrote it.
func (l *ledger) SecurityGroup(context.Context, string) (openstack.SecurityGroup, error) {
	lock := apply.Lock{Holder: "ann@desk/1", Until: time.Date(2026, 1, 1, 12, 10, 0, 0, time.UTC)}
	return openstack.SecurityGroup{ID: "sg", Description: lock.In(plan.Description("g", 51)), Revision: 4}, nil
}

func (l *ledger) CreatePort(_ context.Context, c openstack.PortCreate) (openstack.Port, error) {
	return openstack.Port{ID: "vip", FixedIPs: []openstack.FixedIP{{IP: c.Address}}}, l.note("create port")
}

func (l *ledger) DeletePort(context.Context, string) error          { return l.note("delete port") }
func (l *ledger) DeleteSecurityGroup(context.Context, string) error { return l.note("delete group") }
func (l *ledger) DeleteRule(context.Context, string) error          { return l.note("delete rule") }
func (l *ledger) SetTags(context.Context, openstack.Kind, string, []string) error {
	return l.note("set tags")
}

func (l *ledger) Ports(context.Context, openstack.PortFilter) ([]openstack.Port, error) {
	return l.ports, l.note("list ports")
}

// hush is a reporter that nobody listens to.
type hush struct{}

func (hush) Begin(plan.Action)                  {}
func (hush) End(plan.Action, error)             {}
func (hush) Step(string, string, time.Duration) {}
func (hush) Warn(string, string)                {}

// activeAgent is the connection to a server whose agent is active.
type activeAgent struct{ Connection }

func (activeAgent) Run(context.Context, string, io.Reader) ([]byte, error) {
	return json.Marshal(api.Status{Routers: []api.Router{{State: api.Active, Held: true}}})
}
func (activeAgent) Alive() bool   { return true }
func (activeAgent) Via() []string { return nil }
func (activeAgent) Close() error  { return nil }

var lockedVIP = netip.MustParseAddr("10.0.0.136")

// ready is a run of a group with one member, in a security group that has the
// description.
func ready(l *ledger, description string, actions ...plan.Action) (*Service, *Prepared) {
	s := &Service{
		Cloud: l, Report: hush{}, Holder: "ann@desk/1",
		Now:  func() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) },
		Dial: func(context.Context, remote.Target) (Connection, error) { return activeAgent{}, nil },
	}
	server := openstack.Server{ID: "s1", Name: "bastion-1"}
	p := &Prepared{
		Spec: spec.Group{Name: "g", Verify: spec.Verify{Kind: spec.VerifyNone}},
		Desired: plan.Desired{
			Group: "g", VRID: 51, Members: []plan.Member{{Server: server}},
			VIPs: []plan.VIP{{Family: plan.IPv4, Address: lockedVIP}},
		},
		Observed: plan.Observed{
			SecurityGroups: []openstack.SecurityGroup{{ID: "sg", Description: description, Revision: 3}},
			Servers:        map[string][]openstack.Server{"s1": {server}},
		},
		fleet: s.NewFleet(),
	}
	p.fleet.Know(p.Spec, p.Observed)
	p.Plan = plan.Plan{
		Group: "g", Actions: actions, Desired: p.Desired,
		Known: plan.Resources{SecurityGroup: "sg", VIPs: []plan.VIPResource{{PortID: "vip", Address: lockedVIP}}},
	}
	return s, p
}

var (
	makesPort   = plan.Action{ID: "port", Verb: plan.Create, Kind: "port", Name: "havip-g-v4", Op: plan.CreateVIPPort{}}
	mendsGroup  = plan.Action{ID: "mend", Kind: "group", Name: "havip-g", Inverse: "not reversible", Op: plan.MendSecurityGroup{ID: "sg", Remove: []string{"r1"}}}
	losesPort   = plan.Action{ID: "port", Kind: "port", Op: plan.DeleteVIPPort{PortID: "vip"}}
	losesGroup  = plan.Action{ID: "group", Kind: "group", Op: plan.DeleteSecurityGroup{ID: "sg"}, Needs: []string{"port"}}
	staysBehind = plan.Left{What: "agent of group g on bastion-2", Why: "no answer", Hint: "make it reachable"}
)

func TestDeleteTakesTheLock(t *testing.T) {
	boom := errors.New("boom")
	for _, tt := range []struct {
		name  string
		held  string
		fail  string
		calls []string
	}{
		{name: "of a group that goes", calls: []string{"lock", "delete port", "delete group"}},
		{name: "and gives it back when the group stays", fail: "delete port", calls: []string{"lock", "delete port", "release"}},
		{name: "unless another run has it", held: " havip:lock=bob@laptop/2@2026-01-01T12:05:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &ledger{fail: map[string]error{tt.fail: boom}}
			s, p := ready(l, plan.Description("g", 51)+tt.held, losesPort, losesGroup)
			_, err := s.Delete(t.Context(), p)
			var locked *apply.LockedError
			if errors.As(err, &locked) != (tt.held != "") || errors.Is(err, boom) != (tt.fail != "") {
				t.Errorf("got: %v", err)
			}
			if diff := cmp.Diff(tt.calls, l.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAPlanCannotDoIsTold(t *testing.T) {
	boom := errors.New("boom")
	remove := func(s *Service, p *Prepared) (Outcome, error) { return s.Delete(t.Context(), p) }
	create := func(s *Service, p *Prepared) (Outcome, error) { return s.Create(t.Context(), p, Options{}) }
	for _, tt := range []struct {
		name    string
		do      func(*Service, *Prepared) (Outcome, error)
		actions []plan.Action
		fail    string
	}{
		{name: "by a delete", do: remove, actions: []plan.Action{losesPort}},
		{name: "by a delete that failed", do: remove, actions: []plan.Action{losesPort}, fail: "delete port"},
		{name: "by a delete with nothing to do", do: remove},
		{name: "by a create", do: create, actions: []plan.Action{mendsGroup}},
		{name: "by a create that failed", do: create, actions: []plan.Action{mendsGroup}, fail: "delete rule"},
		{name: "by a create with nothing to do", do: create},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &ledger{fail: map[string]error{tt.fail: boom}}
			s, p := ready(l, plan.Description("g", 51), tt.actions...)
			p.Plan.Left = []plan.Left{staysBehind}
			out, err := tt.do(s, p)
			var left *LeftError
			if !errors.As(err, &left) || errors.Is(err, boom) != (tt.fail != "") {
				t.Fatalf("got: %v", err)
			}
			for _, got := range [][]plan.Left{left.Left, out.Left} {
				if diff := cmp.Diff(p.Plan.Left, got); diff != "" {
					t.Errorf("left (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestARollbackIsDoneUnderTheLockAndHonest(t *testing.T) {
	boom := errors.New("boom")
	fails := plan.Action{ID: "fails", Op: plan.DeleteSecurityGroup{ID: "other"}, Needs: []string{"port"}}
	for _, tt := range []struct {
		name    string
		actions []plan.Action
		left    []plan.Left
	}{
		{name: "everything is taken back", actions: []plan.Action{makesPort, fails}},
		{
			name: "what cannot be is listed", actions: []plan.Action{mendsGroup, makesPort, fails},
			left: []plan.Left{{What: "group havip-g", Why: "not reversible", Hint: "havip create g"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &ledger{fail: map[string]error{"delete group": boom}}
			s, p := ready(l, plan.Description("g", 51), tt.actions...)
			_, err := s.Create(t.Context(), p, Options{Rollback: true})
			if !errors.Is(err, boom) {
				t.Errorf("got: %v", err)
			}
			undone, released := slices.Index(l.calls, "delete port"), slices.Index(l.calls, "release")
			if l.calls[0] != "lock" || undone < 0 || released != len(l.calls)-1 {
				t.Errorf("calls: %v", l.calls)
			}
			left := (*LeftError)(nil)
			if errors.As(err, &left) != (tt.left != nil) {
				t.Fatalf("got: %v", err)
			}
			if left != nil {
				if diff := cmp.Diff(tt.left, left.Left); diff != "" {
					t.Errorf("left (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestAJoinedPortIsReadOnceMore(t *testing.T) {
	whole := openstack.Port{ID: "p1", SecurityGroups: []string{"web", "sg"}, Pairs: []openstack.AddressPair{{IP: "10.0.0.136"}}}
	without := func(edit func(*openstack.Port)) []openstack.Port {
		p := whole
		edit(&p)
		return []openstack.Port{p}
	}
	for _, tt := range []struct {
		name  string
		ports []openstack.Port
		ok    bool
	}{
		{name: "it holds all", ports: []openstack.Port{{ID: "p0"}, whole}, ok: true},
		{name: "another pair is in the place of the VIP's", ports: without(func(p *openstack.Port) { p.Pairs = []openstack.AddressPair{{IP: "192.0.2.1"}} })},
		{name: "the security group is gone", ports: without(func(p *openstack.Port) { p.SecurityGroups = []string{"web"} })},
		{name: "it is not tagged any more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &ledger{ports: tt.ports}
			s, p := ready(l, "", plan.Action{ID: "p1", Name: "bastion-1", Op: plan.JoinPort{PortID: "p1", VIPs: []int{0}}})
			err := s.reread(t.Context(), p, p.Plan.Known)
			if (err == nil) != tt.ok || err != nil && !strings.Contains(err.Error(), "port p1 of bastion-1 was rewritten") {
				t.Errorf("got: %v", err)
			}
		})
	}
}
