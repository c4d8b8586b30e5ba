package openstacktest

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
)

// floatingIP is Neutron's. What it is not attached to is null.
type floatingIP struct {
	standard
	Address     netip.Addr   `json:"floating_ip_address"`
	NetworkID   string       `json:"floating_network_id"`
	Fixed       *netip.Addr  `json:"fixed_ip_address"`
	PortID      *string      `json:"port_id"`
	RouterID    *string      `json:"router_id"`
	Status      string       `json:"status"`
	PortDetails *portDetails `json:"port_details"`
	Forwardings []any        `json:"port_forwardings"`
	ownPort     string
}

type portDetails struct {
	Name        string `json:"name"`
	NetworkID   string `json:"network_id"`
	MAC         string `json:"mac_address"`
	AdminUp     bool   `json:"admin_state_up"`
	Status      string `json:"status"`
	DeviceID    string `json:"device_id"`
	DeviceOwner string `json:"device_owner"`
}

func (f *floatingIP) detach() {
	f.PortID, f.Fixed, f.RouterID, f.PortDetails, f.Status = nil, nil, nil, nil, "DOWN"
}

func (r *request) floatingIP(id string) (floatingIP, error) {
	f, found := r.s.floatingIPs[id]
	if !found || !r.who.owns(f.ProjectID) {
		return f, notFound("FloatingIPNotFound", "Floating IP %s could not be found", id)
	}
	return f, nil
}

func listFloatingIPs(r *request) (answer, error) {
	var out []object
	for _, f := range r.s.floatingIPs.all() {
		if r.who.owns(f.ProjectID) {
			out = append(out, r.show(f))
		}
	}
	return r.listed("floatingips", floatingIP{}, out)
}

func getFloatingIP(r *request) (answer, error) {
	f, err := r.floatingIP(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"floatingip": pick(r.show(f), r.URL.Query()["fields"])})
}

func createFloatingIP(r *request) (answer, error) {
	a, err := r.attributes("floatingip")
	if err != nil {
		return answer{}, err
	}
	f := floatingIP{
		standard: r.s.newStandard(a.owner(r, "create_floatingip"), r.now), Status: "DOWN", Forwardings: []any{},
	}
	a.required("floating_network_id")
	a.id("floating_network_id", &f.NetworkID)
	var address, subnetID string
	a.text("floating_ip_address", &address)
	a.text("subnet_id", &subnetID)
	if a.err != nil {
		return answer{}, a.err
	}
	if err := r.denied("create_floatingip"); err != nil {
		return answer{}, err
	}
	if address != "" && !r.who.Admin {
		return answer{}, disallowed("create_floatingip", "floating_ip_address")
	}
	n, err := r.network(f.NetworkID)
	if err != nil {
		return answer{}, err
	}
	if !n.External {
		return answer{}, badRequest("floatingip", "Network %s is not a valid external network", n.ID)
	}
	if err := r.within("floatingip", count(r.s.floatingIPs, f.ProjectID), 1); err != nil {
		return answer{}, err
	}
	if err := r.s.pickAddress(r, &f, address, subnetID); err != nil {
		return answer{}, err
	}
	if err := r.readFloatingIP(&f, a); err != nil {
		return answer{}, err
	}
	r.s.floatingIPs[f.ID] = f
	return made(object{"floatingip": r.show(f)})
}

// pickAddress gives a floating IP its address: IPv4, held by a port that
// belongs to Neutron.
func (s *state) pickAddress(r *request, f *floatingIP, address, subnetID string) error {
	wanted := fixedIPWanted{subnetID, address}
	if wanted == (fixedIPWanted{}) {
		at := slices.IndexFunc(s.subnetsOf(f.NetworkID), func(sub subnet) bool { return sub.Version == 4 })
		if at < 0 {
			return badRequest("floatingip", "Network %s does not contain any IPv4 subnet", f.NetworkID)
		}
		wanted.SubnetID = s.subnetsOf(f.NetworkID)[at].ID
	}
	p, err := s.ownPort(r, f.NetworkID, "network:floatingip", f.ID, []fixedIPWanted{wanted})
	if err != nil {
		return err
	}
	f.Address, f.ownPort = p.FixedIPs[0].Address, p.ID
	return nil
}

