package openstacktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
)

// Caller makes requests from within the process: without token, hooks and
// log, and with the same rules. A refusal of what a test sets up is a mistake
// of the test: the short methods panic.
type Caller struct {
	cloud *Cloud
	who   caller
}

// Demo is the member of the project demo.
func (c *Cloud) Demo() Caller { return c.caller(demoUser, demoUser, false) }

// Admin is the administrator.
func (c *Cloud) Admin() Caller { return c.caller(adminUser, adminUser, true) }

func (c *Cloud) caller(user, project string, admin bool) Caller {
	u, _ := c.identity.user(user)
	p, _ := c.identity.project(project)
	return Caller{c, caller{u.ID, p.ID, admin}}
}

// Reply is what a caller was answered.
type Reply struct {
	Status int
	Body   []byte
}

// Do makes a request; body is marshalled, nil is none.
func (k Caller) Do(method, path string, body any) Reply {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			panic(fmt.Sprintf("openstacktest: %s %s: %v", method, path, err))
		}
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(text))
	r.Host = ""
	r.Header.Set("X-OpenStack-Nova-API-Version", "2.9")
	w := httptest.NewRecorder()
	k.cloud.routes.ServeHTTP(w, r.WithContext(as(r.Context(), k.who)))
	return Reply{w.Code, w.Body.Bytes()}
}

func (k Caller) must(method, path string, body any) Reply {
	a := k.Do(method, path, body)
	if a.Status >= http.StatusMultipleChoices {
		panic(fmt.Sprintf("openstacktest: %s %s: %d %s", method, path, a.Status, a.Body))
	}
	return a
}

// Get reads.
func (k Caller) Get(path string) Reply { return k.must("GET", path, nil) }

// Post creates or acts.
func (k Caller) Post(path string, body any) Reply { return k.must("POST", path, body) }

// Put changes.
func (k Caller) Put(path string, body any) Reply { return k.must("PUT", path, body) }

// Delete removes.
func (k Caller) Delete(path string) Reply { return k.must("DELETE", path, nil) }

// Into decodes the object or list that the answer wraps.
func (a Reply) Into(v any) {
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(a.Body, &outer); err != nil {
		panic(fmt.Sprintf("openstacktest: an answer that is no JSON: %s", a.Body))
	}
	for key, text := range outer {
		if !strings.HasSuffix(key, "_links") {
			if err := json.Unmarshal(text, v); err != nil {
				panic(fmt.Sprintf("openstacktest: read %s: %v", text, err))
			}
		}
	}
}

// ID is that of the object in the answer.
func (a Reply) ID() string {
	var o struct{ ID string }
	a.Into(&o)
	return o.ID
}

// Seed is what a project has before havip comes.
type Seed struct {
	Servers int // bastion-1, bastion-2, ...; 0: two
	// NoRouter leaves the network without a way out.
	NoRouter bool
	// FloatingIPs are how many are allocated and not attached; -1: none, 0: one.
	FloatingIPs int
	// ServerFloatingIPs gives each server one of its own.
	ServerFloatingIPs bool
}

// Site is what Seed made: IDs, and addresses where it says so.
type Site struct {
	External, Network, Subnet, Router string
	Servers                           []SeededServer
	FloatingIPs                       []netip.Addr
	FloatingIPIDs                     []string
}

// SeededServer is a server with one port.
type SeededServer struct {
	ID, Name, Port string
	Address        netip.Addr
	FloatingIP     netip.Addr // not valid: none
}

