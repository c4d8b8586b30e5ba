package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/provision/remote/sshtest"
)

// world is a workstation with a group file that would be carried out, and the
// cloud and the servers that it is about. Tests bend it.
type world struct {
	t     *testing.T
	home  string
	env   map[string]string
	cloud *openstacktest.Cloud
	site  openstacktest.Site
	hosts map[string]*host  // the servers as SSH reaches them, by name
	names map[string]string // what stands in messages -> its {NAME}
}

const soundFile = `version: 1
name: bastion
servers: [bastion-1, bastion-2]
vips:
  - {network: internal, address: 10.0.0.136, floating_ip: 203.0.113.11}
`

type object = map[string]any

const neutron = "/network/v2.0/"

func newWorld(t *testing.T, tls bool) *world {
	t.Helper()
	w := &world{t: t, home: t.TempDir(), hosts: map[string]*host{}, names: map[string]string{}}
	w.cloud = openstacktest.Start(t, openstacktest.Config{TLS: tls})
	w.site = w.cloud.Seed(openstacktest.Seed{})
	w.names[w.home] = "{home}"
	w.names[strings.TrimPrefix(strings.TrimPrefix(w.cloud.URL(), "http://"), "https://")] = "{api}"
	w.names[w.site.Network] = "{internal}"
	w.names[w.site.Subnet] = "{internal-v4}"
	w.names[w.site.External] = "{public}"
	w.names[w.site.Router] = "{main}"
	w.env = map[string]string{
		"HOME": w.home, "PATH": os.Getenv("PATH"), "TERM": "dumb", "TZ": "UTC",
		"GODEBUG":               "netdns=go", // a name that cannot be one is not asked for
		"OS_CLIENT_CONFIG_FILE": w.path("clouds.yaml"), "OS_CLOUD": "demo",
		"HAVIP_AGENT_BINARY": w.path("agent/havip-agent"),
		"HAVIP_SSH_CONFIG":   w.path("ssh_config"),
	}
	w.write("clouds.yaml", w.cloud.CloudsYAML())
	w.write("bastion.yaml", soundFile)
	w.bringAgent()
	w.bringServers()
	w.cloud.Forget()
	return w
}

// bringAgent puts an agent 0.3.0 for amd64 on the workstation.
func (w *world) bringAgent() {
	w.t.Helper()
	w.mkdir("agent")
	binary := executable(w.t)
	sum := sha256.Sum256(binary)
	if err := os.WriteFile(w.path("agent/havip-agent"), binary, 0o755); err != nil {
		w.t.Fatal(err)
	}
	w.write("agent/manifest.json", fmt.Sprintf(`{"version": "0.3.0", "sha256": {"amd64": %q}}`, hex.EncodeToString(sum[:])))
}

// bringServers starts the servers' SSH, with a key and host keys that are in
// order.
func (w *world) bringServers() {
	w.t.Helper()
	key, file := sshtest.NewKeyFile(w.t, "")
	w.write("id", string(file))
	w.names[ssh.FingerprintSHA256(key.PublicKey())] = "{our key}"
	config := fmt.Sprintf("Host *\n User debian\n IdentityFile %s\n IdentitiesOnly yes\n IdentityAgent none\n UserKnownHostsFile %s\n GlobalKnownHostsFile none\n",
		w.path("id"), w.path("known_hosts"))
	known := ""
	for _, s := range w.site.Servers {
		h := startHost(w.t, key.PublicKey())
		w.hosts[s.Name] = h
		config = fmt.Sprintf("Host %s\n HostName 127.0.0.1\n Port %d\n", s.Name, h.Addr.Port) + config
		known += w.knownHost(s.Name)
		w.names[s.ID] = "{" + s.Name + "}"
		w.names[s.Port] = "{port of " + s.Name + "}"
		w.names[w.mac(s.Port)] = "{MAC of " + s.Name + "}"
		w.names[h.Addr.String()] = "{SSH of " + s.Name + "}"
		w.names[fmt.Sprintf("[127.0.0.1]:%d", h.Addr.Port)] = "{SSH of " + s.Name + "}"
		w.names[ssh.FingerprintSHA256(h.key.PublicKey())] = "{host key of " + s.Name + "}"
		for _, fact := range [][]string{
			{"havip", "1"},
			{"uid", "0"},
			{"arch", "x86_64"},
			{"init", "systemd"},
			{"nic", "ens3", w.mac(s.Port)},
			{"addr", "ens3", s.Address.String() + "/24"},
			{"unit", ""},
		} {
			h.says(fact...)
		}
	}
	w.write("ssh_config", config)
	w.write("known_hosts", known)
}

func (w *world) path(name string) string { return filepath.Join(w.home, name) }

func (w *world) write(name, text string) { write(w.t, w.path(name), text) }

