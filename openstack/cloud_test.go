package openstack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/havip/havip/openstack"
)

// call is one request that reached the cloud.
type call struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

func (c call) String() string {
	s := c.Method + " " + c.Path
	if c.Query != "" {
		s += "?" + c.Query
	}
	return s
}

// cloud is a Keystone that takes any login, and a Neutron and a Nova that
// answer what a test has told them to.
type cloud struct {
	URL string

	mu      sync.Mutex
	calls   []call
	answers map[string][]answer // by "METHOD path", in turn; the last one stays
	expired string              // a token that Neutron and Nova take no more
	instead http.HandlerFunc    // answers in its place, unless nil
}

// answer is a status and a body.
type answer struct {
	status int
	body   string
	header map[string]string
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{answers: map[string][]answer{}}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	c.URL = srv.URL
	c.on("POST /identity/v3/auth/tokens", answer{status: 201, body: c.token(), header: map[string]string{"X-Subject-Token": "tok-1"}})
	c.on("GET /identity/v3/auth/tokens", answer{status: 200, body: c.token(), header: map[string]string{"X-Subject-Token": "tok-1"}})
	return c
}

func (c *cloud) on(request string, answers ...answer) { c.answers[request] = answers }

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if c.instead != nil {
		c.instead(w, r)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, string(body)})
	key := r.Method + " " + r.URL.EscapedPath()
	if c.expired != "" && r.Header.Get("X-Auth-Token") == c.expired {
		http.Error(w, `{"error": {"message": "expired"}}`, http.StatusUnauthorized)
		return
	}
	left := c.answers[key]
	if len(left) == 0 {
		http.Error(w, fmt.Sprintf(`{"error": {"message": "the test has no answer to %s"}}`, key), http.StatusNotImplemented)
		return
	}
	if len(left) > 1 {
		c.answers[key] = left[1:]
	}
	a := left[0]
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Openstack-Request-Id", "req-7")
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, strings.ReplaceAll(a.body, "CLOUD", c.URL))
}

// since returns the calls after the first n, in short form.
func (c *cloud) since(n int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, call := range c.calls[n:] {
		out = append(out, call.String())
	}
	return out
}

func (c *cloud) last() call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[len(c.calls)-1]
}

func (c *cloud) token() string {
	return `{"token": {
		"user": {"id": "u1", "name": "ann", "domain": {"id": "default", "name": "Default"}},
		"project": {"id": "p1", "name": "ops", "domain": {"id": "default", "name": "Default"}},
		"catalog": [
			{"type": "network", "name": "neutron", "endpoints": [
				{"interface": "public", "region": "one", "region_id": "one", "url": "CLOUD/network"},
				{"interface": "internal", "region": "two", "region_id": "two", "url": "CLOUD/inner-network"}]},
			{"type": "compute", "name": "nova", "endpoints": [
				{"interface": "public", "region": "one", "region_id": "one", "url": "CLOUD/compute/v2.1"},
				{"interface": "internal", "region": "two", "region_id": "two", "url": "CLOUD/inner-compute/v2.1"}]}]}}`
}

// connect logs in by password.
func (c *cloud) connect(t *testing.T) *openstack.Client {
	t.Helper()
	emptyEnvironment(t)
	client, err := openstack.Connect(t.Context(), openstack.Options{
		AuthURL: c.URL + "/identity/v3", Username: "ann", Password: "s3cret", ProjectName: "ops",
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// emptyEnvironment takes the OS_* variables and the clouds files of whoever
// runs the tests out of sight.
func emptyEnvironment(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OS_") {
			t.Setenv(name, "")
		}
	}
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Chdir(dir)
}

// writeFile writes a file below the working folder.
func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// parse makes JSON comparable.
func parse(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.NewDecoder(bytes.NewBufferString(text)).Decode(&v); err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return v
}
