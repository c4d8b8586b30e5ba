package openstacktest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is asked, the answer is one of the service's, never a crash.
func TestNoInputCrashesTheCloud(t *testing.T) {
	c := New(Config{})
	t.Cleanup(c.Close)
	site := c.Seed(Seed{})
	group := c.ID("security-groups", "default")
	for _, resource := range []string{"network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule"} {
		c.SetQuota(resource, 20) // a cloud that grows gets slow
	}
	kinds := map[string]string{
		"networks": "network", "subnets": "subnet", "ports": "port", "security-groups": "security_group",
		"security-group-rules": "security_group_rule", "routers": "router", "floatingips": "floatingip",
	}
	objects := map[string]string{
		"networks": site.Network, "subnets": site.Subnet, "ports": site.Servers[0].Port, "security-groups": group,
		"security-group-rules": "x", "routers": site.Router, "floatingips": site.FloatingIPIDs[0],
	}
	values := []string{
		`null`, `1`, `-1`, `1.5`, `""`, `"x"`, `true`, `[]`, `[null]`, `[1]`, `[{}]`, `[{"ip_address": 5}]`, `[{"ip_address": null, "subnet_id": null}]`,
		`{}`, `{"network_id": null}`, `{"network_id": 1}`, `"255.255.255.255"`, `"0.0.0.0/0"`, `"::/0"`, `"10.0.0.1/33"`, `"fe80::1%eth0"`, `"::ffff:10.0.0.5"`,
		`[{"start": "10.0.0.9", "end": "10.0.0.1"}]`, `[{"start": "", "end": ""}]`, `"` + strings.Repeat("a", 300) + `"`,
	}
	keys := []string{
		"name", "network_id", "fixed_ips", "allowed_address_pairs", "security_groups", "port_security_enabled", "mac_address", "ip_version", "cidr",
		"gateway_ip", "allocation_pools", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id", "security_group_id", "direction",
		"ethertype", "external_gateway_info", "routes", "floating_network_id", "port_id", "fixed_ip_address", "subnet_id", "project_id", "tags", "device_id",
	}
	for collection, kind := range kinds {
		for _, key := range keys {
			for _, value := range values {
				one := fmt.Sprintf(`{%q: %s, "network_id": %q, "security_group_id": %q, "direction": "ingress", "floating_network_id": %q}`,
					key, value, site.Network, group, site.External)
				c.garbage(t, "POST", "/network/v2.0/"+collection, fmt.Sprintf(`{%q: %s}`, kind, one))
				c.garbage(t, "PUT", "/network/v2.0/"+collection+"/"+objects[collection], fmt.Sprintf(`{%q: {%q: %s}}`, kind, key, value))
			}
		}
		for _, body := range []string{"", "null", "[]", "{", `"x"`, `{"` + kind + `": null}`, `{"` + kind + `": []}`, `{"` + kind + `s": [null]}`} {
			c.garbage(t, "POST", "/network/v2.0/"+collection, body)
		}
		for _, query := range []string{"limit=x", "limit=-1", "marker=x", "sort_key=x&sort_dir=y", "fields=x", "tags=,", "fixed_ips=x", "name=%zz", "colour=red", "limit=1&page_reverse=true"} {
			c.garbage(t, "GET", "/network/v2.0/"+collection+"?"+query, "")
		}
	}
	server := "/compute/v2.1/servers"
	for _, body := range append([]string{"", "null", "[]", "{", `{"server": null}`}, wrapped(values)...) {
		c.garbage(t, "POST", server, body)
		for _, path := range []string{server + "/" + site.Servers[0].ID + "/action", server + "/" + site.Servers[0].ID + "/os-interface", "/compute/v2.1/os-keypairs", "/compute/v2.1/os-server-groups"} {
			c.garbage(t, "POST", path, body)
		}
		c.garbage(t, "PUT", server+"/"+site.Servers[0].ID, body)
		c.garbage(t, "POST", "/identity/v3/auth/tokens", body)
		c.garbage(t, "PUT", "/network/v2.0/quotas/x", body)
		c.garbage(t, "PUT", "/network/v2.0/ports/"+site.Servers[0].Port+"/tags", body)
		c.garbage(t, "PUT", "/network/v2.0/routers/"+site.Router+"/add_router_interface", body)
		c.garbage(t, "PUT", "/network/v2.0/routers/"+site.Router+"/remove_router_interface", body)
	}
	for _, query := range []string{"name=(", "ip=(", "limit=x", "marker=x", "status=x", "limit=0", "name=%zz"} {
		c.garbage(t, "GET", server+"/detail?"+query, "")
	}
}

// wrapped are values in bodies of Nova's.
func wrapped(values []string) []string {
	var out []string
	for _, v := range values {
		for _, form := range []string{
			`{"server": {"name": "x", "imageRef": %s, "flavorRef": "1"}}`, `{"server": {"name": "x", "imageRef": "` + imageOf().ID + `", "flavorRef": "1", "networks": %s}}`,
			`{"reboot": %s}`, `{"os-getConsoleOutput": %s}`, `{"interfaceAttachment": %s}`, `{"keypair": %s}`, `{"tags": %s}`, `{"quota": %s}`, `{"subnet_id": %s}`, `{"auth": {"identity": {"methods": %s}}}`,
			`{"auth": {"identity": {"methods": ["password"], "password": %s}}}`,
		} {
			out = append(out, fmt.Sprintf(form, v))
		}
	}
	return out
}

func (c *Cloud) garbage(t *testing.T, method, path, body string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://cloud"+path, strings.NewReader(body))
	if err != nil {
		return // not even a URL
	}
	r.Header.Set("If-Match", "revision_number=x")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r.WithContext(as(r.Context(), c.Demo().who)))
	if w.Code == 0 || w.Code >= 500 {
		t.Errorf("%s %s %s: %d %s", method, path, body, w.Code, w.Body)
	}
}
