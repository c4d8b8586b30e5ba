package apply

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// taken is what somebody does to the floating IP after it was planned for.
func taken(c *fakeCloud, port, fixed string) {
	f := c.fips["f1"]
	f.PortID, f.Revision, f.Fixed = port, f.Revision+1, netip.Addr{}
	if fixed != "" {
		f.Fixed = netip.MustParseAddr(fixed)
	}
}

func TestAFloatingIPIsTakenOnlyFromWhereThePlanSawIt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		happens func(*fakeCloud)
		unheld  bool // this Neutron does not look at If-Match
		moved   string
	}{
		{name: "nothing happened meanwhile", happens: func(*fakeCloud) {}},
		{name: "nothing happened, and writes cannot be held to a revision", happens: func(*fakeCloud) {}, unheld: true},
		{name: "it was only tagged", happens: func(c *fakeCloud) { c.fips["f1"].Tags, c.fips["f1"].Revision = []string{"theirs"}, 6 }},
		{name: "it is on the VIP already", happens: func(c *fakeCloud) { taken(c, "vip", "10.0.0.136") }},
		{name: "somebody attached it", happens: func(c *fakeCloud) { taken(c, "theirs", "10.0.0.12") }, moved: "somebody attached it to 10.0.0.12 meanwhile"},
		{name: "the same, unheld", unheld: true, happens: func(c *fakeCloud) { taken(c, "theirs", "10.0.0.12") }, moved: "somebody attached it to 10.0.0.12 meanwhile"},
		{name: "somebody detached it", happens: func(c *fakeCloud) { taken(c, "", "") }, moved: "somebody detached it meanwhile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := members()
			tt.happens(c)
			port := c.fips["f1"].PortID
			op := plan.AttachFloatingIP{ID: "f1", From: "elsewhere", Revision: 5, Tags: []string{plan.TagGroup("g")}}
			if tt.unheld {
				op.Revision, c.fips["f1"].Revision = 0, 0
			}
			p := plan.Plan{
				Group: "g", Known: plan.Resources{VIPs: []plan.VIPResource{{PortID: "vip", Address: vip}}},
				Actions: []plan.Action{{ID: "fip", Op: op}},
			}
			res, err := runner(c, &fakeServers{}).Run(t.Context(), p)
			f := c.fips["f1"]
			if tt.moved == "" {
				if err != nil || f.PortID != "vip" || !slices.Contains(f.Tags, plan.TagGroup("g")) {
					t.Errorf("got %v, %+v", err, *f)
				}
				return
			}
			var moved *MovedError
			if !errors.As(err, &moved) || !strings.Contains(err.Error(), tt.moved) || res.Changes() > 0 {
				t.Errorf("got %v, %d changes", err, res.Changes())
			}
			if f.PortID != port || len(f.Tags) > 0 {
				t.Errorf("it was touched: %+v", *f)
			}
		})
	}
}

func TestAFloatingIPThatSomebodyTookIsLeftAndNothingWaitsForIt(t *testing.T) {
	for _, allocated := range []bool{false, true} {
		t.Run(fmt.Sprintf("allocated: %v", allocated), func(t *testing.T) {
			c := members()
			c.ports["vip"] = &openstack.Port{ID: "vip"}
			taken(c, "theirs", "10.0.0.12")
			res, err := runner(c, &fakeServers{}).Run(t.Context(), plan.Plan{Group: "g", Actions: []plan.Action{
				{ID: "fip", Op: plan.ReleaseFloatingIP{ID: "f1", From: "vip", Revision: 5, Allocated: allocated}},
				{ID: "port", Op: plan.DeleteVIPPort{PortID: "vip"}, Needs: []string{"fip"}},
			}})
			if err != nil || len(res.Done) != 1 || c.ports["vip"] != nil {
				t.Errorf("got %v, done %v", err, res.Done)
			}
			if len(res.Left) != 1 || res.Left[0].What != "floating ip 203.0.113.10" || !strings.Contains(res.Left[0].Why, "10.0.0.12") {
				t.Errorf("left: %+v", res.Left)
			}
			if f := c.fips["f1"]; f == nil || f.PortID != "theirs" {
				t.Errorf("it was touched: %+v", f)
			}
		})
	}
}

func TestAFloatingIPThatSomebodyTookIsNotTakenBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   plan.AttachFloatingIP
	}{
		{name: "to where it was", op: plan.AttachFloatingIP{ID: "f1", From: "elsewhere", Revision: 5}},
		{name: "nor released", op: plan.AttachFloatingIP{Network: "public"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := members()
			r := runner(c, &fakeServers{})
			res, err := r.Run(t.Context(), plan.Plan{
				Group: "g", Known: plan.Resources{VIPs: []plan.VIPResource{{PortID: "vip", Address: vip}}},
				Actions: []plan.Action{{ID: "fip", Op: tt.op}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range c.fips {
				f.PortID = "theirs"
			}
			n := len(c.fips)
			var moved *MovedError
			if left := r.Undo(t.Context(), res); len(left) != 1 || !errors.As(left[0].Err, &moved) {
				t.Errorf("left: %v", left)
			}
			for _, f := range c.fips {
				if f.PortID != "theirs" || len(c.fips) != n {
					t.Errorf("it was touched: %+v", *f)
				}
			}
		})
	}
}

func TestTheMarksOfAFloatingIPThatSomebodyTookComeOff(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   string // the port that it is on by then
		left bool
	}{
		{name: "it is where it was", at: "theirs"},
		{name: "it is on the VIP again", at: "vip", left: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := members()
			f := c.fips["f1"]
			f.PortID, f.Description = tt.at, plan.Description("g", 51)
			f.Tags = []string{plan.TagAllocated, plan.TagGroup("g"), "theirs"}
			res, err := runner(c, &fakeServers{}).Run(t.Context(), plan.Plan{Group: "g", Actions: []plan.Action{{ID: "fip", Op: plan.DisownFloatingIP{
				ID: "f1", From: "theirs", Tags: []string{plan.TagAllocated, plan.TagGroup("g")}, Described: true,
			}}}})
			if err != nil || len(res.Left) > 0 != tt.left {
				t.Fatalf("got %v, left %v", err, res.Left)
			}
			if marked := f.Description != "" || len(f.Tags) != 1; marked != tt.left || f.PortID != tt.at {
				t.Errorf("it is %+v", *f)
			}
		})
	}
}
