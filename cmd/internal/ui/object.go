package ui

import (
	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/plan"
)

// Header opens every JSON object of havip. docs/json.md describes them all; a
// test compares it with the types here.
type Header struct {
	Version int    `json:"version"` // grows when a field changes its meaning or goes away
	Kind    string `json:"kind"`
}

// NewHeader is the header of an object of this kind.
func NewHeader(kind string) Header { return Header{Version: 1, Kind: kind} }

// vipObject is a VIP as it is in the cloud.
type vipObject struct {
	Address    string `json:"address,omitempty"`
	PortID     string `json:"port_id,omitempty"`
	FloatingIP string `json:"floating_ip,omitempty"`
}

func vipObjects(vips []plan.VIPResource) []vipObject {
	all := []vipObject{}
	for _, v := range vips {
		o := vipObject{PortID: v.PortID}
		if v.Address.IsValid() {
			o.Address = v.Address.String()
		}
		if v.FloatingIP.IsValid() {
			o.FloatingIP = v.FloatingIP.String()
		}
		all = append(all, o)
	}
	return all
}

// memberObject is a member as its agent tells it.
type memberObject struct {
	Name     string      `json:"name"`
	ServerID string      `json:"server_id"`
	State    api.State   `json:"state,omitempty"`
	Priority int         `json:"priority,omitempty"`
	Error    string      `json:"error,omitempty"`
	Agent    *api.Status `json:"agent,omitempty"`
}

// memberObjects takes a member's priority from its agent, and where that does
// not answer from what is wanted.
func memberObjects(members []provision.MemberStatus, desired []plan.Member) []memberObject {
	all := []memberObject{}
	for i, m := range members {
		o := memberObject{Name: m.Name, ServerID: m.ServerID, State: m.State(), Error: message(m.Err), Agent: m.Status}
		if i < len(desired) {
			o.Priority = desired[i].Priority
		}
		if m.Status != nil && len(m.Status.Routers) > 0 {
			o.Priority = m.Status.Routers[0].Priority
		}
		all = append(all, o)
	}
	return all
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// list is s, and [] rather than null in JSON when it is empty.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
