package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/havip/havip/agent/api"
)

// problems says what the agents see wrong themselves. Both ends of a blocked
// way may name it: it is said once.
func (r *report) problems() {
	said := make(map[string]bool)
	r.eachStatus(func(id, name string, st *api.Status) {
		for _, vr := range st.Routers {
			for _, p := range vr.Problems {
				// An active is told nothing by the silence of a backup, and keeps
				// what it saw for half a minute.
				if p.Code == api.ProblemAdvertsBlocked && r.heard(p.Peer, st) {
					continue
				}
				d := r.problem(id, name, vr, p)
				if key := d.Object + "\n" + d.Message; !said[key] {
					said[key] = true
					r.all = append(r.all, d)
				}
			}
		}
	})
}

// problem explains one, and what to do about it.
func (r *report) problem(id, name string, vr api.Router, p api.Problem) Deviation {
	d := Deviation{Object: "agent on " + name, ID: id, Message: p.Detail}
	switch p.Code {
	case api.ProblemAdvertsBlocked:
		d.Object, d.ID = "protocol 112", ""
		d.Message = "it does not pass between " + r.ends(name, p.Peer)
		d.Consequence = "They do not hear each other: which of them stays active is settled by their MAC addresses, and a takeover takes seconds longer."
		d.Cure = r.unblock()
	case api.ProblemAddressConflict:
		d.Object, d.ID = vipOf(vr), ""
		d.Consequence = "Clients may reach that station instead of the group."
		d.Cure = "Find it by its MAC address: openstack port list --mac-address MAC; then take the address off it."
	case api.ProblemRival:
		d.Consequence = "Two servers may answer on " + vipOf(vr) + "."
		d.Cure = "havip status --watch " + r.d.Group + " shows whether it ends."
	case api.ProblemMismatch:
		d.Consequence = "After a takeover the group would work with what that member has."
		d.Cure = r.mend()
	default: // a fault, or what a newer agent knows and this havip does not
		if p.Code != api.ProblemFault {
			d.Message = p.Code + ": " + p.Detail
		}
		d.Cure = fmt.Sprintf("journalctl -u havip-agent@%s on %s tells more.", r.d.Group, name)
	}
	return d
}

// ends names both ends of a way: a member and the one that has the address.
func (r *report) ends(name string, peer netip.Addr) string {
	other := "the other members"
	if peer.IsValid() {
		other = peer.String()
	}
	for _, m := range r.d.Members {
		if m.sendsFrom(peer) {
			other = r.names.of(m.Server.ID)
		}
	}
	if peer.IsValid() && other < name {
		name, other = other, name
	}
	return name + " and " + other
}

// unblock is how to let advertisements pass: in the cloud where that keeps
// them back, else on the servers.
func (r *report) unblock() string {
	if r.closed() {
		return "The security group does not let it pass. " + r.mend()
	}
	return "The security group lets it pass: look for a firewall on the servers: sudo nft list ruleset, sudo iptables -S."
}

// closed tells whether the security group keeps the members from hearing each
// other: a rule of it is missing, or it is missing on a port.
func (r *report) closed() bool {
	if a, ok := r.action(securityGroupAction); ok && slices.ContainsFunc(a.Changes, func(c Change) bool {
		return c.Field == "rule" && c.After != ""
	}) {
		return true
	}
	return slices.ContainsFunc(memberPorts(r.d), func(m memberPort) bool { return r.inspectPort(m).group })
}