// Seed makes in the project demo a network internal (10.0.0.0/24) with a router
// main to the external network public, servers with the key pair demo and a
// floating IP.
func (c *Cloud) Seed(s Seed) Site {
	demo := c.Demo()
	const v2 = "/network/v2.0"
	site := Site{External: c.ID("networks", "public")}
	site.Network = demo.Post(v2+"/networks", object{"network": object{"name": "internal"}}).ID()
	site.Subnet = demo.Post(v2+"/subnets", object{"subnet": object{
		"name": "internal-v4", "network_id": site.Network, "ip_version": 4, "cidr": "10.0.0.0/24",
		"allocation_pools": []object{{"start": "10.0.0.10", "end": "10.0.0.199"}},
	}}).ID()
	site.Router = demo.Post(v2+"/routers", object{"router": object{"name": "main", "external_gateway_info": object{"network_id": site.External}}}).ID()
	if !s.NoRouter {
		demo.Put(v2+"/routers/"+site.Router+"/add_router_interface", object{"subnet_id": site.Subnet})
	}
	if c.config.PublicKey != "" {
		demo.Post("/compute/v2.1/os-keypairs", object{"keypair": object{"name": "demo", "public_key": c.config.PublicKey}})
	}
	n := s.Servers
	if n == 0 {
		n = 2
	}
	for i := range n {
		v := c.AddServer(fmt.Sprintf("bastion-%d", i+1), site.Network)
		if s.ServerFloatingIPs {
			_, v.FloatingIP = c.AddFloatingIP(v.Port)
		}
		site.Servers = append(site.Servers, v)
	}
	free := s.FloatingIPs
	if free == 0 {
		free = 1
	}
	for range free {
		id, address := c.AddFloatingIP("")
		site.FloatingIPs, site.FloatingIPIDs = append(site.FloatingIPs, address), append(site.FloatingIPIDs, id)
	}
	return site
}

// AddServer makes a server of demo on a network.
func (c *Cloud) AddServer(name, networkID string) SeededServer {
	demo := c.Demo()
	boot := object{"name": name, "imageRef": imageOf().ID, "flavorRef": "1", "networks": []object{{"uuid": networkID}}}
	if c.config.PublicKey != "" {
		boot["key_name"] = "demo"
	}
	v := SeededServer{Name: name, ID: demo.Post("/compute/v2.1/servers", object{"server": boot}).ID()}
	c.mu.Lock()
	defer c.mu.Unlock()
	v.Port = c.state.servers[v.ID].Ports[0]
	v.Address = c.state.ports[v.Port].FixedIPs[0].Address
	return v
}

// AddFloatingIP allocates a floating IP for demo, on a port if one is named.
func (c *Cloud) AddFloatingIP(portID string) (id string, address netip.Addr) {
	want := object{"floating_network_id": c.ID("networks", "public")}
	if portID != "" {
		want["port_id"] = portID
	}
	var f struct {
		ID      string
		Address netip.Addr `json:"floating_ip_address"`
	}
	c.Demo().Post("/network/v2.0/floatingips", object{"floatingip": want}).Into(&f)
	return f.ID, f.Address
}

// AddPort makes an unbound port of demo's with an address, and gives its ID.
func (c *Cloud) AddPort(networkID, address string) string {
	return c.Demo().Post("/network/v2.0/ports", object{"port": object{
		"network_id": networkID, "fixed_ips": []object{{"ip_address": address}},
	}}).ID()
}

// ID finds the only object of a name in a collection of Neutron's, or in
// "servers": first among demo's.
func (c *Cloud) ID(collection, name string) string {
	path := "/network/v2.0/" + collection
	if collection == "servers" {
		path = "/compute/v2.1/servers?all_tenants=1"
	}
	var found []string
	for _, k := range []Caller{c.Demo(), c.Admin()} {
		var all []struct{ ID, Name string }
		k.Get(path).Into(&all)
		for _, o := range all {
			if o.Name == name {
				found = append(found, o.ID)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) != 1 {
		panic(fmt.Sprintf("openstacktest: %d of %s have the name %q", len(found), collection, name))
	}
	return found[0]
}

// PortOf is the first port of a server, by the server's name.
func (c *Cloud) PortOf(name string) string {
	id := c.ID("servers", name)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.servers[id].Ports[0]
}

// ImageID is the image debian.
func (c *Cloud) ImageID() string { return imageOf().ID }

// FlavorID is the flavor m1.tiny.
func (c *Cloud) FlavorID() string { return flavors()[0].ID }
