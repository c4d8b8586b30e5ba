package openstacktest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// interfaceOfServer is a NIC as Nova shows it.
func interfaceOfServer(p port) object {
	fixed := []object{}
	for _, f := range p.FixedIPs {
		fixed = append(fixed, object{"subnet_id": f.SubnetID, "ip_address": f.Address.String()})
	}
	return object{"port_id": p.ID, "net_id": p.NetworkID, "mac_addr": p.MAC, "port_state": p.Status, "fixed_ips": fixed}
}

func listInterfaces(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	out := []object{}
	for _, id := range v.Ports {
		out = append(out, interfaceOfServer(r.s.ports[id]))
	}
	return ok(object{"interfaceAttachments": out})
}

func getInterface(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if !slices.Contains(v.Ports, r.PathValue("port")) {
		return answer{}, notFound("", "Instance %s does not have a port with id %s", v.ID, r.PathValue("port"))
	}
	return ok(object{"interfaceAttachment": interfaceOfServer(r.s.ports[r.PathValue("port")])})
}

func attachInterface(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Attachment struct {
			NetworkID string `json:"net_id"`
			PortID    string `json:"port_id"`
			FixedIPs  []struct {
				Address string `json:"ip_address"`
			} `json:"fixed_ips"`
		} `json:"interfaceAttachment"`
	}
	if err := json.Unmarshal(r.body, &in); err != nil {
		return answer{}, refuse(http.StatusBadRequest, "", "Malformed request body")
	}
	nic := nicBody{UUID: in.Attachment.NetworkID, Port: in.Attachment.PortID}
	if len(in.Attachment.FixedIPs) > 0 {
		nic.FixedIP = in.Attachment.FixedIPs[0].Address
	}
	if nic.UUID == "" && nic.Port == "" {
		return answer{}, refuse(http.StatusBadRequest, "", "Must specify port_id or net_id.")
	}
	p, err := r.plugOne(&v, nic)
	if err != nil {
		return answer{}, err
	}
	v.Ports = append(slices.Clone(v.Ports), p.ID)
	r.s.servers[v.ID] = v
	return ok(object{"interfaceAttachment": interfaceOfServer(p)})
}

func detachInterface(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	id := r.PathValue("port")
	if !slices.Contains(v.Ports, id) {
		return answer{}, notFound("", "Port id %s could not be found.", id)
	}
	v.Ports = slices.DeleteFunc(slices.Clone(v.Ports), func(p string) bool { return p == id })
	r.s.servers[v.ID] = v
	if slices.Contains(v.Made, id) {
		r.s.dropPort(id, r.now)
	} else {
		r.s.release(id, r.now)
	}
	return done(http.StatusAccepted)
}
