package openstacktest

import (
	"net/http"
	"slices"
)

// interfaceOf is a router's port on a subnet.
func (s *state) interfaceOf(routerID, subnetID string) (port, bool) {
	for _, p := range s.ports.all() {
		if p.DeviceOwner == "network:router_interface" && p.DeviceID == routerID &&
			slices.ContainsFunc(p.FixedIPs, func(f fixedIP) bool { return f.SubnetID == subnetID }) {
			return p, true
		}
	}
	return port{}, false
}

// interfaceRequest is the body of both router actions.
func (r *request) interfaceRequest() (subnetID, portID string, err error) {
	a, err := parseAttrs(r.body)
	if err != nil {
		return "", "", err
	}
	a.text("subnet_id", &subnetID)
	a.text("port_id", &portID)
	if err := a.end(); err != nil {
		return "", "", err
	}
	if subnetID == "" && portID == "" {
		return "", "", badRequest("router", "Either subnet_id or port_id must be specified")
	}
	return subnetID, portID, nil
}

func addInterface(r *request) (answer, error) {
	o, err := r.router(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	subnetID, portID, err := r.interfaceRequest()
	if err != nil {
		return answer{}, err
	}
	var p port
	switch {
	case subnetID != "" && portID != "":
		return answer{}, badRequest("router", "Cannot specify both subnet-id and port-id")
	case portID != "":
		if p, err = r.port(portID); err != nil {
			return answer{}, err
		}
		if p.DeviceID != "" {
			return answer{}, refuse(http.StatusConflict, "PortInUse",
				"Unable to complete operation on port %s for network %s. Port already has an attached device %s.", p.ID, p.NetworkID, p.DeviceID)
		}
		if len(p.FixedIPs) == 0 {
			return answer{}, badRequest("router", "Router port must have at least one fixed IP")
		}
		subnetID = p.FixedIPs[0].SubnetID
	}
	sub, err := r.subnet(subnetID)
	if err != nil {
		return answer{}, err
	}
	if err := r.fits(o, sub); err != nil {
		return answer{}, err
	}
	if portID == "" {
		if sub.Gateway == nil {
			return answer{}, badRequest("router", "Subnet for router interface must have a gateway IP")
		}
		p, err = r.s.ownPort(r, sub.NetworkID, "", "", []fixedIPWanted{{sub.ID, sub.Gateway.String()}})
		if err != nil {
			return answer{}, err
		}
		p.ProjectID, p.TenantID = o.ProjectID, o.ProjectID
	}
	p.DeviceID, p.DeviceOwner, p.Status = o.ID, "network:router_interface", "ACTIVE"
	p.Groups, p.PortSecurity = []string{}, false
	p.Revision++
	r.s.ports[p.ID] = p
	o.bump(r.now)
	r.s.routers[o.ID] = o
	return ok(interfaceBody(o, p, subnetID))
}

// fits refuses a second interface on a subnet, or on one that overlaps.
func (r *request) fits(o router, sub subnet) error {
	for _, p := range r.s.ports.all() {
		if p.DeviceID != o.ID {
			continue
		}
		for _, f := range p.FixedIPs {
			other := r.s.subnets[f.SubnetID]
			switch {
			case other.ID == sub.ID:
				return badRequest("router", "Router already has a port on subnet %s", sub.ID)
			case other.CIDR.Overlaps(sub.CIDR):
				return badRequest("router", "Cidr %s of subnet %s overlaps with cidr %s of subnet %s", sub.CIDR, sub.ID, other.CIDR, other.ID)
			}
		}
	}
	return nil
}

func interfaceBody(o router, p port, subnetID string) object {
	return object{
		"id": o.ID, "tenant_id": o.TenantID, "project_id": o.ProjectID, "port_id": p.ID, "network_id": p.NetworkID,
		"subnet_id": subnetID, "subnet_ids": []string{subnetID}, "tags": o.Tags,
	}
}

func removeInterface(r *request) (answer, error) {
	o, err := r.router(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	subnetID, portID, err := r.interfaceRequest()
	if err != nil {
		return answer{}, err
	}
	p, found := r.s.interfaceOf(o.ID, subnetID)
	if portID != "" {
		p, found = r.s.ports[portID]
		if !found || p.DeviceID != o.ID {
			return answer{}, notFound("RouterInterfaceNotFound", "Router %s does not have an interface with id %s", o.ID, portID)
		}
		if len(p.FixedIPs) > 0 {
			subnetID = p.FixedIPs[0].SubnetID
		}
	}
	if !found {
		return answer{}, notFound("RouterInterfaceNotFoundForSubnet", "Router %s has no interface on subnet %s", o.ID, subnetID)
	}
	for _, f := range r.s.floatingIPs {
		if f.RouterID != nil && *f.RouterID == o.ID && r.s.subnets[subnetID].CIDR.Contains(deref(f.Fixed)) {
			return answer{}, refuse(http.StatusConflict, "RouterInterfaceInUseByFloatingIP",
				"Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more floating IPs.", subnetID, o.ID)
		}
	}
	delete(r.s.ports, p.ID)
	o.bump(r.now)
	r.s.routers[o.ID] = o
	return ok(interfaceBody(o, p, subnetID))
}

// routerFor is the one that connects a subnet with an external network: with
// several the one whose interface is the subnet's gateway.
func (s *state) routerFor(subnetID, externalID string) (router, bool) {
	var found []router
	for _, o := range s.routers.all() {
		if o.Gateway == nil || o.Gateway.NetworkID != externalID {
			continue
		}
		p, has := s.interfaceOf(o.ID, subnetID)
		if !has {
			continue
		}
		if gw := s.subnets[subnetID].Gateway; gw != nil && slices.ContainsFunc(p.FixedIPs, func(f fixedIP) bool { return f.Address == *gw }) {
			return o, true
		}
		found = append(found, o)
	}
	if len(found) == 0 {
		return router{}, false
	}
	return found[0], true
}
