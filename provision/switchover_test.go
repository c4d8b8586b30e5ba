package provision

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// named is a group whose members have these IDs and names.
func named(pairs ...string) plan.Desired {
	d := plan.Desired{Group: "g"}
	for i := 0; i < len(pairs); i += 2 {
		d.Members = append(d.Members, plan.Member{Server: openstack.Server{ID: pairs[i], Name: pairs[i+1]}})
	}
	return d
}

// told is a group's roster with what the agents tell, in its order.
func told(d plan.Desired, states ...api.State) []MemberStatus {
	all := roster(d, plan.Observed{})
	for i, s := range states {
		if all[i].Err = errors.New("no answer"); s != "" {
			all[i].Status, all[i].Err = member("", s).Status, nil
		}
	}
	return all
}

func TestMembersOfOneNameAreToldApart(t *testing.T) {
	d := named("1111aaaa-0", "web", "2222bbbb-0", "web", "3333cccc-0", "db")
	members := told(d, api.Active, api.Backup, api.Backup)
	if got := describe(members); got != "web/1111aaaa active, web/2222bbbb backup, db backup" {
		t.Errorf("described: %s", got)
	}
	if active, ok := agreed(members); !ok || active.ServerID != "1111aaaa-0" {
		t.Errorf("agreed on %+v, %v", active, ok)
	}
	if moved(members, "1111aaaa-0", "2222bbbb-0") {
		t.Error("the VIP is taken to have moved to the other one of the name")
	}
	if !moved(told(d, api.Backup, api.Active, api.Backup), "1111aaaa-0", "2222bbbb-0") {
		t.Error("the VIP has moved to the other one of the name")
	}
}

func TestTheTargetOfASwitchover(t *testing.T) {
	d := named("id-a", "a", "id-b", "b", "id-c", "c", "4444dddd-0", "twin", "5555eeee-0", "twin")
	states := []api.State{api.Active, api.Backup, api.Backup, api.Backup, api.Backup}
	nobody := []api.State{api.Active, api.Init, api.Init, "", api.Leaving}
	for _, tt := range []struct {
		name, to string
		states   []api.State
		want     int // -1: refused
	}{
		{"the first backup by priority when none is named", "", states, 1},
		{"by name", "c", states, 2},
		{"by ID", "id-c", states, 2},
		{"the active one, which is no move", "a", states, 0},
		{"one of two of a name, as it is shown", "twin/5555eeee", states, 4},
		{"two of a name are refused", "twin", states, -1},
		{"a stranger is refused", "x", states, -1},
		{"no backup is there", "", nobody, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, err := chooseTarget(d, told(d, tt.states...), tt.to)
			if (err == nil) != (tt.want >= 0) || err == nil && i != tt.want {
				t.Errorf("got %d, %v", i, err)
			}
			if err != nil && hintOf(err) == "" {
				t.Errorf("no hint: %v", err)
			}
		})
	}
}

func TestHolderIsTheOnlyActiveWhateverTheOthersDo(t *testing.T) {
	d := named("id-a", "a", "id-b", "b", "id-c", "c")
	bare := told(d, api.Active, api.Backup, api.Backup)
	bare[0].Status.Routers[0].Held = false
	for _, tt := range []struct {
		name    string
		members []MemberStatus
		want    string
	}{
		{"the others are backup", told(d, api.Active, api.Backup, api.Backup), "id-a"},
		{"one is silent", told(d, api.Backup, api.Active, ""), "id-b"},
		{"one is starting", told(d, api.Init, api.Active, api.Backup), "id-b"},
		{"two are active", told(d, api.Active, api.Active, api.Backup), ""},
		{"nobody is", told(d, api.Backup, api.Backup, api.Backup), ""},
		{"it does not hold the VIP", bare, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := holder(tt.members)
			if ok != (tt.want != "") || got.ServerID != tt.want {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
}

// warnings keeps what a run warns of.
type warnings struct {
	Reporter
	all []string
}

func (w *warnings) Warn(message, _ string) { w.all = append(w.all, message) }

func TestSwitchoverNeedsOnlyTheActiveAndTheTarget(t *testing.T) {
	for _, tt := range []struct {
		name     string
		states   []api.State
		to       string
		want     string // "": refused
		warnings []string
	}{
		{"all are well", []api.State{api.Active, api.Backup, api.Backup}, "", "bastion-2", nil},
		{"the third is silent", []api.State{api.Active, api.Backup, ""}, "", "bastion-2", []string{"bastion-3 is silent, and no backup"}},
		{"the first choice is starting", []api.State{api.Active, api.Init, api.Backup}, "", "bastion-3", []string{"bastion-2 is init, and no backup"}},
		{"the target is silent", []api.State{api.Active, api.Backup, ""}, "bastion-3", "", nil},
		{"the target is starting", []api.State{api.Active, api.Backup, api.Init}, "server-3", "", nil},
		{"two are active", []api.State{api.Active, api.Active, api.Backup}, "bastion-3", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &agents{states: map[string]api.State{}}
			for i, state := range tt.states {
				a.states[[]string{"bastion-1", "bastion-2", "bastion-3"}[i]] = state
			}
			w := &warnings{}
			s := &Service{Cloud: newGroupCloud(), Dial: a.dial, Now: time.Now, Report: w}
			m, err := s.Switchover(t.Context(), Selection{Name: "bastion"}, tt.to)
			if (err == nil) != (tt.want != "") || err == nil && (m.From != "bastion-1" || m.To != tt.want) {
				t.Errorf("moved %+v, %v", m, err)
			}
			if err != nil && hintOf(err) == "" {
				t.Errorf("no hint: %v", err)
			}
			if d := cmp.Diff(tt.warnings, w.all); d != "" {
				t.Errorf("warnings (-want +got):\n%s", d)
			}
		})
	}
}