// readFloatingIP takes what a creation and an update have in common.
func (r *request) readFloatingIP(f *floatingIP, a *attrs) error {
	a.text("description", &f.Description)
	a.ignore("qos_policy_id", "dns_name", "dns_domain")
	var fixed netip.Addr
	a.address("fixed_ip_address", &fixed)
	portText, given := a.raw["port_id"]
	delete(a.raw, "port_id")
	if err := a.end(); err != nil {
		return err
	}
	var portID string
	if given && string(portText) != "null" && json.Unmarshal(portText, &portID) != nil {
		return badBody("Invalid input for port_id. Reason: %s is not a valid UUID.", shown(portText))
	}
	switch {
	case fixed.IsValid() && portID == "" && f.PortID == nil:
		return badRequest("floatingip", "fixed_ip_address cannot be specified without a port_id")
	case fixed.IsValid() && !given:
		portID = *f.PortID
	case !given && f.PortID != nil:
		return nil // a new description only
	case portID == "":
		f.detach()
		return nil
	}
	p, err := r.port(portID)
	if err != nil {
		return err
	}
	return r.s.attach(f, p, fixed)
}

// attach points a floating IP at an address of a port.
func (s *state) attach(f *floatingIP, p port, fixed netip.Addr) error {
	if f.ProjectID != p.ProjectID {
		return badRequest("floatingip", "Cannot process floating IP association with Port %s, since that port is owned by a different tenant", p.ID)
	}
	v4 := slices.DeleteFunc(slices.Clone(p.FixedIPs), func(i fixedIP) bool { return !i.Address.Is4() })
	at := 0
	switch {
	case fixed.IsValid():
		if at = slices.IndexFunc(v4, func(i fixedIP) bool { return i.Address == fixed }); at < 0 {
			return badRequest("floatingip", "Port %s does not have fixed ip %s", p.ID, fixed)
		}
	case len(v4) == 0:
		return badRequest("floatingip", "Cannot add floating IP to port %s that has no fixed IPv4 addresses", p.ID)
	case len(v4) > 1:
		return badRequest("floatingip", "Port %s has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP", p.ID)
	}
	to := v4[at]
	o, found := s.routerFor(to.SubnetID, f.NetworkID)
	if !found {
		return notFound("ExternalGatewayForFloatingIPNotFound",
			"External network %s is not reachable from subnet %s. Therefore, cannot associate Port %s with a Floating IP.", f.NetworkID, to.SubnetID, p.ID)
	}
	for _, other := range s.floatingIPs {
		if other.ID != f.ID && other.NetworkID == f.NetworkID && deref(other.PortID) == p.ID && deref(other.Fixed) == to.Address {
			return refuse(http.StatusConflict, "FloatingIPPortAlreadyAssociated",
				"Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has a floating IP on external network %s.",
				f.Address, f.ID, p.ID, to.Address, f.NetworkID)
		}
	}
	f.PortID, f.Fixed, f.RouterID, f.Status = &p.ID, &to.Address, &o.ID, "ACTIVE"
	f.PortDetails = p.details()
	return nil
}

func updateFloatingIP(r *request) (answer, error) {
	f, err := r.floatingIP(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if err := r.denied("update_floatingip"); err != nil {
		return answer{}, err
	}
	a, err := r.attributes("floatingip")
	if err != nil {
		return answer{}, err
	}
	a.fixed("id", "floating_network_id", "floating_ip_address", "tenant_id", "project_id", "router_id", "status")
	before := f
	if err := r.readFloatingIP(&f, a); err != nil {
		return answer{}, err
	}
	if err := r.ifMatch(f.standard); err != nil {
		return answer{}, err
	}
	if !reflect.DeepEqual(before, f) {
		f.bump(r.now)
	}
	r.s.floatingIPs[f.ID] = f
	return ok(object{"floatingip": r.show(f)})
}

func deleteFloatingIP(r *request) (answer, error) {
	f, err := r.floatingIP(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if err := r.ifMatch(f.standard); err != nil {
		return answer{}, err
	}
	delete(r.s.ports, f.ownPort)
	delete(r.s.floatingIPs, f.ID)
	return done(http.StatusNoContent)
}

// refreshDetails keeps what floating IPs say of their ports.
func (s *state) refreshDetails() {
	for id, f := range s.floatingIPs {
		if f.PortID == nil {
			continue
		}
		f.PortDetails = s.ports[*f.PortID].details()
		s.floatingIPs[id] = f
	}
}

func (p port) details() *portDetails {
	return &portDetails{p.Name, p.NetworkID, p.MAC, p.AdminUp, p.Status, p.DeviceID, p.DeviceOwner}
}
