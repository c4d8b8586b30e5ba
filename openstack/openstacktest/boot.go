package openstacktest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// bootBody is the body of POST /servers.
type bootBody struct {
	Server *struct {
		Name        string            `json:"name"`
		Image       string            `json:"imageRef"`
		Flavor      string            `json:"flavorRef"`
		KeyName     string            `json:"key_name"`
		UserData    string            `json:"user_data"`
		Metadata    map[string]string `json:"metadata"`
		Networks    json.RawMessage   `json:"networks"`
		Description string
		ConfigDrive any `json:"config_drive"`
		BlockDevice []struct {
			UUID string `json:"uuid"`
		} `json:"block_device_mapping_v2"`
		SecurityGroups []struct{ Name string } `json:"security_groups"`
	} `json:"server"`
	Hints struct {
		Group string `json:"group"`
	} `json:"os:scheduler_hints"`
}

// nicBody is one network of a new server.
type nicBody struct {
	UUID    string `json:"uuid"`
	Port    string `json:"port"`
	FixedIP string `json:"fixed_ip"`
}

func createServer(r *request) (answer, error) {
	bad := func(format string, args ...any) (answer, error) {
		return answer{}, refuse(http.StatusBadRequest, "", format, args...)
	}
	var in bootBody
	if err := json.Unmarshal(r.body, &in); err != nil || in.Server == nil {
		return bad("Invalid input for field/attribute server. 'server' is a required property")
	}
	b := in.Server
	if b.Name == "" {
		return bad("Invalid input for field/attribute name. Value: . '' is too short")
	}
	if b.Image == "" && len(b.BlockDevice) > 0 {
		b.Image = b.BlockDevice[0].UUID
	}
	if b.Image != imageOf().ID {
		return bad("Can not find requested image")
	}
	if flavorOf(b.Flavor).ID == "" {
		return bad("Flavor %s could not be found.", b.Flavor)
	}
	v := server{
		standard: r.s.newStandard(r.who.ProjectID, r.now), UserID: r.who.UserID, VMState: "building", TaskState: "spawning",
		Image: b.Image, Flavor: b.Flavor, KeyName: b.KeyName, Metadata: b.Metadata, HostGroup: in.Hints.Group,
		ConfigDrive: fmt.Sprint(b.ConfigDrive) == "true",
	}
	v.Name, v.Description = b.Name, b.Description
	v.Host = fmt.Sprintf("compute-%d", len(r.s.servers)+1)
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	if b.KeyName != "" {
		k, found := r.s.keypairs[r.who.UserID+"/"+b.KeyName]
		if !found {
			return bad("Invalid key_name provided.")
		}
		v.PublicKey = k.PublicKey
	}
	data, err := base64.StdEncoding.DecodeString(b.UserData)
	if err != nil {
		return bad("Invalid input for field/attribute user_data. Value: %s. '%s' is not a 'base64'", b.UserData, b.UserData)
	}
	v.UserData = string(data)
	for _, g := range b.SecurityGroups {
		v.Groups = append(v.Groups, g.Name)
	}
	if err := r.plug(&v, b.Networks); err != nil {
		return answer{}, err
	}
	r.s.servers[v.ID] = v
	r.power(v.ID, powerOn)
	v = r.s.servers[v.ID]
	groups := []object{{"name": "default"}}
	if len(v.Groups) > 0 {
		groups = nil
		for _, g := range v.Groups {
			groups = append(groups, object{"name": g})
		}
	}
	return answer{status: http.StatusAccepted, body: object{"server": object{
		"id": v.ID, "links": r.links("/compute/v2.1/servers/" + v.ID), "OS-DCF:diskConfig": "MANUAL",
		"security_groups": groups, "adminPass": "u5eless",
	}}}, nil
}

// plug gives a new server its ports: named ones, or new ones on networks.
func (r *request) plug(v *server, text json.RawMessage) error {
	var nics []nicBody
	var word string
	if json.Unmarshal(text, &word) == nil && word == "none" {
		return nil
	}
	if len(text) > 0 && word == "" {
		if err := json.Unmarshal(text, &nics); err != nil {
			return refuse(http.StatusBadRequest, "", "Invalid input for field/attribute networks. Value: %s.", text)
		}
	}
	if len(nics) == 0 {
		var mine []network
		for _, n := range r.s.networks.all() {
			if n.ProjectID == r.who.ProjectID && !n.External && len(n.Subnets) > 0 {
				mine = append(mine, n)
			}
		}
		if len(mine) > 1 {
			return refuse(http.StatusConflict, "", "Multiple possible networks found, use a Network ID to be more specific.")
		}
		for _, n := range mine {
			nics = append(nics, nicBody{UUID: n.ID})
		}
	}
	for _, nic := range nics {
		p, err := r.plugOne(v, nic)
		if err != nil {
			return err
		}
		v.Ports = append(slices.Clone(v.Ports), p.ID)
	}
	return nil
}

