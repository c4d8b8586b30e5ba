package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// cloud is as much of an OpenStack as one group without members needs: its VIP
// port, with a floating IP, was left over. It keeps no rules.
type cloud struct {
	*httptest.Server
	mu     sync.Mutex
	writes []string // methods and paths that were not GET, without the login
}

// newCloud starts one and makes the OS_* variables name it.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/auth/tokens", c.login)
	for path, body := range map[string]string{
		"/v2.0/ports":           `{"ports": [` + vipPort + `]}`,
		"/v2.0/floatingips":     `{"floatingips": [` + floatingIP + `]}`,
		"/v2.0/floatingips/":    `{"floatingip": ` + floatingIP + `}`,
		"/v2.0/security-groups": `{"security_groups": []}`,
		"/v2.0/networks":        `{"networks": []}`,
		"/v2.0/subnets":         `{"subnets": []}`,
		"/v2.0/routers":         `{"routers": []}`,
		"/v2.0/extensions":      `{"extensions": [{"alias": "security-group"}]}`,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if tag := q.Get("tags"); strings.Contains(tag, "member=") || strings.Contains(tag+q.Get("name"), "other") {
				fmt.Fprint(w, `{"ports": []}`)
				return
			}
			fmt.Fprint(w, body)
		})
	}
	mux.HandleFunc("GET /v2.0/quotas/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"NeutronError": {"type": "PolicyNotAuthorized", "message": "no", "detail": ""}}`, http.StatusForbidden)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.writes = append(c.writes, r.Method+" "+r.URL.Path)
		if r.Method == http.MethodPut {
			fmt.Fprintf(w, `{"floatingip": %s}`, floatingIP)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	for name, value := range map[string]string{
		"OS_AUTH_URL": c.URL + "/v3", "OS_USERNAME": "ann", "OS_PASSWORD": "secret", "OS_PROJECT_NAME": "ops",
		"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "RegionOne",
	} {
		t.Setenv(name, value)
	}
	return c
}

const (
	vipPort = `{"id": "c0de", "name": "havip-bastion-v4", "network_id": "aaaa", "project_id": "0f00",
		"fixed_ips": [{"subnet_id": "bbbb", "ip_address": "10.0.0.136"}],
		"tags": ["havip", "havip:group=bastion", "havip:vrid=51"], "revision_number": 1}`
	floatingIP = `{"id": "f10a", "floating_ip_address": "203.0.113.10", "fixed_ip_address": "10.0.0.136",
		"port_id": "c0de", "floating_network_id": "eeee", "tags": ["havip", "havip:group=bastion"]}`
)

// login is Keystone.
func (c *cloud) login(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.Contains(string(body), `"password":"secret"`) {
		http.Error(w, `{"error": {"code": 401, "message": "The request you have made requires authentication."}}`, http.StatusUnauthorized)
		return
	}
	endpoint := func(service string) map[string]any {
		return map[string]any{"type": service, "endpoints": []map[string]string{
			{"interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": c.URL},
		}}
	}
	w.Header().Set("X-Subject-Token", "token")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{
		"expires_at": "2999-01-01T00:00:00.000000Z",
		"user":       map[string]string{"id": "0a00", "name": "ann"},
		"project":    map[string]string{"id": "0f00", "name": "ops"},
		"catalog":    []any{endpoint("network"), endpoint("compute")},
	}})
}

// written are the requests that changed something.
func (c *cloud) written() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}
