package openstacktest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// server is Nova's.
type server struct {
	standard
	Name        string
	UserID      string
	VMState     string // active, stopped, paused, building, error
	TaskState   string
	Locked      bool
	Host        string
	Image       string
	Flavor      string
	KeyName     string
	PublicKey   string
	UserData    string
	Metadata    map[string]string
	Ports       []string // in the order of the NICs
	Made        []string // of these, those that Nova made and deletes
	Console     string   // what a test has set
	Fault       string
	Groups      []string // names, as they were asked for
	HostGroup   string
	ConfigDrive bool
}

// status is what a server is called by its state.
func (v server) status() string {
	switch v.TaskState {
	case "rebooting":
		return "REBOOT"
	case "rebooting_hard":
		return "HARD_REBOOT"
	}
	return map[string]string{
		"building": "BUILD", "active": "ACTIVE", "stopped": "SHUTOFF", "paused": "PAUSED", "error": "ERROR",
		"shelved_offloaded": "SHELVED_OFFLOADED", "rescued": "RESCUE", "suspended": "SUSPENDED",
	}[v.VMState]
}

// powered tells whether its wires are up.
func (v server) powered() bool { return v.VMState == "active" || v.VMState == "paused" }

func (r *request) server(id string) (server, error) {
	v, found := r.s.servers[id]
	if !found || !r.who.owns(v.ProjectID) {
		return v, notFound("", "Instance %s could not be found.", id)
	}
	return v, nil
}

func getServer(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"server": r.serverBody(v)})
}

// listServers is both lists; the short one has names and IDs.
func listServers(r *request) (answer, error) {
	q := r.URL.Query()
	name, err := regexp.Compile("(?i)" + q.Get("name"))
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "", "Invalid regular expression in name: %s", q.Get("name"))
	}
	short := strings.HasSuffix(r.URL.Path, "/servers")
	all := r.s.servers.all()
	slices.SortStableFunc(all, func(a, b server) int { return strings.Compare(b.CreatedAt+b.Name, a.CreatedAt+a.Name) })
	out := []object{}
	for _, v := range all {
		everyone := r.who.Admin && q.Get("all_tenants") != "" && q.Get("all_tenants") != "0"
		if !everyone && v.ProjectID != r.who.ProjectID || !name.MatchString(v.Name) || !r.wantedServer(v) {
			continue
		}
		if short {
			out = append(out, object{"id": v.ID, "name": v.Name, "links": r.links("/compute/v2.1/servers/" + v.ID)})
		} else {
			out = append(out, r.serverBody(v))
		}
	}
	if m := q.Get("marker"); m != "" && !slices.ContainsFunc(out, func(o object) bool { return o["id"] == m }) {
		return answer{}, refuse(http.StatusBadRequest, "", "marker [%s] not found", m)
	}
	most := 1000
	if r.cloud.rules.pageSize > 0 {
		most = r.cloud.rules.pageSize
	}
	page, links, err := r.page("servers", out, q, most)
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "", "Invalid input for query parameters limit. Value: %s.", q.Get("limit"))
	}
	body := object{"servers": page}
	if len(links) > 0 {
		body["servers_links"] = links
	}
	return ok(body)
}

// wantedServer is the other filters of a list.
func (r *request) wantedServer(v server) bool {
	for key, values := range r.URL.Query() {
		text := values[len(values)-1]
		switch key {
		case "status":
			if !slices.ContainsFunc(values, func(s string) bool { return strings.EqualFold(s, v.status()) }) {
				return false
			}
		case "uuid":
			if !slices.Contains(values, v.ID) {
				return false
			}
		case "ip":
			pattern, err := regexp.Compile(text)
			if err != nil || !slices.ContainsFunc(v.Ports, func(id string) bool {
				return slices.ContainsFunc(r.s.ports[id].FixedIPs, func(f fixedIP) bool { return pattern.MatchString(f.Address.String()) })
			}) {
				return false
			}
		case "image":
			if text != v.Image {
				return false
			}
		case "flavor":
			if text != v.Flavor {
				return false
			}
		}
	}
	return true
}

func (r *request) links(path string) []object {
	return []object{{"rel": "self", "href": r.cloud.base(r.Request) + path}, {"rel": "bookmark", "href": r.cloud.base(r.Request) + path}}
}

