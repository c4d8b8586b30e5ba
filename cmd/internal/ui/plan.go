package ui

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
)

// PlanView is what create would do.
type PlanView struct {
	Identity openstack.Identity
	Plan     plan.Plan
	Warnings preflight.Findings
	// Verbose adds before, after and inverse of each action.
	Verbose bool
}

// sign is how a verb is shown.
func sign(v plan.Verb) string {
	switch v {
	case plan.Create:
		return "+"
	case plan.Delete:
		return "-"
	default:
		return "~"
	}
}

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
		kind, name = max(kind, utf8.RuneCountInString(a.Kind)), max(name, utf8.RuneCountInString(a.Name))
	}
	notes := alignNotes(v.Plan.Actions)
	for i, a := range v.Plan.Actions {
		mark := ""
		if a.Interrupts {
			mark = "  INTERRUPTS"
		}
		fmt.Fprintf(w, "  %s %-*s  %-*s  %s%s\n", sign(a.Verb), kind, a.Kind, name, a.Name, notes[i], mark)
		if v.Verbose {
			printChanges(w, a)
		}
	}
	if len(v.Plan.Left) > 0 {
		fmt.Fprintln(w)
		PrintLeft(w, v.Plan.Left)
	}
	fmt.Fprintf(w, "\n%s\n", v.Summary())
}

// noteGap separates the parts of an action's note.
const noteGap = "  "

// alignNotes puts the parts of notes of the same kind below each other.
func alignNotes(actions []plan.Action) []string {
	type alike struct {
		verb  plan.Verb
		kind  string
		parts int
	}
	split := make([][]string, len(actions))
	widths := map[alike][]int{}
	of := func(i int) alike { return alike{actions[i].Verb, actions[i].Kind, len(split[i])} }
	for i, a := range actions {
		split[i] = strings.Split(a.Note, noteGap)
		have := widths[of(i)]
		if have == nil {
			have = make([]int, len(split[i]))
			widths[of(i)] = have
		}
		for j, part := range split[i] {
			have[j] = max(have[j], utf8.RuneCountInString(part))
		}
	}
	notes := make([]string, len(actions))
	for i := range actions {
		for j, part := range split[i] {
			split[i][j] = fmt.Sprintf("%-*s", widths[of(i)][j], part)
		}
		notes[i] = strings.TrimRight(strings.Join(split[i], noteGap), " ")
	}
	return notes
}

// printChanges writes before and after of each field, and what undoes it all.
// Of a new thing there is no before, of one that goes no after.
func printChanges(w io.Writer, a plan.Action) {
	for _, c := range a.Changes {
		switch a.Verb {
		case plan.Create:
			fmt.Fprintf(w, "      %s: %s\n", c.Field, orNone(c.After))
		case plan.Delete:
			fmt.Fprintf(w, "      %s: %s\n", c.Field, orNone(c.Before))
		default:
			fmt.Fprintf(w, "      %s: %s -> %s\n", c.Field, orNone(c.Before), orNone(c.After))
		}
	}
	fmt.Fprintf(w, "      undo: %s\n", a.Inverse)
}

// Summary counts the actions: "7 to make or change, none interrupts."
func (v PlanView) Summary() string {
	change, remove, interrupts := 0, 0, 0
	for _, a := range v.Plan.Actions {
		if a.Verb == plan.Delete {
			remove++
		} else {
			change++
		}
		if a.Interrupts {
			interrupts++
		}
	}
	var parts []string
	if change > 0 {
		parts = append(parts, fmt.Sprintf("%d to make or change", change))
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

type planObject struct {
	Header
	Group    string             `json:"group"`
	Cloud    openstack.Identity `json:"cloud"`
	Changes  bool               `json:"changes"`
	Actions  []plan.Action      `json:"actions"`
	Left     []plan.Left        `json:"left"`
	Warnings []Finding          `json:"warnings"`
}

// Object implements View.
func (v PlanView) Object() any {
	return planObject{
		NewHeader("plan"), v.Plan.Group, v.Identity, !v.Plan.Empty(),
		list(v.Plan.Actions), list(v.Plan.Left), list(preflightFindings(v.Warnings)),
	}
}
