package ui

import (
	"fmt"
	"io"
	"strings"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// PlanView is what create would do.
type PlanView struct {
	Identity openstack.Identity
	Plan     plan.Plan
	// Verbose adds before, after and inverse of each action.
	Verbose bool
}

var signs = map[plan.Verb]string{plan.Create: "+", plan.Modify: "~", plan.Delete: "-"}

// Where names cloud, project and region in one line.
func Where(id openstack.Identity) string {
	cloud := id.Cloud
	if cloud == "" {
		cloud = id.AuthURL
	}
	parts := []string{"Cloud " + cloud, "project " + id.Project}
	if id.Region != "" {
		parts = append(parts, "region "+id.Region)
	}
	return strings.Join(parts, ", ")
}

// Human implements View.
func (v PlanView) Human(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", Where(v.Identity))
	if v.Plan.Empty() {
		fmt.Fprintf(w, "%s: no changes\n", v.Plan.Group)
		PrintLeft(w, v.Plan.Left)
		return
	}
	kind, name := 0, 0
	for _, a := range v.Plan.Actions {
		kind, name = max(kind, len(a.Kind)), max(name, len(a.Name))
	}
	for _, a := range v.Plan.Actions {
		mark := ""
		if a.Interrupts {
			mark = "  INTERRUPTS"
		}
		fmt.Fprintf(w, "  %s %-*s  %-*s  %s%s\n", signs[a.Verb], kind, a.Kind, name, a.Name, a.Note, mark)
		if v.Verbose {
			for _, c := range a.Changes {
				fmt.Fprintf(w, "      %s: %s -> %s\n", c.Field, orNone(c.Before), orNone(c.After))
			}
			fmt.Fprintf(w, "      undo: %s\n", a.Inverse)
		}
	}
	if len(v.Plan.Left) > 0 {
		fmt.Fprintln(w)
		PrintLeft(w, v.Plan.Left)
	}
	fmt.Fprintf(w, "\n%s\n", v.Summary())
}

// Summary counts the actions: "7 to make or change, none interrupts."
func (v PlanView) Summary() string {
	make, remove, interrupts := 0, 0, 0
	for _, a := range v.Plan.Actions {
		if a.Verb == plan.Delete {
			remove++
		} else {
			make++
		}
		if a.Interrupts {
			interrupts++
		}
	}
	var parts []string
	if make > 0 {
		parts = append(parts, fmt.Sprintf("%d to make or change", make))
	}
	if remove > 0 {
		parts = append(parts, fmt.Sprintf("%d to take away", remove))
	}
	switch interrupts {
	case 0:
		parts = append(parts, "none interrupts")
	case 1:
		parts = append(parts, "1 interrupts the VIP")
	default:
		parts = append(parts, fmt.Sprintf("%d interrupt the VIP", interrupts))
	}
	return strings.Join(parts, ", ") + "."
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// planObject is the JSON of a plan; docs/json.md describes it.
type planObject struct {
	Header
	Group   string        `json:"group"`
	Cloud   identity      `json:"cloud"`
	Changes bool          `json:"changes"`
	Actions []plan.Action `json:"actions"`
	Left    []plan.Left   `json:"left,omitempty"`
}

type identity = openstack.Identity

// Object implements View.
func (v PlanView) Object() any {
	actions := v.Plan.Actions
	if actions == nil {
		actions = []plan.Action{}
	}
	return planObject{
		Header: NewHeader("plan"), Group: v.Plan.Group, Cloud: v.Identity,
		Changes: !v.Plan.Empty(), Actions: actions, Left: v.Plan.Left,
	}
}

// Header opens every JSON object of havip.
type Header struct {
	Version int    `json:"version"` // grows when a field changes its meaning or goes away
	Kind    string `json:"kind"`
}

// NewHeader is the header of an object of this kind.
func NewHeader(kind string) Header { return Header{Version: 1, Kind: kind} }