// serverBody is a server as the request's microversion shows it.
func (r *request) serverBody(v server) object {
	version := r.version()
	m := object{
		"id": v.ID, "name": v.Name, "status": v.status(), "tenant_id": v.ProjectID, "user_id": v.UserID,
		"metadata": v.Metadata, "hostId": hostID(v), "created": v.CreatedAt, "updated": v.UpdatedAt,
		"addresses": r.s.addresses(v), "accessIPv4": "", "accessIPv6": "", "links": r.links("/compute/v2.1/servers/" + v.ID),
		"image": object{"id": v.Image, "links": r.links("/compute/images/" + v.Image)}, "key_name": nullable(v.KeyName),
		"config_drive": map[bool]string{true: "True"}[v.ConfigDrive], "OS-DCF:diskConfig": "MANUAL",
		"OS-EXT-AZ:availability_zone": "nova", "OS-EXT-STS:task_state": nullable(v.TaskState), "OS-EXT-STS:vm_state": v.VMState,
		"OS-EXT-STS:power_state": map[string]int{"active": 1, "paused": 3, "stopped": 4}[v.VMState],
		"OS-SRV-USG:launched_at": strings.TrimSuffix(v.CreatedAt, "Z") + ".000000", "OS-SRV-USG:terminated_at": nil, "os-extended-volumes:volumes_attached": []object{},
	}
	if version >= 47 {
		f := flavorOf(v.Flavor)
		m["flavor"] = object{"original_name": f.Name, "vcpus": f.VCPUs, "ram": f.RAM, "disk": f.Disk, "swap": 0, "ephemeral": 0, "extra_specs": object{}}
	} else {
		m["flavor"] = object{"id": v.Flavor, "links": r.links("/compute/flavors/" + v.Flavor)}
	}
	if groups := r.s.groupNames(v); len(groups) > 0 {
		m["security_groups"] = groups
	}
	if v.Fault != "" {
		m["fault"] = object{"code": 500, "message": v.Fault, "created": v.UpdatedAt}
	}
	if v.status() == "ACTIVE" || v.status() == "BUILD" {
		m["progress"] = 0
	}
	for since, field := range map[int]object{
		9: {"locked": v.Locked}, 19: {"description": nullable(v.Description)}, 26: {"tags": []string{}}, 71: {"server_groups": ids(v.HostGroup)},
		63: {"trusted_image_certificates": nil}, 73: {"locked_reason": nil},
	} {
		for k, value := range field {
			if version >= since {
				m[k] = value
			}
		}
	}
	if r.who.Admin {
		m["OS-EXT-SRV-ATTR:host"], m["OS-EXT-SRV-ATTR:hypervisor_hostname"] = v.Host, v.Host
		m["OS-EXT-SRV-ATTR:instance_name"] = "instance-" + v.ID[:8]
	}
	return m
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func ids(id string) []string {
	if id == "" {
		return []string{}
	}
	return []string{id}
}

// hostID is the same for two servers of a project on one hypervisor, and does
// not tell which.
func hostID(v server) string {
	if v.Host == "" {
		return ""
	}
	h := sha256.Sum224([]byte(v.ProjectID + v.Host))
	return fmt.Sprintf("%x", h)
}

// addresses are a server's by network, floating ones after the fixed one that
// they are translated to.
func (s *state) addresses(v server) object {
	out := object{}
	add := func(p port, ip fmt.Stringer, version int, kind string) {
		name := s.networks[p.NetworkID].Name
		list, _ := out[name].([]object)
		out[name] = append(list, object{
			"addr": ip.String(), "version": version, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": p.MAC,
		})
	}
	for _, id := range v.Ports {
		p := s.ports[id]
		for _, f := range p.FixedIPs {
			add(p, f.Address, map[bool]int{true: 4, false: 6}[f.Address.Is4()], "fixed")
			for _, fl := range s.floatingIPs.all() {
				if deref(fl.PortID) == id && deref(fl.Fixed) == f.Address {
					add(p, fl.Address, 4, "floating")
				}
			}
		}
	}
	return out
}

func (s *state) groupNames(v server) []object {
	var names []string
	for _, id := range v.Ports {
		for _, g := range s.ports[id].Groups {
			names = append(names, s.groups[g].Name)
		}
	}
	slices.Sort(names)
	var out []object
	for _, n := range slices.Compact(names) {
		out = append(out, object{"name": n})
	}
	return out
}

func listServerGroups(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	out := []object{}
	for _, id := range v.Ports {
		for _, gid := range r.s.ports[id].Groups {
			g := r.s.groups[gid]
			if !slices.ContainsFunc(out, func(o object) bool { return o["id"] == gid }) {
				out = append(out, object{"id": gid, "name": g.Name, "description": g.Description, "tenant_id": g.ProjectID, "rules": []object{}})
			}
		}
	}
	return ok(object{"security_groups": out})
}
