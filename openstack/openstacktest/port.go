package openstacktest

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// port is Neutron's.
type port struct {
	standard
	Name         string         `json:"name"`
	NetworkID    string         `json:"network_id"`
	MAC          string         `json:"mac_address"`
	AdminUp      bool           `json:"admin_state_up"`
	Status       string         `json:"status"`
	DeviceID     string         `json:"device_id"`
	DeviceOwner  string         `json:"device_owner"`
	FixedIPs     []fixedIP      `json:"fixed_ips"`
	Pairs        []pair         `json:"allowed_address_pairs"`
	Groups       []string       `json:"security_groups"`
	PortSecurity bool           `json:"port_security_enabled"`
	VNICType     string         `json:"binding:vnic_type"`
	Host         string         `json:"binding:host_id"`
	Profile      map[string]any `json:"binding:profile"`
	DHCPOptions  []any          `json:"extra_dhcp_opts"`
	Trunk        *struct{}      `json:"trunk_details,omitempty"`
}

// visible ports are the caller's own, and all those on networks of his.
func (r *request) visiblePort(p port) bool {
	return r.who.owns(p.ProjectID) || r.who.owns(r.s.networks[p.NetworkID].ProjectID)
}

func (r *request) port(id string) (port, error) {
	p, found := r.s.ports[id]
	if !found || !r.visiblePort(p) {
		return p, notFound("PortNotFound", "Port %s could not be found.", id)
	}
	return p, nil
}

func listPorts(r *request) (answer, error) {
	var out []object
	for _, p := range r.s.ports.all() {
		if r.visiblePort(p) {
			out = append(out, r.show(p))
		}
	}
	return r.listed("ports", port{}, out)
}

func getPort(r *request) (answer, error) {
	p, err := r.port(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"port": pick(r.show(p), r.URL.Query()["fields"])})
}

func createPort(r *request) (answer, error) {
	a, err := r.attributes("port")
	if err != nil {
		return answer{}, err
	}
	p := port{
		standard: r.s.newStandard(a.owner(r, "create_port"), r.now), AdminUp: true, Status: "DOWN", VNICType: "normal",
		FixedIPs: []fixedIP{}, Pairs: []pair{}, Groups: []string{}, PortSecurity: true, Profile: object{}, DHCPOptions: []any{},
	}
	a.required("network_id")
	a.id("network_id", &p.NetworkID)
	if a.err != nil {
		return answer{}, a.err
	}
	n, err := r.network(p.NetworkID)
	if err != nil {
		return answer{}, err
	}
	if n.External && !n.Shared && !r.who.owns(n.ProjectID) {
		return answer{}, refuse(http.StatusForbidden, "NotAuthorized", "Tenant %s not allowed to create port on this network.", r.who.ProjectID)
	}
	if err := r.denied("create_port"); err != nil {
		return answer{}, err
	}
	p.PortSecurity = n.PortSecurity
	if err := r.readPort(&p, n, a, "create_port"); err != nil {
		return answer{}, err
	}
	if err := r.within("port", count(r.s.ports, p.ProjectID)-r.counted(p.ID), 1); err != nil {
		return answer{}, err
	}
	r.s.ports[p.ID] = p
	return made(object{"port": r.show(p)})
}

// counted is 1 if a port is in the table already, by the allocation of its
// addresses.
func (r *request) counted(id string) int {
	if _, there := r.s.ports[id]; there {
		return 1
	}
	return 0
}

