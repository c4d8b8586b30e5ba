package plan

import (
	"fmt"
	"strings"

	"github.com/havip/havip/agent/api"
)

// agreement says where not exactly one member is active.
func (r *report) agreement() {
	for _, v := range r.d.VIPs {
		var actives []string
		answering, unknown := 0, 0
		for _, m := range r.d.Members {
			h := r.o.Hosts[m.Server.ID]
			st := h.Agent.Status
			if st == nil {
				if h.Agent.Running || h.Err != "" && m.Server.Status == "ACTIVE" {
					unknown++
				}
				continue
			}
			answering++
			for _, vr := range st.Routers {
				if FamilyOf(vr.Source) == v.Family && vr.State == api.Active {
					actives = append(actives, r.names.of(m.Server.ID))
				}
			}
		}
		object := "VIP " + v.Address.String()
		switch {
		case len(actives) > 1:
			r.note(object, "", strings.Join(actives, " and ")+" are active",
				"Clients reach one or the other. They do not hear each other.",
				"Check what blocks protocol 112 between them: the security groups above, a firewall on the servers.")
		case len(actives) > 0 || answering == 0:
		case unknown > 0:
			r.note(object, "", "no member is known to be active", "Whether one answers on it is not known.",
				"havip status --watch "+r.d.Group+" shows whether it stays so.")
		default:
			r.note(object, "", "no member is active", "Nobody answers on it.",
				"havip status --watch "+r.d.Group+"; if it stays so, the agents' journals tell why.")
		}
	}
}

// routers says where a member is neither active nor backup, and where what is
// on its NIC is not what its state says.
func (r *report) routers() {
	r.eachStatus(func(id, name string, st *api.Status) {
		for _, vr := range st.Routers {
			r.router(id, name, vr)
		}
	})
}

func (r *report) router(id, name string, vr api.Router) {
	object, vip := "agent on "+name, vipOf(vr)
	journal := fmt.Sprintf("journalctl -u havip-agent@%s on %s tells why.", r.d.Group, name)
	switch vr.State {
	case api.Active:
		if !vr.Held {
			r.note(object, id, "it is active and "+vip+" is not on its NIC", "Nobody answers on it.", journal)
		}
		return
	case api.Leaving:
		// It keeps the VIP until its successor is heard.
		r.note(object, id, "it is leaving: "+vr.Reason, "It holds the VIP until another member has taken over.",
			"havip status --watch "+r.d.Group+" shows whether one does.")
		return
	case api.Backup:
	default:
		r.note(object, id, fmt.Sprintf("it is in state %s: %s", vr.State, vr.Reason), name+" cannot take over.", journal)
	}
	if vr.Held {
		r.note(object, id, fmt.Sprintf("it is in state %s and %s is on its NIC", vr.State, vip),
			"Two servers may answer on it.", journal)
	}
}

// vipOf is the address of a router for people.
func vipOf(vr api.Router) string {
	var all []string
	for _, p := range vr.Addresses {
		all = append(all, p.Addr().String())
	}
	if len(all) == 0 {
		return "the VIP"
	}
	return "VIP " + strings.Join(all, ", ")
}

// checks says which health checks fail.
func (r *report) checks() {
	r.eachStatus(func(id, name string, st *api.Status) {
		for _, c := range st.Checks {
			if c.OK {
				continue
			}
			message := "it fails"
			if c.Why != "" {
				message += ": " + c.Why
			}
			r.note(fmt.Sprintf("check %s on %s", c.Name, name), id, message,
				name+" yields, and does not take over, while another member is healthy.",
				"Mend what it asks for on "+name+".")
		}
	})
}

// eachStatus goes through what the members' agents say of themselves.
func (r *report) eachStatus(do func(id, name string, st *api.Status)) {
	for _, m := range r.d.Members {
		if st := r.host(m.Server.ID).Agent.Status; st != nil {
			do(m.Server.ID, r.names.of(m.Server.ID), st)
		}
	}
}
