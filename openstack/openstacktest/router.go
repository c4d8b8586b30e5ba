package openstacktest

import (
	"net/http"
)

// router is Neutron's.
type router struct {
	standard
	Name        string      `json:"name"`
	AdminUp     bool        `json:"admin_state_up"`
	Status      string      `json:"status"`
	Gateway     *gateway    `json:"external_gateway_info"`
	Routes      []hostRoute `json:"routes"`
	Distributed bool        `json:"distributed"`
	HA          bool        `json:"ha"`
	Zones       []string    `json:"availability_zones"`
	ZoneHints   []string    `json:"availability_zone_hints"`
	GatewayPort string      `json:"-"`
}

type gateway struct {
	NetworkID string    `json:"network_id"`
	SNAT      bool      `json:"enable_snat"`
	FixedIPs  []fixedIP `json:"external_fixed_ips"`
}

func (r *request) router(id string) (router, error) {
	o, found := r.s.routers[id]
	if !found || !r.who.owns(o.ProjectID) {
		return o, notFound("RouterNotFound", "Router %s could not be found", id)
	}
	return o, nil
}

func listRouters(r *request) (answer, error) {
	var out []object
	for _, o := range r.s.routers.all() {
		if r.who.owns(o.ProjectID) {
			out = append(out, r.show(o))
		}
	}
	return r.listed("routers", router{}, out)
}

func getRouter(r *request) (answer, error) {
	o, err := r.router(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"router": pick(r.show(o), r.URL.Query()["fields"])})
}

func createRouter(r *request) (answer, error) {
	a, err := r.attributes("router")
	if err != nil {
		return answer{}, err
	}
	o := router{
		standard: r.s.newStandard(a.owner(r, "create_router"), r.now), AdminUp: true, Status: "ACTIVE",
		Routes: []hostRoute{}, Zones: []string{}, ZoneHints: []string{},
	}
	if err := r.within("router", count(r.s.routers, o.ProjectID), 1); err != nil {
		return answer{}, err
	}
	if err := r.readRouter(&o, a, "create_router"); err != nil {
		return answer{}, err
	}
	r.s.routers[o.ID] = o
	return made(object{"router": r.show(o)})
}

func updateRouter(r *request) (answer, error) {
	o, err := r.router(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if err := r.ifMatch(o.standard); err != nil {
		return answer{}, err
	}
	a, err := r.attributes("router")
	if err != nil {
		return answer{}, err
	}
	a.fixed("id", "tenant_id", "project_id", "status")
	if err := r.readRouter(&o, a, "update_router"); err != nil {
		return answer{}, err
	}
	o.bump(r.now)
	r.s.routers[o.ID] = o
	return ok(object{"router": r.show(o)})
}

func (r *request) readRouter(o *router, a *attrs, action string) error {
	a.text("name", &o.Name)
	a.text("description", &o.Description)
	a.flag("admin_state_up", &o.AdminUp)
	for key, v := range map[string]*bool{"distributed": &o.Distributed, "ha": &o.HA} {
		if a.has(key) && !r.who.Admin {
			return disallowed(action, key)
		}
		a.flag(key, v)
	}
	a.take("routes", &o.Routes, "a list of routes")
	a.ignore("availability_zone_hints", "flavor_id")
	var in *struct {
		NetworkID string          `json:"network_id"`
		SNAT      *bool           `json:"enable_snat"`
		FixedIPs  []fixedIPWanted `json:"external_fixed_ips"`
	}
	given := a.has("external_gateway_info")
	a.take("external_gateway_info", &in, "a dictionary")
	if err := a.end(); err != nil {
		return err
	}
	if !given {
		return nil
	}
	if in == nil || in.NetworkID == "" {
		return r.clearGateway(o)
	}
	if in.SNAT != nil && !r.who.Admin {
		return disallowed(action, "external_gateway_info:enable_snat")
	}
	if o.Gateway != nil && o.Gateway.NetworkID == in.NetworkID {
		return nil
	}
	if err := r.clearGateway(o); err != nil {
		return err
	}
	n, err := r.network(in.NetworkID)
	if err != nil {
		return err
	}
	if !n.External {
		return badRequest("router", "Network %s is not an external network", n.ID)
	}
	p, err := r.s.ownPort(r, n.ID, "network:router_gateway", o.ID, in.FixedIPs)
	if err != nil {
		return err
	}
	o.Gateway, o.GatewayPort = &gateway{n.ID, true, p.FixedIPs}, p.ID
	return nil
}

func (r *request) clearGateway(o *router) error {
	if o.Gateway == nil {
		return nil
	}
	for _, f := range r.s.floatingIPs {
		if f.RouterID != nil && *f.RouterID == o.ID {
			return refuse(http.StatusConflict, "RouterExternalGatewayInUseByFloatingIp",
				"Gateway cannot be updated for router %s, since a gateway to external network %s is required by one or more floating IPs.", o.ID, o.Gateway.NetworkID)
		}
	}
	delete(r.s.ports, o.GatewayPort)
	o.Gateway, o.GatewayPort = nil, ""
	return nil
}

// ownPort makes a port that belongs to Neutron: of no project.
func (s *state) ownPort(r *request, networkID, owner, device string, wanted []fixedIPWanted) (port, error) {
	p := port{
		standard: s.newStandard("", r.now), NetworkID: networkID, MAC: s.newMAC(), AdminUp: true, Status: "ACTIVE", VNICType: "normal",
		DeviceID: device, DeviceOwner: owner, FixedIPs: []fixedIP{}, Pairs: []pair{}, Groups: []string{}, Profile: object{}, DHCPOptions: []any{},
	}
	var err error
	p.FixedIPs, err = s.allocate(p, wanted, wanted != nil)
	s.ports[p.ID] = p
	return p, err
}

func deleteRouter(r *request) (answer, error) {
	o, err := r.router(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	for _, p := range r.s.ports {
		if p.DeviceOwner == "network:router_interface" && p.DeviceID == o.ID {
			return answer{}, refuse(http.StatusConflict, "RouterInUse", "Router %s still has ports", o.ID)
		}
	}
	if err := r.clearGateway(&o); err != nil {
		return answer{}, err
	}
	delete(r.s.routers, o.ID)
	return done(http.StatusNoContent)
}