// readPort takes what a creation and an update have in common.
func (r *request) readPort(p *port, n network, a *attrs, action string) error {
	creating := action == "create_port"
	if err := r.known(a); err != nil {
		return err
	}
	if !r.who.owns(n.ProjectID) {
		// policies ADMIN_OR_NET_OWNER
		for _, key := range []string{"mac_address", "port_security_enabled", "allowed_address_pairs"} {
			if a.has(key) && string(a.raw[key]) != "[]" {
				return disallowed(action, key)
			}
		}
	}
	for _, key := range []string{"binding:host_id", "binding:profile"} {
		if a.has(key) && !r.who.Admin {
			return disallowed(action, key)
		}
	}
	a.text("name", &p.Name)
	a.text("description", &p.Description)
	a.flag("admin_state_up", &p.AdminUp)
	a.text("device_id", &p.DeviceID)
	a.text("device_owner", &p.DeviceOwner)
	a.text("binding:host_id", &p.Host)
	a.take("binding:profile", &p.Profile, "a dictionary")
	a.text("binding:vnic_type", &p.VNICType)
	a.ignore("extra_dhcp_opts", "qos_policy_id", "dns_name", "dns_domain", "propagate_uplink_status", "numa_affinity_policy", "hints", "hardware_offload_type")
	if err := r.readMAC(p, a); err != nil {
		return err
	}
	a.flag("port_security_enabled", &p.PortSecurity)
	var wanted []fixedIPWanted
	asked := a.take("fixed_ips", &wanted, "a list of dictionaries")
	if a.err == nil && asked && !r.who.owns(n.ProjectID) {
		if slices.ContainsFunc(wanted, func(w fixedIPWanted) bool { return w.Address != "" }) {
			return disallowed(action, "fixed_ips:ip_address")
		}
	}
	groupsAsked, err := r.readSecurity(p, a, creating)
	if err != nil {
		return err
	}
	if err := a.end(); err != nil {
		return err
	}
	if err := agree(p, groupsAsked, creating); err != nil {
		return err
	}
	if creating || asked {
		if p.FixedIPs, err = r.s.allocate(*p, wanted, asked); err != nil {
			return err
		}
	}
	return nil
}

func (r *request) readMAC(p *port, a *attrs) error {
	mac := p.MAC
	a.text("mac_address", &mac)
	if mac == "" {
		mac = r.s.newMAC()
	}
	mac = lower(mac)
	if !validMAC(mac) {
		return badBody("Invalid input for mac_address. Reason: '%s' is not a valid MAC address.", mac)
	}
	for _, o := range r.s.ports {
		if o.ID != p.ID && o.NetworkID == p.NetworkID && o.MAC == mac {
			return refuse(http.StatusConflict, "MacAddressInUse", "Unable to complete operation for network %s. The mac address %s is in use.", p.NetworkID, mac)
		}
	}
	if p.MAC != "" && mac != p.MAC && p.Host != "" {
		return refuse(http.StatusConflict, "PortBound", "Unable to complete operation on port %s, port is already bound, port type: ovs, old_mac %s, new_mac %s.", p.ID, p.MAC, mac)
	}
	p.MAC = mac
	return nil
}

func validMAC(s string) bool {
	return regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){5}$`).MatchString(s)
}

func updatePort(r *request) (answer, error) {
	p, err := r.port(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if err := r.denied("update_port"); err != nil {
		return answer{}, err
	}
	a, err := r.attributes("port")
	if err != nil {
		return answer{}, err
	}
	a.fixed("id", "network_id", "tenant_id", "project_id", "status", "tags")
	if a.err != nil {
		return answer{}, a.err
	}
	before := p
	if err := r.readPort(&p, r.s.networks[p.NetworkID], a, "update_port"); err != nil {
		return answer{}, err
	}
	if err := r.ifMatch(p.standard); err != nil {
		return answer{}, err
	}
	if !reflect.DeepEqual(before, p) {
		p.bump(r.now)
	}
	r.s.ports[p.ID] = p
	return ok(object{"port": r.show(p)})
}

func deletePort(r *request) (answer, error) {
	p, err := r.port(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if err := r.ifMatch(p.standard); err != nil {
		return answer{}, err
	}
	if strings.HasPrefix(p.DeviceOwner, "network:router") || p.DeviceOwner == "network:floatingip" {
		return answer{}, refuse(http.StatusConflict, "ServicePortInUse",
			"Port %s cannot be deleted directly via the port API: has device owner %s.", p.ID, p.DeviceOwner)
	}
	r.s.dropPort(p.ID, r.now)
	return done(http.StatusNoContent)
}
