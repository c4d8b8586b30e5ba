package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Deviation is one thing that is not as it should be, what follows from it,
// and what to do.
type Deviation struct {
	Object      string `json:"object"` // as people know it: "port bastion-2"
	ID          string `json:"id,omitempty"`
	Message     string `json:"message"`
	Consequence string `json:"consequence,omitempty"`
	Cure        string `json:"cure,omitempty"`
}

// Drift compares a group with what it should be and explains each difference.
// It finds what Diff would change, and besides what no plan can mend: servers
// that do not answer, agents that do not agree.
func Drift(d Desired, o Observed) []Deviation {
	b := newBuilder(d, o)
	b.vipPorts()
	b.securityGroup()
	r := &report{builder: b, create: "havip create " + d.Group}
	r.vips()
	if len(d.VIPs) > 0 { // else it is not known what these should be
		r.vrids()
		r.group()
		r.ports()
		r.floatingIPs()
	}
	r.members()
	r.servers()
	r.agreement()
	r.routers()
	r.problems()
	r.checks()
	return r.all
}

// report collects deviations.
type report struct {
	*builder
	create string // the command that mends what a plan can
	all    []Deviation
}

func (r *report) note(object, id, message, consequence, cure string) {
	r.all = append(r.all, Deviation{Object: object, ID: id, Message: message, Consequence: consequence, Cure: cure})
}

func (r *report) mend() string { return "Mend it: " + r.create }

func (r *report) vips() {
	if len(r.d.VIPs) == 0 {
		r.note("VIP port of "+r.d.Group, "", "it is gone, and no agent could tell its address",
			"Neutron may give the address to another server, and the floating IP leads nowhere.",
			r.mend()+" -f FILE, with the address in it")
	}
	for i, v := range r.d.VIPs {
		object := "VIP port " + VIPPortName(r.d.Group, v.Family)
		p, ok := r.found.VIPPort(v.Family)
		if !ok {
			r.note(object, "", "it is gone",
				"Neutron may give the address to another server, and the floating IP leads nowhere.", r.mend())
			continue
		}
		if p.DeviceID != "" {
			r.note(object, p.ID, "it is attached to "+r.names.owner(p),
				"The address belongs to that server now; on OVN no member can hold it.",
				fmt.Sprintf("Mend it: openstack server remove port %s %s", p.DeviceID, p.ID))
		}
		if a, ok := r.action("tag-vip-port/" + v.Family.String()); ok {
			r.note(object, r.plan.Known.VIPs[i].PortID, "its tags are not as havip left them: "+changesText(a.Changes),
				"Other workstations may not find the group, or give its VRID away.", r.mend())
		}
	}
}

// vrids says which other groups advertise under the group's VRID: two creates
// at the same moment may each have found it free.
func (r *report) vrids() {
	taken := TakenVRIDs(r.d.Group, r.d.VIPs, r.o)
	other, ok := taken[r.d.VRID]
	if !ok {
		return
	}
	r.note("VRID "+strconv.Itoa(r.d.VRID), "", "group "+other+" has it too, on the same network",
		"With multicast the members of both groups take each other for peers.", ToMend(VRIDHint(r.d.Group, other, taken)))
}

func (r *report) action(id string) (Action, bool) {
	i := slices.IndexFunc(r.plan.Actions, func(a Action) bool { return a.ID == id })
	if i < 0 {
		return Action{}, false
	}
	return r.plan.Actions[i], true
}

func changesText(changes []Change) string {
	return strings.TrimPrefix(summary(changes), ": ")
}

func (r *report) group() {
	object := "security group " + SecurityGroupName(r.d.Group)
	a, ok := r.action(securityGroupAction)
	if !ok {
		return
	}
	if a.Verb == Create {
		r.note(object, "", "it is gone", "The members do not hear each other: each may become active.", r.mend())
		return
	}
	for _, c := range a.Changes {
		id := r.plan.Known.SecurityGroup
		switch {
		case c.Field == "tag":
			r.note(object, id, "tag "+c.After+" is missing", "", r.mend())
		case c.After != "":
			r.note(object, id, "rule is missing: "+c.After, "The members may not hear each other: each may become active.", r.mend())
		default:
			r.note(object, id, "rule was added: "+c.Before, "It opens the egress of members that have it locked.", r.mend())
		}
	}
}

// rewritten is the advice where another tool keeps writing whole lists.
const rewritten = "Terraform-managed? Add ignore_changes = [%s] to openstack_networking_port_v2."

