package openstacktest

import (
	"net/http"
)

// network is Neutron's.
type network struct {
	standard
	Name         string   `json:"name"`
	AdminUp      bool     `json:"admin_state_up"`
	Status       string   `json:"status"`
	MTU          int      `json:"mtu"`
	Shared       bool     `json:"shared"`
	External     bool     `json:"router:external"`
	PortSecurity bool     `json:"port_security_enabled"`
	Subnets      []string `json:"subnets"`
	Zones        []string `json:"availability_zones"`
	ZoneHints    []string `json:"availability_zone_hints"`
	ScopeV4      *string  `json:"ipv4_address_scope"`
	ScopeV6      *string  `json:"ipv6_address_scope"`
	Type         string   `json:"provider:network_type"`
	Segment      *int     `json:"provider:segmentation_id"`
	Physical     *string  `json:"provider:physical_network"`
}

// visible networks are the caller's own, shared and external ones.
func (n network) visible(who caller) bool { return who.owns(n.ProjectID) || n.Shared || n.External }

func (r *request) network(id string) (network, error) {
	n, found := r.s.networks[id]
	if !found || !n.visible(r.who) {
		return n, notFound("NetworkNotFound", "Network %s could not be found.", id)
	}
	return n, nil
}

func listNetworks(r *request) (answer, error) {
	var out []object
	for _, n := range r.s.networks.all() {
		if n.visible(r.who) {
			out = append(out, r.show(n))
		}
	}
	return r.listed("networks", network{}, out)
}

func getNetwork(r *request) (answer, error) {
	n, err := r.network(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"network": pick(r.show(n), r.URL.Query()["fields"])})
}

func createNetwork(r *request) (answer, error) {
	a, err := r.attributes("network")
	if err != nil {
		return answer{}, err
	}
	n := network{
		standard: r.s.newStandard(a.owner(r, "create_network"), r.now), AdminUp: true, Status: "ACTIVE", MTU: 1442,
		PortSecurity: true, Subnets: []string{}, Zones: []string{}, ZoneHints: []string{}, Type: "geneve",
	}
	if err := n.read(r, a, "create_network"); err != nil {
		return answer{}, err
	}
	if err := r.within("network", count(r.s.networks, n.ProjectID), 1); err != nil {
		return answer{}, err
	}
	r.s.networks[n.ID] = n
	return made(object{"network": r.show(n)})
}

// read takes the attributes that may change.
func (n *network) read(r *request, a *attrs, action string) error {
	a.text("name", &n.Name)
	a.text("description", &n.Description)
	a.flag("admin_state_up", &n.AdminUp)
	a.number("mtu", &n.MTU)
	a.flag("port_security_enabled", &n.PortSecurity)
	for key, v := range map[string]*bool{"shared": &n.Shared, "router:external": &n.External} {
		before := *v
		a.flag(key, v)
		if *v != before && !r.who.Admin {
			a.fail(disallowed(action, key))
		}
	}
	a.ignore("availability_zone_hints", "provider:network_type", "provider:physical_network", "provider:segmentation_id",
		"dns_domain", "is_default", "vlan_transparent", "qos_policy_id")
	return a.end()
}

func updateNetwork(r *request) (answer, error) {
	n, err := r.network(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if !r.who.owns(n.ProjectID) {
		return answer{}, disallowed("update_network", "")
	}
	if err := r.ifMatch(n.standard); err != nil {
		return answer{}, err
	}
	a, err := r.attributes("network")
	if err != nil {
		return answer{}, err
	}
	a.fixed("id", "tenant_id", "project_id", "status", "subnets")
	if err := n.read(r, a, "update_network"); err != nil {
		return answer{}, err
	}
	n.bump(r.now)
	r.s.networks[n.ID] = n
	return ok(object{"network": r.show(n)})
}

func deleteNetwork(r *request) (answer, error) {
	n, err := r.network(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if !r.who.owns(n.ProjectID) {
		return answer{}, disallowed("delete_network", "")
	}
	if err := r.ifMatch(n.standard); err != nil {
		return answer{}, err
	}
	for _, p := range r.s.ports.all() {
		if p.NetworkID == n.ID {
			return answer{}, refuse(http.StatusConflict, "NetworkInUse",
				"Unable to complete operation on network %s. There are one or more ports still in use on the network, id for these ports is %s.", n.ID, p.ID)
		}
	}
	for _, id := range n.Subnets {
		delete(r.s.subnets, id)
	}
	delete(r.s.networks, n.ID)
	return done(http.StatusNoContent)
}
