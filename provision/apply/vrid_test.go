package apply

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

func TestOfTwoGroupsMadeAtOnceOneTakesAnotherVRID(t *testing.T) {
	older, younger := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	rival := func(id string, vrid int, created time.Time) *openstack.Port {
		return &openstack.Port{ID: id, NetworkID: "n", Description: plan.Description("web", vrid), CreatedAt: created}
	}
	free := map[int]string{1: "keepalived", 2: "db"}
	for _, tt := range []struct {
		name    string
		taken   map[int]string // nil: the group must have 51
		ports   []*openstack.Port
		goes    bool // the rival takes another after a while
		want    int
		refused bool
	}{
		{name: "nobody else has it", taken: free, ports: []*openstack.Port{rival("a", 52, older)}, want: 51},
		{name: "an older group has it", taken: free, ports: []*openstack.Port{rival("a", 51, older)}, want: 3},
		{name: "and another the next that is free", taken: free, ports: []*openstack.Port{rival("a", 51, older), rival("b", 3, older)}, want: 4},
		{name: "a younger group has it, and takes another", taken: free, ports: []*openstack.Port{rival("a", 51, younger)}, goes: true, want: 51},
		{name: "a younger group has it, and keeps it", taken: free, ports: []*openstack.Port{rival("a", 51, younger)}, want: 3},
		{name: "another project's group of this name has it", taken: free, want: 3, ports: []*openstack.Port{
			{ID: "a", NetworkID: "n", ProjectID: "other", Description: plan.Description("g", 51), CreatedAt: older},
		}},
		{name: "a group on another network has it", taken: free, want: 51, ports: []*openstack.Port{
			{ID: "a", NetworkID: "m", Description: plan.Description("web", 51), CreatedAt: older},
		}},
		{name: "this group must have it", ports: []*openstack.Port{rival("a", 51, older)}, want: 51, refused: true},
		{name: "so must it, and the younger does not go", ports: []*openstack.Port{rival("a", 51, younger)}, want: 51, refused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := members(), &fakeServers{}
				p := creation(c)
				p.Desired.Taken, p.Desired.VIPs[0].Network.ID = tt.taken, "n"
				looks := 0
				c.before = func(call string) {
					c.mu.Lock()
					defer c.mu.Unlock()
					if call != "list ports" {
						return
					}
					looks++
					for _, other := range tt.ports {
						c.ports[other.ID] = other
						if tt.goes && looks == 3 {
							other.Description = plan.Description("web", 60)
						}
					}
				}
				res, err := runner(c, s).Run(t.Context(), p)
				var taken *VRIDError
				if errors.As(err, &taken) != tt.refused || !tt.refused && err != nil {
					t.Fatalf("got: %v", err)
				}
				port := c.ports[res.Resources.VIPs[0].PortID]
				if diff := cmp.Diff(plan.VIPPortTags("g", tt.want), port.Tags); diff != "" || port.Description != plan.Description("g", tt.want) {
					t.Errorf("the port says %q, tags (-want +got):\n%s", port.Description, diff)
				}
				if tt.refused {
					if len(s.calls) > 0 || taken.Hint() == "" {
						t.Errorf("agents: %v, hint %q", s.calls, taken.Hint())
					}
					return
				}
				if got := s.last.Config.Routers[0].VRID; got != tt.want || len(s.calls) != 2 {
					t.Errorf("agents have %d, want %d; %v", got, tt.want, s.calls)
				}
				if got := res.Resources.VRID; got != 0 && got != tt.want || got == 0 && tt.want != 51 {
					t.Errorf("the run has %d, want %d", got, tt.want)
				}
			})
		})
	}
}
