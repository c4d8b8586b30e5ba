package ui

import (
	"fmt"
	"io"
	"strconv"

	"github.com/havip/havip/provision"
)

// ListView are the groups of a project.
type ListView struct{ Groups []provision.GroupSummary }

// Human implements View.
func (v ListView) Human(w io.Writer) {
	if len(v.Groups) == 0 {
		fmt.Fprintln(w, "no groups")
		return
	}
	t := table{header: []string{"group", "vip", "floating ip", "vrid", "members"}}
	for _, g := range v.Groups {
		fip := "-"
		if g.FloatingIP.IsValid() {
			fip = g.FloatingIP.String()
		}
		t.add(g.Name, address(g.VIP), fip, strconv.Itoa(g.VRID), strconv.Itoa(len(g.Members)))
	}
	t.write(w, 0)
}

type listObject struct {
	Header
	Groups []groupObject `json:"groups"`
}

type groupObject struct {
	Group      string   `json:"group"`
	VIP        string   `json:"vip"`
	FloatingIP string   `json:"floating_ip,omitempty"`
	VRID       int      `json:"vrid"`
	NetworkID  string   `json:"network_id"`
	ServerIDs  []string `json:"server_ids"`
}

// Object implements View.
func (v ListView) Object() any {
	all := []groupObject{}
	for _, g := range v.Groups {
		o := groupObject{Group: g.Name, VRID: g.VRID, NetworkID: g.Network, ServerIDs: list(g.Members)}
		if g.VIP.IsValid() {
			o.VIP = g.VIP.String()
		}
		if g.FloatingIP.IsValid() {
			o.FloatingIP = g.FloatingIP.String()
		}
		all = append(all, o)
	}
	return listObject{NewHeader("list"), all}
}
