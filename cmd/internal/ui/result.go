package ui

import (
	"fmt"
	"io"
	"strings"

	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/plan"
)

// CreateView is what a create led to.
type CreateView struct {
	Group   string
	Outcome provision.Outcome
}

// Human implements View: one line, as the group is now.
func (v CreateView) Human(w io.Writer) {
	o := v.Outcome
	made := "no changes"
	if o.Changed {
		made = "made in " + Seconds(o.Took)
	}
	cells := append([]string{v.Group}, addresses(o.Resources)...)
	if o.Active != "" {
		cells = append(cells, "active on "+o.Active)
	}
	fmt.Fprintln(w, strings.Join(append(cells, made), "  "))
}

func addresses(r plan.Resources) []string {
	var all []string
	for _, v := range r.VIPs {
		all = append(all, v.Address.String())
		if v.FloatingIP.IsValid() {
			all = append(all, v.FloatingIP.String())
		}
	}
	return all
}

type createObject struct {
	Header
	Group     string         `json:"group"`
	Changed   bool           `json:"changed"`
	Active    string         `json:"active,omitempty"`
	VIPs      []vipObject    `json:"vips"`
	Members   []memberObject `json:"members"`
	Reachable []reachObject  `json:"reachable"`
	Left      []plan.Left    `json:"left"`
	TookMS    int64          `json:"took_ms"`
}

type reachObject struct {
	Address string `json:"address"`
	How     string `json:"how"`
	OK      bool   `json:"ok"`
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Object implements View.
func (v CreateView) Object() any {
	o := createObject{
		Header: NewHeader("create"), Group: v.Group, Changed: v.Outcome.Changed,
		Active: v.Outcome.Active, VIPs: vipObjects(v.Outcome.Resources.VIPs),
		Members: memberObjects(v.Outcome.Members, nil), Reachable: []reachObject{},
		Left: list(v.Outcome.Left), TookMS: v.Outcome.Took.Milliseconds(),
	}
	for _, r := range v.Outcome.Reachable {
		o.Reachable = append(o.Reachable, reachObject{
			Address: r.Address.String(), How: r.How, OK: r.Err == nil, Error: message(r.Err), Hint: r.Hint,
		})
	}
	return o
}

// DeleteView is what a delete led to.
type DeleteView struct {
	Group   string
	Outcome provision.Outcome
}

// Human implements View.
func (v DeleteView) Human(w io.Writer) {
	switch {
	case len(v.Outcome.Left) > 0:
		fmt.Fprintf(w, "%s  deleted, but for what is left:\n", v.Group)
		PrintLeft(w, v.Outcome.Left)
	case v.Outcome.Changed:
		fmt.Fprintf(w, "%s  deleted in %s\n", v.Group, Seconds(v.Outcome.Took))
	default:
		fmt.Fprintf(w, "%s  nothing to delete\n", v.Group)
	}
}

type deleteObject struct {
	Header
	Group   string      `json:"group"`
	Changed bool        `json:"changed"`
	Left    []plan.Left `json:"left"`
	TookMS  int64       `json:"took_ms"`
}

// Object implements View.
func (v DeleteView) Object() any {
	return deleteObject{
		NewHeader("delete"), v.Group, v.Outcome.Changed, list(v.Outcome.Left), v.Outcome.Took.Milliseconds(),
	}
}

// SwitchoverView is what a switchover led to.
type SwitchoverView struct {
	Group string
	Moved provision.Moved
}

// Human implements View.
func (v SwitchoverView) Human(w io.Writer) {
	if v.Moved.From == v.Moved.To {
		fmt.Fprintf(w, "%s  %s is active already\n", v.Group, v.Moved.To)
		return
	}
	fmt.Fprintf(w, "%s  %s -> %s  in %s\n", v.Group, v.Moved.From, v.Moved.To, Seconds(v.Moved.Took))
}

type switchoverObject struct {
	Header
	Group   string         `json:"group"`
	From    string         `json:"from"`
	To      string         `json:"to"`
	Members []memberObject `json:"members"`
	TookMS  int64          `json:"took_ms"`
}

// Object implements View.
func (v SwitchoverView) Object() any {
	return switchoverObject{
		NewHeader("switchover"), v.Group, v.Moved.From, v.Moved.To,
		memberObjects(v.Moved.Members, nil), v.Moved.Took.Milliseconds(),
	}
}
