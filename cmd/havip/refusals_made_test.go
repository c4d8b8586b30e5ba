package main

import (
	"encoding/base64"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/plan"
)

// addVIPPort makes the VIP port of a group, with its marks.
func (w *world) addVIPPort(group string, vrid int, address string) {
	demo := w.cloud.Demo()
	id := demo.Post(neutron+"ports", object{"port": object{
		"name": plan.VIPPortName(group, plan.IPv4), "description": plan.Description(group, vrid), "network_id": w.site.Network,
		"security_groups": []string{}, "fixed_ips": []object{{"subnet_id": w.site.Subnet, "ip_address": address}},
	}}).ID()
	w.tag("ports", id, plan.VIPPortTags(group, vrid)...)
	w.names[id] = "{VIP port " + address + "}"
}

func (w *world) tag(collection, id string, tags ...string) {
	for _, t := range tags {
		w.cloud.Demo().Put(neutron+collection+"/"+id+"/tags/"+t, nil)
	}
}

// made is the group of bastion.yaml as create leaves it, in the cloud and on
// the servers: bastion-1 is active.
func (w *world) made() {
	const group, vrid = "bastion", 51
	demo := w.cloud.Demo()
	sg := demo.Post(neutron+"security-groups", object{"security_group": object{
		"name": plan.SecurityGroupName(group), "description": plan.Description(group, vrid),
	}}).ID()
	w.tag("security-groups", sg, plan.TagGroup(group))
	w.names[sg] = "{security group}"
	w.addVIPPort(group, vrid, "10.0.0.136")
	for i, s := range w.site.Servers {
		var p struct {
			Groups []string `json:"security_groups"`
		}
		demo.Get(neutron + "ports/" + s.Port).Into(&p)
		demo.Put(neutron+"ports/"+s.Port, object{"port": object{
			"allowed_address_pairs": []object{{"ip_address": "10.0.0.136"}}, "security_groups": append(p.Groups, sg),
		}})
		w.tag("ports", s.Port, plan.TagMember(group))
		w.configure(i, group, vrid)
		w.agentIs(s.Name, map[bool]api.State{true: api.Active, false: api.Backup}[i == 0])
	}
}

// configure gives a server the agent of a group.
func (w *world) configure(i int, group string, vrid int) {
	w.t.Helper()
	s := w.site.Servers[i]
	r := config.Router{
		VRID: vrid, Interface: config.Interface{MAC: w.mac(s.Port), Address: s.Address}, Source: s.Address,
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.136/32")}, Priority: 250 - i,
		Interval: api.Duration(300 * time.Millisecond), Version: 3,
	}
	for j, other := range w.site.Servers {
		if j != i {
			r.Peers = append(r.Peers, other.Address)
		}
	}
	file, err := config.Marshal(config.Config{Group: group, Routers: []config.Router{r}, Control: "/run/havip/" + group + "/control.sock"})
	if err != nil {
		w.t.Fatal(err)
	}
	h := w.hosts[s.Name]
	h.says("config", base64.StdEncoding.EncodeToString(file))
	h.says("group", group)
	h.says("enabled")
	h.says("running")
}

// agentIs sets what a server's agent says of itself; "" is nothing.
func (w *world) agentIs(server string, state api.State) {
	h := w.hosts[server]
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = nil
	if state != "" {
		h.status = &api.Status{
			Version: api.Version, Agent: "0.3.0", Group: "bastion",
			Routers: []api.Router{{VRID: 51, State: state, Held: state == api.Active}},
		}
	}
}

// locked gives the group's lock to a run elsewhere.
func (w *world) locked(holder string, until time.Time) {
	sg := w.cloud.ID("security-groups", plan.SecurityGroupName("bastion"))
	w.names[until.UTC().Format(time.TimeOnly)] = "{then}"
	lock := apply.Lock{Holder: holder, Until: until}
	w.cloud.Demo().Put(neutron+"security-groups/"+sg, object{"security_group": object{"description": lock.In(plan.Description("bastion", 51))}})
}