// plugOne binds a port to a server, and makes it if only a network is named.
func (r *request) plugOne(v *server, nic nicBody) (port, error) {
	if nic.Port != "" {
		p, err := r.port(nic.Port)
		if err != nil {
			return p, refuse(http.StatusBadRequest, "", "Port id %s could not be found.", nic.Port)
		}
		if p.DeviceID != "" {
			return p, refuse(http.StatusConflict, "", "Port %s is still in use.", p.ID)
		}
		if len(p.FixedIPs) == 0 {
			return p, refuse(http.StatusBadRequest, "", "Port %s requires a FixedIP in order to be used.", p.ID)
		}
		p.DeviceID, p.DeviceOwner, p.Host = v.ID, "compute:nova", v.Host
		p.bump(r.now)
		r.s.ports[p.ID] = p
		return p, nil
	}
	n, err := r.network(nic.UUID)
	switch {
	case err != nil:
		return port{}, refuse(http.StatusBadRequest, "", "Network %s could not be found.", nic.UUID)
	case n.External && !n.Shared && !r.who.Admin:
		return port{}, refuse(http.StatusForbidden, "", "It is not allowed to create an interface on external network %s", n.ID)
	case len(n.Subnets) == 0:
		return port{}, refuse(http.StatusBadRequest, "", "Network %s requires a subnet in order to boot instances on.", n.ID)
	}
	p := port{
		standard: r.s.newStandard(v.ProjectID, r.now), NetworkID: n.ID, MAC: r.s.newMAC(), AdminUp: true, Status: "DOWN", VNICType: "normal",
		DeviceID: v.ID, DeviceOwner: "compute:nova", Host: v.Host,
		FixedIPs: []fixedIP{}, Pairs: []pair{}, Groups: []string{}, PortSecurity: n.PortSecurity, Profile: object{}, DHCPOptions: []any{},
	}
	if p.PortSecurity {
		if p.Groups, err = r.groupsNamed(v.Groups); err != nil {
			return p, err
		}
	}
	if err := r.within("port", count(r.s.ports, p.ProjectID), 1); err != nil {
		return p, refuse(http.StatusForbidden, "", "Maximum number of ports exceeded")
	}
	var wanted []fixedIPWanted
	if nic.FixedIP != "" {
		wanted = []fixedIPWanted{{Address: nic.FixedIP}}
	}
	if p.FixedIPs, err = r.s.allocate(p, wanted, wanted != nil); err != nil {
		no := &refusal{}
		errors.As(err, &no)
		return p, refuse(http.StatusBadRequest, "", "%s", no.Message)
	}
	r.s.ports[p.ID] = p
	v.Made = append(slices.Clone(v.Made), p.ID)
	return p, nil
}

// groupsNamed are security groups by name or ID; without any the default one.
func (r *request) groupsNamed(refs []string) ([]string, error) {
	if len(refs) == 0 {
		return []string{r.s.defaultGroup(r.who.ProjectID, r.now)}, nil
	}
	out := []string{}
	for _, ref := range refs {
		var found []string
		for _, g := range r.s.groups.all() {
			if g.ProjectID == r.who.ProjectID && (g.ID == ref || g.Name == ref) {
				found = append(found, g.ID)
			}
		}
		if ref == "default" && len(found) == 0 {
			found = []string{r.s.defaultGroup(r.who.ProjectID, r.now)}
		}
		switch len(found) {
		case 1:
			out = append(out, found[0])
		case 0:
			return nil, refuse(http.StatusBadRequest, "", "Security group %s not found.", ref)
		default:
			return nil, refuse(http.StatusConflict, "", "Multiple security groups found matching '%s'. Use an ID to be more specific.", ref)
		}
	}
	return out, nil
}

func updateServer(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	a, err := r.attributes("server")
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "", "Invalid input for field/attribute server.")
	}
	a.text("name", &v.Name)
	a.text("description", &v.Description)
	v.UpdatedAt = stamp(r.now)
	r.s.servers[v.ID] = v
	return ok(object{"server": r.serverBody(v)})
}

func deleteServer(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if v.Locked && !r.who.Admin {
		return answer{}, refuse(http.StatusConflict, "", "Instance %s is locked", v.ID)
	}
	if v.TaskState != "deleting" {
		r.power(v.ID, powerDelete)
	}
	return done(http.StatusNoContent)
}
