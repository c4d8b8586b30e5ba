package failover

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/server"
)

// agents are those of a group whose status is what they hold; one is a Guest.
type agents map[string]*agent

type agent struct {
	Guest  // what a test does not ask for is not there
	status func() api.Status
	mends  []error // what the tries to undo a fault come to
	tried  int
}

func (a agents) Guest(_ context.Context, id string) (Guest, error) { return a[id], nil }
func (a agents) Forget(string)                                     {}

func (a *agent) Status(context.Context, string) (api.Status, error) { return a.status(), nil }

func (a *agent) Mend(context.Context, string) (bool, error) {
	a.tried++
	if a.tried > len(a.mends) {
		return true, nil
	}
	return true, a.mends[a.tried-1]
}

func source(id string) netip.Addr {
	return map[string]netip.Addr{"1": netip.MustParseAddr("10.0.0.1"), "2": netip.MustParseAddr("10.0.0.2")}[id]
}

// says is a status that is well: the active holds the VIP, and a backup hears it.
func says(id string, is api.State, started time.Time, bend ...func(*api.Router)) func() api.Status {
	return func() api.Status {
		r := api.Router{State: is, Held: is == api.Active, Interval: api.Duration(time.Second), Source: source(id), Priority: 250}
		for _, peer := range []string{"1", "2"} {
			r.Peers = append(r.Peers, api.Peer{Address: source(peer), LastAdvert: time.Now()})
		}
		for _, b := range bend {
			b(&r)
		}
		return api.Status{Started: started, Now: time.Now(), Routers: []api.Router{r}}
	}
}

func pair(one, two func() api.Status) *Test {
	return &Test{
		Interval: time.Second, Members: []Member{{Name: "one", ServerID: "1"}, {Name: "two", ServerID: "2"}},
		Guests: agents{"1": {status: one}, "2": {status: two}},
	}
}

func TestAgentsAgreeWhenOneIsActiveAndHeardAndNothingIsWrong(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	for name, tt := range map[string]struct {
		one, two func() api.Status
		want     bool
	}{
		"one active, one backup": {says("1", api.Active, old), says("2", api.Backup, old), true},
		"two actives":            {says("1", api.Active, old), says("2", api.Active, old), false},
		"two backups":            {says("1", api.Backup, old), says("2", api.Backup, old), false},
		"the active does not hold the VIP": {
			says("1", api.Active, old, func(r *api.Router) { r.Held = false }), says("2", api.Backup, old), false,
		},
		"the backup does not hear the active": {
			says("1", api.Active, old), says("2", api.Backup, old, func(r *api.Router) { r.Peers[0].LastAdvert = time.Now().Add(-time.Minute) }), false,
		},
		"the backup sees something wrong": {
			says("1", api.Active, old), says("2", api.Backup, old, func(r *api.Router) { r.Problems = []api.Problem{{Code: "blocked"}} }), false,
		},
	} {
		group := pair(tt.one, tt.two)
		if got := group.agree(group.states(t.Context(), "")); got != tt.want {
			t.Errorf("%s: agreed %v, want %v", name, got, tt.want)
		}
	}
}

func TestARoundWaitsForABackupThatOnlyListensYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		group := pair(says("1", api.Active, began.Add(-time.Hour)), says("2", api.Backup, began))
		group.StartDelay = 10 * time.Minute // longer than anything else is waited for
		if _, err := group.prepared(t.Context(), effectTime); err != nil {
			t.Fatal(err)
		}
		if waited, want := time.Since(began), group.StartDelay+4*group.Interval; waited < want || waited > want+time.Second {
			t.Errorf("it waited for %s, want %s", waited, want)
		}
	})
}

// cloud says of every server that it is in one status.
type cloud struct {
	Cloud
	status string
}

func nova(status string) Cloud { return cloud{status: status} }

func (c cloud) Server(context.Context, string) (openstack.Server, error) {
	return openstack.Server{Status: c.status}, nil
}

func TestAFaultWithoutEffectIsToldFromOneThatTheCloudDoesNotMake(t *testing.T) {
	pause, _ := Find(ServerPause)
	stop, _ := Find(ServerStop)
	for name, tt := range map[string]struct {
		fault Fault
		lives bool
		one   api.State
		want  string
		not   bool
	}{
		"a paused server that runs on":           {pause, true, api.Active, "", true},
		"a paused server, and nobody takes over": {pause, false, api.Init, "", false},
		"a server that goes on as active":        {stop, true, api.Active, "one", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				group := pair(says("1", tt.one, time.Now()), says("2", api.Backup, time.Now()))
				group.Cloud = nova("PAUSED")
				got, err := group.effect(t.Context(), tt.fault, group.Members[0], func() bool { return tt.lives })
				impossible := (*server.NotPossibleError)(nil)
				if got != tt.want || errors.As(err, &impossible) != tt.not || !tt.not && err != nil {
					t.Errorf("%q, %v", got, err)
				}
			})
		})
	}
}

func TestAFaultOnAServerIsUndoneOnceTheServerIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("the connection ended")
		group := pair(nil, nil)
		one := &agent{mends: []error{gone, gone}}
		group.Guests = agents{"1": one}
		if err := group.mend(t.Context(), group.Members[0]); err != nil || one.tried != 3 {
			t.Errorf("%v after %d tries", err, one.tried)
		}
		one.tried, one.mends = 0, make([]error, 10000)
		for i := range one.mends {
			one.mends[i] = gone
		}
		if err := group.mend(t.Context(), group.Members[0]); !errors.Is(err, gone) {
			t.Errorf("a server that is never reached: %v", err)
		}
	})
}
