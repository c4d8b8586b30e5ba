package openstacktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havip/havip/openstack/openstacktest"
)

func TestKeystoneLetsInWhoIsKnownWithTheRightScope(t *testing.T) {
	at := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c := openstacktest.Start(t, openstacktest.Config{Now: at.Now})
	const (
		demo   = `"password": {"user": {"name": "demo", "password": "demo-secret", "domain": {"name": "Default"}}}`
		toDemo = `"scope": {"project": {"name": "demo", "domain": {"id": "default"}}}`
	)
	credential := entry(t, c.CloudsYAML(), "application_credential_id")
	secret := entry(t, c.CloudsYAML(), "application_credential_secret")
	login := func(body string) (int, string, string) {
		resp, err := http.Post(c.URL()+"/identity/v3/auth/tokens", "application/json", strings.NewReader(`{"auth": {`+body+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text), resp.Header.Get("X-Subject-Token")
	}
	_, _, token := login(`"identity": {"methods": ["password"], ` + demo + `}, ` + toDemo)
	for name, tc := range map[string]struct {
		body    string
		status  int
		project bool
	}{
		"a password and a project":             {`"identity": {"methods": ["password"], ` + demo + `}, ` + toDemo, 201, true},
		"a password alone is without a scope":  {`"identity": {"methods": ["password"], ` + demo + `}`, 201, false},
		"a user of no domain":                  {`"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": "demo-secret"}}}`, 401, false},
		"a user of another domain":             {`"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": "demo-secret", "domain": {"name": "Work"}}}}`, 401, false},
		"a token":                              {`"identity": {"methods": ["token"], "token": {"id": "` + token + `"}}, ` + toDemo, 201, true},
		"an unknown token":                     {`"identity": {"methods": ["token"], "token": {"id": "x"}}, ` + toDemo, 401, false},
		"an application credential":            {`"identity": {"methods": ["application_credential"], "application_credential": {"id": "` + credential + `", "secret": "` + secret + `"}}`, 201, true},
		"an application credential by name":    {`"identity": {"methods": ["application_credential"], "application_credential": {"name": "havip", "secret": "` + secret + `", "user": {"name": "demo", "domain": {"id": "default"}}}}`, 201, true},
		"an application credential takes none": {`"identity": {"methods": ["application_credential"], "application_credential": {"id": "` + credential + `", "secret": "` + secret + `"}}, ` + toDemo, 401, false},
		"a project of others":                  {`"identity": {"methods": ["password"], ` + demo + `}, "scope": {"project": {"name": "admin", "domain": {"id": "default"}}}`, 401, false},
	} {
		t.Run(name, func(t *testing.T) {
			status, text, _ := login(tc.body)
			var in struct {
				Token struct {
					Project *struct{ Name string }
					Catalog []any
				}
				Error struct {
					Code           int
					Message, Title string
				}
			}
			if err := json.Unmarshal([]byte(text), &in); err != nil || status != tc.status {
				t.Fatalf("%d %s, want %d", status, text, tc.status)
			}
			if status == 401 && (in.Error.Code != 401 || in.Error.Title != "Unauthorized" || in.Error.Message != "The request you have made requires authentication.") {
				t.Errorf("refusal is %s", text)
			}
			if got := in.Token.Project != nil && len(in.Token.Catalog) > 0; got != tc.project {
				t.Errorf("scope is %s", text)
			}
		})
	}

	read := func() int {
		r, _ := http.NewRequest("GET", c.URL()+"/network/v2.0/ports", nil)
		r.Header.Set("X-Auth-Token", token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := read(); got != 200 {
		t.Errorf("with a fresh token: %d", got)
	}
	if at.add(time.Hour); read() != 401 {
		t.Error("a token of an hour ago is taken")
	}
}

// entry is a value of a clouds.yaml.
func entry(t *testing.T, text, key string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, key+": ")
	if !found {
		t.Fatalf("no %s in\n%s", key, text)
	}
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

func TestTheDiscoveryOfVersionsLeadsToEachService(t *testing.T) {
	c := openstacktest.Start(t, openstacktest.Config{})
	for path, want := range map[string]int{
		"/identity": 300, "/identity/": 300, "/identity/v3": 200, "/identity/v3/": 200,
		"/network/": 200, "/compute/": 200, "/compute/v2.1/": 200, "/image/": 300, "/elsewhere": 404,
	} {
		resp, err := http.Get(c.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestRequestsAtOnceAreOneAfterTheOther(t *testing.T) {
	c := openstacktest.Start(t, openstacktest.Config{})
	site := c.Seed(openstacktest.Seed{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				c.Demo().Post("/network/v2.0/ports", map[string]any{"port": map[string]any{"network_id": site.Network}})
				c.Touch(site.Servers[0].Port)
				c.View()
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, p := range c.View().Ports {
		for _, f := range p.FixedIPs {
			if seen[f.Address.String()] {
				t.Errorf("two ports have %s", f.Address)
			}
			seen[f.Address.String()] = true
		}
	}
	if got := revision(c, site.Servers[0].Port); got < 81 {
		t.Errorf("80 writes made revision %d", got)
	}
}