func (w *world) mkdir(name string) {
	w.t.Helper()
	if err := os.Mkdir(w.path(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) executable(name string) {
	w.t.Helper()
	if err := os.Chmod(w.path(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// edit changes a file, which must have what is to be changed.
func (w *world) edit(name, from, to string) {
	w.t.Helper()
	text, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		w.t.Fatalf("%s has no %q:\n%s", name, from, text)
	}
	w.write(name, strings.ReplaceAll(string(text), from, to))
}

func (w *world) remove(name string) {
	w.t.Helper()
	if err := os.Remove(w.path(name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) unset(names ...string) {
	for _, n := range names {
		delete(w.env, n)
	}
}

// havip runs the real binary there.
func (w *world) havip(args ...string) (stdout, stderr string, code int) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "havip", args...)
	cmd.Dir = w.home
	for k, v := range w.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	runErr := cmd.Run()
	var exit *exec.ExitError
	if runErr != nil && !errors.As(runErr, &exit) {
		w.t.Fatal(runErr)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// named puts {NAME} where a message has what differs from run to run.
func (w *world) named(text string) string {
	var pairs []string
	for value, name := range w.names {
		pairs = append(pairs, value, name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (w *world) knownHost(name string) string {
	h := w.hosts[name]
	return h.knownHost(h.key.PublicKey())
}

// Of the cloud.

func (w *world) authURL() string { return w.cloud.URL() + "/identity/v3" }

func (w *world) server(name string) openstacktest.SeededServer {
	w.t.Helper()
	i := slices.IndexFunc(w.site.Servers, func(s openstacktest.SeededServer) bool { return s.Name == name })
	if i < 0 {
		w.t.Fatalf("there is no server %q", name)
	}
	return w.site.Servers[i]
}

func (w *world) mac(portID string) string {
	var p struct {
		MAC string `json:"mac_address"`
	}
	w.cloud.Demo().Get(neutron + "ports/" + portID).Into(&p)
	return p.MAC
}

// addServer makes a server that is no member's.
func (w *world) addServer(name string) {
	s := w.cloud.AddServer(name, w.site.Network)
	w.names[s.ID] = "{new " + name + "}"
}

// act does with a server what only the administrator may.
func (w *world) act(server string, action object) {
	w.cloud.Admin().Post("/compute/v2.1/servers/"+w.server(server).ID+"/action", action)
}

// addNetwork makes a network, with a subnet if it has addresses.
func (w *world) addNetwork(name, cidr string) string {
	demo := w.cloud.Demo()
	id := demo.Post(neutron+"networks", object{"network": object{"name": name}}).ID()
	w.names[id] = "{new " + name + "}"
	if cidr != "" {
		subnet := demo.Post(neutron+"subnets", object{"subnet": object{"name": name + "-v4", "network_id": id, "ip_version": 4, "cidr": cidr}}).ID()
		w.names[subnet] = "{new " + name + "-v4}"
	}
	return id
}

// addExternal makes an external network that no router has its gateway in.
func (w *world) addExternal(name, cidr string) {
	admin := w.cloud.Admin()
	id := admin.Post(neutron+"networks", object{"network": object{"name": name, "router:external": true}}).ID()
	admin.Post(neutron+"subnets", object{"subnet": object{"network_id": id, "ip_version": 4, "cidr": cidr}})
	w.names[id] = "{new " + name + "}"
}

// addPort makes a port in the network internal.
func (w *world) addPort(name, address string) string {
	id := w.cloud.Demo().Post(neutron+"ports", object{"port": object{
		"name": name, "network_id": w.site.Network,
		"fixed_ips": []object{{"subnet_id": w.site.Subnet, "ip_address": address}},
	}}).ID()
	w.names[id] = "{new " + name + "}"
	w.names[w.mac(id)] = "{MAC of " + name + "}"
	return id
}

// setPort changes a server's port.
func (w *world) setPort(server string, change object) {
	w.cloud.Admin().Put(neutron+"ports/"+w.server(server).Port, object{"port": change})
}

func (w *world) attach(server, portID string) {
	w.cloud.Demo().Post("/compute/v2.1/servers/"+w.server(server).ID+"/os-interface", object{"interfaceAttachment": object{"port_id": portID}})
}

// joins gives a server a NIC on another network, and brings it up.
func (w *world) joins(server, nic, networkID, address string) {
	id := w.cloud.Demo().Post(neutron+"ports", object{"port": object{
		"network_id": networkID, "fixed_ips": []object{{"ip_address": address}},
	}}).ID()
	w.attach(server, id)
	w.hosts[server].adds("nic", nic, w.mac(id))
	w.hosts[server].adds("addr", nic, address+"/24")
}

func (w *world) detach(server string) {
	s := w.server(server)
	w.cloud.Demo().Delete("/compute/v2.1/servers/" + s.ID + "/os-interface/" + s.Port)
}

// quotaUsedUp sets a limit to what is used.
func (w *world) quotaUsedUp(resource string) {
	demo := w.cloud.Demo()
	var limits map[string]struct{ Used int }
	var p struct {
		ProjectID string `json:"project_id"`
	}
	demo.Get(neutron + "networks/" + w.site.Network).Into(&p)
	demo.Get(neutron + "quotas/" + p.ProjectID + "/details.json").Into(&limits)
	w.cloud.Admin().Put(neutron+"quotas/"+p.ProjectID, object{"quota": object{resource: limits[resource].Used}})
}

// lacks makes Neutron one without an extension.
func (w *world) lacks(extension string) {
	var all []object
	w.cloud.Demo().Get(neutron + "extensions").Into(&all)
	all = slices.DeleteFunc(all, func(e object) bool { return e["alias"] == extension })
	body, err := json.Marshal(object{"extensions": all})
	if err != nil {
		w.t.Fatal(err)
	}
	w.cloud.Inject(openstacktest.Fault{Path: neutron + "extensions", Status: 200, Body: string(body)})
}

// fails makes requests fail with a status.
func (w *world) fails(path string, status int, body string) {
	w.cloud.Inject(openstacktest.Fault{Path: path, Status: status, Body: body})
}