func (r *report) ports() {
	for _, m := range memberPorts(r.d) {
		name := r.names.of(m.server.ID)
		object, s := "port "+name, r.inspectPort(m)
		for _, p := range s.pairs {
			r.note(object, m.port.ID, fmt.Sprintf("allowed address %s is missing", p),
				fmt.Sprintf("A takeover by %s would not be reachable.", name),
				r.mend()+"\n"+fmt.Sprintf(rewritten, "allowed_address_pairs"))
		}
		if s.group && r.plan.Known.SecurityGroup != "" {
			r.note(object, m.port.ID, fmt.Sprintf("security group %s is not on it", SecurityGroupName(r.d.Group)),
				fmt.Sprintf("%s and the other members do not hear each other: each may become active.", name),
				r.mend()+"\n"+fmt.Sprintf(rewritten, "security_group_ids"))
		}
		if len(s.tags) > 0 {
			r.note(object, m.port.ID, "tag "+strings.Join(s.tags, ", ")+" is missing",
				"It is found by its pair and security group while it has both; whether the pair was there before havip is not known.", r.mend())
		}
		if !m.port.PortSecurity {
			r.note(object, m.port.ID, "port security is off",
				"On OVN the floating IP does not work.", "Mend it: openstack port set --enable-port-security "+m.port.ID)
		}
	}
	for _, p := range r.leaving() {
		r.note("port "+r.names.owner(p), p.ID, "it is a member's, by its tag or by pair and security group, and is not wanted", "", r.mend())
	}
}

func (r *report) floatingIPs() {
	for i, v := range r.d.VIPs {
		if v.FloatingIP == nil {
			continue
		}
		if v.FloatingIP.ID == "" {
			r.note("floating ip", "", "none is allocated from "+v.FloatingIP.Network.Name, "", r.mend())
			continue
		}
		f := r.floatingIP(*v.FloatingIP)
		object := "floating ip " + f.Address.String()
		switch {
		case f.PortID == "":
			r.note(object, f.ID, "it is not attached", "The group is not reachable from outside.", r.mend())
		case f.PortID != r.plan.Known.VIPs[i].PortID:
			r.note(object, f.ID, "it is attached to "+r.place(f), "The group is not reachable from outside.",
				r.mend()+" --move-floating-ip")
		}
	}
	for _, f := range r.unwanted() {
		r.note("floating ip "+f.Address.String(), f.ID, "it carries the group's mark and is not wanted", "", r.mend())
	}
}

// members says that there are none: nothing else would differ.
func (r *report) members() {
	if len(r.d.Members) == 0 {
		r.note("group "+r.d.Group, "", "it has no members", "Nobody answers on its VIP.",
			r.mend()+" with its servers; or give it up: havip delete "+r.d.Group)
	}
}

func (r *report) servers() {
	for i, m := range r.d.Members {
		name := r.names.of(m.Server.ID)
		if m.Server.Status != "" && m.Server.Status != "ACTIVE" {
			mend := "To mend it: wait until it is ACTIVE, or replace it."
			if action := m.Server.WakeUp(); action != "" {
				mend = ToMend("openstack server " + action + " " + m.Server.ID)
			}
			r.note("server "+name, m.Server.ID, "its status is "+m.Server.Status, "It cannot take over.", mend)
			continue
		}
		h := r.host(m.Server.ID)
		if h.Err != "" {
			r.note("server "+name, m.Server.ID, "it cannot be looked at: "+h.Err,
				"What its agent does is not known.", ToMend(h.Hint))
			continue
		}
		for _, c := range inspectAgent(r.d, i, h).changes {
			r.agent(name, m.Server.ID, h, c)
		}
	}
	for _, id := range r.formerServers() {
		cure := r.mend()
		if h := r.host(id); h.Hint != "" {
			cure = ToMend(h.Hint) + "; then " + r.create
		}
		r.note("server "+r.names.of(id), id, "it may still hold the group's agent, and is no member",
			"It may become active.", cure)
	}
}

// ToMend opens a cure that is a hint: what an error would say after "hint:".
func ToMend(hint string) string {
	if hint == "" {
		return ""
	}
	return "To mend it: " + hint
}

// agent explains one difference on a server.
func (r *report) agent(name, id string, h Host, c Change) {
	object := "agent on " + name
	cannot := name + " cannot take over."
	switch c.Field {
	case "running":
		r.note(object, id, "it does not run", cannot,
			fmt.Sprintf("journalctl -u havip-agent@%s on %s tells why. %s", r.d.Group, name, r.mend()))
	case "enabled":
		r.note(object, id, "it is not enabled", "It does not start when the server does.", r.mend())
	case "answers":
		r.note(object, id, "it runs but does not answer", "Whether "+name+" can take over is not known.", r.mend())
	case "configuration file":
		r.note(object, id, "its configuration file cannot be read", "The agent does not start with it again.", r.mend())
	case "configuration in force":
		r.note(object, id, "its configuration file was changed and not reloaded",
			"The next start of the agent changes how it works.", r.mend())
	case "binary":
		if c.Before == "" {
			r.note(object, id, "the binary is gone", cannot, r.mend())
			return
		}
		r.note(object, id, fmt.Sprintf("the binary is %s instead of %s", c.Before, c.After), "", r.mend())
	case "service file":
		if c.Before == "" {
			r.note(object, id, "the service file is gone", "The agent does not start when the server does.", r.mend())
			return
		}
		r.note(object, id, "the service file was changed", "", r.mend())
	default:
		if h.Agent.Config == nil {
			if c.Field == "group" {
				r.note(object, id, "it has no configuration", cannot, r.mend())
			}
			return // the rest follows from that
		}
		r.note(object, id, fmt.Sprintf("configuration: %s is %s instead of %s",
			c.Field, cmp.Or(c.Before, "missing"), cmp.Or(c.After, "nothing")), "", r.mend())
	}
}
