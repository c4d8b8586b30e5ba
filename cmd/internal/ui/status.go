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
	Width  int // of the terminal, 0 for none
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
	if st.Desired.VRID != 0 {
		cells = append(cells, "vrid "+strconv.Itoa(st.Desired.VRID))
	}
	if st.Desired.Interval != 0 { // unknown where no agent tells it
		cells = append(cells, "every "+st.Desired.Interval.String())
	}
	fmt.Fprintf(w, "%s\n\n", strings.Join(append(cells, v.health()), gap))
	for _, d := range st.Deviations {
		printDeviation(w, d)
	}
	if len(st.Deviations) > 0 {
		fmt.Fprintln(w)
	}
	const why = 4
	t := table{header: []string{"member", "state", "priority", "since", "why", "checks", "agent"}, flexible: why}
	for _, m := range st.Members {
		t.add(memberRow(m)...)
	}
	t.write(w, v.Width)
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

// shownID is how much of an ID tells objects apart for people.
const shownID = 8

func printDeviation(w io.Writer, d plan.Deviation) {
	id := ""
	if d.ID != "" {
		id = " (" + d.ID[:min(len(d.ID), shownID)] + ")"
	}
	first, rest, _ := strings.Cut(d.Message, "\n")
	fmt.Fprintf(w, "  %s%s: %s\n", d.Object, id, first)
	for _, l := range append(lines(rest), lines(strings.TrimSpace(d.Consequence+" "+d.Cure))...) {
		fmt.Fprintf(w, "    %s\n", l)
	}
}

func memberRow(m provision.MemberStatus) []string {
	if m.Status == nil || len(m.Status.Routers) == 0 {
		why := "the agent does not answer"
		if m.Err != nil {
			why, _, _ = strings.Cut(m.Err.Error(), "\n")
		}
		return []string{m.Name, "unknown", "-", "-", why, "-", "-"}
	}
	r := m.Status.Routers[0]
	return []string{
		// by the server's own clock, which need not be ours
		m.Name, string(r.State), strconv.Itoa(r.Priority), Ago(m.Status.Now.Sub(r.Since)), r.Reason,
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
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*time.Hour:
		return "1 hour"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

type statusObject struct {
	Header
	Group      string           `json:"group"`
	Healthy    bool             `json:"healthy"`
	VRID       int              `json:"vrid,omitempty"`
	Interval   string           `json:"interval,omitempty"`
	VIPs       []vipObject      `json:"vips"`
	Members    []memberObject   `json:"members"`
	Deviations []plan.Deviation `json:"deviations"`
}

// Object implements View.
func (v StatusView) Object() any { return v.object() }

func (v StatusView) object() statusObject {
	st := v.Status
	interval := ""
	if st.Desired.Interval != 0 {
		interval = st.Desired.Interval.String()
	}
	return statusObject{
		NewHeader("status"), st.Desired.Group, st.Healthy(), st.Desired.VRID, interval,
		vipObjects(st.VIPs), memberObjects(st.Members, st.Desired.Members), list(st.Deviations),
	}
}

// StatusAllView is how every group of a project is.
type StatusAllView struct {
	Groups []StatusView
	Err    error // groups that could not be looked at
}

// Human implements View.
func (v StatusAllView) Human(w io.Writer) {
	if len(v.Groups) == 0 && v.Err == nil {
		fmt.Fprintln(w, "no groups")
	}
	for i, g := range v.Groups {
		if i > 0 {
			fmt.Fprintln(w)
		}
		g.Human(w)
	}
}

type statusAllObject struct {
	Header
	Groups []statusObject `json:"groups"`
	Errors []Finding      `json:"errors"`
}

// Object implements View.
func (v StatusAllView) Object() any {
	o := statusAllObject{NewHeader("status-all"), []statusObject{}, list(NewFailure(v.Err).Findings)}
	for _, g := range v.Groups {
		o.Groups = append(o.Groups, g.object())
	}
	return o
}
