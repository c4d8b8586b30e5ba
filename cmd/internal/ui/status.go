package ui

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/plan"
)

// StatusView is how a group is.
type StatusView struct {
	Status provision.GroupStatus
	Now    time.Time
}

// Human implements View.
func (v StatusView) Human(w io.Writer) {
	st := v.Status
	cells := []string{st.Desired.Group}
	for _, r := range st.VIPs {
		cells = append(cells, "VIP "+address(r.Address))
		if r.FloatingIP.IsValid() {
			cells = append(cells, "floating IP "+r.FloatingIP.String())
		}
	}
	cells = append(cells, "vrid "+strconv.Itoa(st.Desired.VRID), "every "+st.Desired.Interval.String(), v.health())
	fmt.Fprintf(w, "%s\n\n", strings.Join(cells, "   "))
	for _, d := range st.Deviations {
		fmt.Fprintf(w, "  %s: %s\n", d.Object, d.Message)
		if d.Consequence != "" || d.Cure != "" {
			fmt.Fprintf(w, "    %s\n", strings.TrimSpace(d.Consequence+" "+d.Cure))
		}
	}
	if len(st.Deviations) > 0 {
		fmt.Fprintln(w)
	}
	var rows [][]string
	for _, m := range st.Members {
		rows = append(rows, memberRow(m, v.Now))
	}
	writeTable(w, []string{"member", "state", "priority", "since", "why", "checks", "agent"}, rows)
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return "(none)"
	}
	return a.String()
}

func (v StatusView) health() string {
	if v.Status.Healthy() {
		return "healthy"
	}
	return "DEGRADED"
}

func memberRow(m provision.MemberStatus, now time.Time) []string {
	if m.Status == nil || len(m.Status.Routers) == 0 {
		why := "the agent does not answer"
		if m.Err != nil {
			why = m.Err.Error()
		}
		return []string{m.Name, "unknown", "", "", why, "", ""}
	}
	r := m.Status.Routers[0]
	return []string{
		m.Name, string(r.State), strconv.Itoa(r.Priority), Ago(now.Sub(r.Since)), r.Reason,
		checks(m.Status.Checks), m.Status.Agent,
	}
}

func checks(all []api.Check) string {
	if len(all) == 0 {
		return "-"
	}
	var parts []string
	for _, c := range all {
		state := "ok"
		if !c.OK {
			state = "FAILED"
		}
		parts = append(parts, c.Name+" "+state)
	}
	return strings.Join(parts, ", ")
}

// Ago is a time span as people say it: "12 days".
func Ago(d time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour")
	default:
		return count(int(d.Hours()/24), "day")
	}
}

// Object implements View.
func (v StatusView) Object() any {
	st := v.Status
	dev := st.Deviations
	if dev == nil {
		dev = []plan.Deviation{}
	}
	return struct {
		Header
		Group      string           `json:"group"`
		Healthy    bool             `json:"healthy"`
		VRID       int              `json:"vrid"`
		Interval   string           `json:"interval"`
		VIPs       []vipObject      `json:"vips"`
		Members    []memberObject   `json:"members"`
		Deviations []plan.Deviation `json:"deviations"`
	}{
		NewHeader("status"), st.Desired.Group, st.Healthy(), st.Desired.VRID, st.Desired.Interval.String(),
		vipObjects(st.VIPs), memberObjects(st.Members, st.Desired.Members), dev,
	}
}

// ListView are the groups of a project.
type ListView struct{ Groups []provision.GroupSummary }

// Human implements View.
func (v ListView) Human(w io.Writer) {
	if len(v.Groups) == 0 {
		fmt.Fprintln(w, "no groups")
		return
	}
	var rows [][]string
	for _, g := range v.Groups {
		fip := "-"
		if g.FloatingIP.IsValid() {
			fip = g.FloatingIP.String()
		}
		rows = append(rows, []string{g.Name, address(g.VIP), fip, strconv.Itoa(g.VRID), strconv.Itoa(len(g.Members))})
	}
	writeTable(w, []string{"group", "vip", "floating ip", "vrid", "members"}, rows)
}

// Object implements View.
func (v ListView) Object() any {
	type group struct {
		Group      string   `json:"group"`
		VIP        string   `json:"vip"`
		FloatingIP string   `json:"floating_ip,omitempty"`
		VRID       int      `json:"vrid"`
		NetworkID  string   `json:"network_id"`
		ServerIDs  []string `json:"server_ids"`
	}
	all := []group{}
	for _, g := range v.Groups {
		o := group{Group: g.Name, VIP: address(g.VIP), VRID: g.VRID, NetworkID: g.Network, ServerIDs: g.Members}
		if g.FloatingIP.IsValid() {
			o.FloatingIP = g.FloatingIP.String()
		}
		all = append(all, o)
	}
	return struct {
		Header
		Groups []group `json:"groups"`
	}{NewHeader("list"), all}
}
