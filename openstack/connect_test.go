package openstack_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/havip/havip/openstack"
)

func TestLoginSendsWhatFlagsFilesAndEnvironmentSay(t *testing.T) {
	const (
		annByPassword = `"identity": {"methods": ["password"], "password": {"user": {"name": "ann", "password": "s3cret", "domain": {"name": "People"}}}}`
		opsOfWork     = `"scope": {"project": {"name": "ops", "domain": {"name": "Work"}}}`
		byCredential  = `"identity": {"methods": ["application_credential"], "application_credential": {"id": "ac1", "secret": "acs"}}`
		openrc        = "OS_AUTH_URL=URL OS_USERNAME=ann OS_PASSWORD=s3cret OS_PROJECT_NAME=ops OS_USER_DOMAIN_NAME=People OS_PROJECT_DOMAIN_NAME=Work OS_IDENTITY_API_VERSION=3"
		stray         = " OS_PROJECT_ID=stray OS_PROJECT_NAME=stray OS_PROJECT_DOMAIN_NAME=Stray OS_USERNAME=stray OS_PASSWORD=stray OS_USER_DOMAIN_NAME=Stray OS_TOKEN=stray OS_DOMAIN_NAME=Stray"
	)
	cases := map[string]struct {
		env    string // with URL for the cloud's
		clouds string
		secure string
		opts   openstack.Options
		want   string
		get    bool // the token is shown, not exchanged
	}{
		"a full openrc with a domain for the user and another for the project": {
			env:  openrc,
			want: `{"auth": {` + annByPassword + `, ` + opsOfWork + `}}`,
		},
		"an openrc without a version in the URL, with tenants and no domains": {
			env:  "OS_AUTH_URL=BASE OS_USERNAME=ann OS_PASSWORD=s3cret OS_TENANT_NAME=ops",
			want: `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "ann", "password": "s3cret", "domain": {"id": "default"}}}}, "scope": {"project": {"name": "ops", "domain": {"id": "default"}}}}}`,
		},
		"an openrc of Horizon, with the project by name and by ID": {
			env:  openrc + " OS_PROJECT_ID=p1",
			want: `{"auth": {` + annByPassword + `, "scope": {"project": {"id": "p1"}}}}`,
		},
		"a user by ID needs neither name nor domain": {
			env:  "OS_AUTH_URL=URL OS_USER_ID=u1 OS_USERNAME=ann OS_PASSWORD=s3cret OS_PROJECT_ID=p1 OS_USER_DOMAIN_NAME=People",
			want: `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": "u1", "password": "s3cret"}}}, "scope": {"project": {"id": "p1"}}}}`,
		},
		"one general domain serves user and project": {
			env:  "OS_AUTH_URL=URL OS_USERNAME=ann OS_PASSWORD=s3cret OS_PROJECT_NAME=ops OS_DOMAIN_ID=d1",
			want: `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "ann", "password": "s3cret", "domain": {"id": "d1"}}}}, "scope": {"project": {"name": "ops", "domain": {"id": "d1"}}}}}`,
		},
		"an application credential is sent without a scope": {
			env:  "OS_AUTH_URL=URL OS_AUTH_TYPE=v3applicationcredential OS_APPLICATION_CREDENTIAL_ID=ac1 OS_APPLICATION_CREDENTIAL_SECRET=acs" + stray,
			want: `{"auth": {` + byCredential + `}}`,
		},
		"an application credential needs no auth type": {
			env:  "OS_AUTH_URL=URL OS_APPLICATION_CREDENTIAL_ID=ac1 OS_APPLICATION_CREDENTIAL_SECRET=acs" + stray,
			want: `{"auth": {` + byCredential + `}}`,
		},
		"an application credential by name goes with its user": {
			env:  "OS_AUTH_URL=URL OS_APPLICATION_CREDENTIAL_NAME=ci OS_APPLICATION_CREDENTIAL_SECRET=acs OS_USERNAME=ann OS_USER_DOMAIN_NAME=People OS_PROJECT_NAME=stray",
			want: `{"auth": {"identity": {"methods": ["application_credential"], "application_credential": {"name": "ci", "secret": "acs", "user": {"name": "ann", "domain": {"name": "People"}}}}}}`,
		},
		"a token with a project is exchanged": {
			env:  "OS_AUTH_URL=URL OS_AUTH_TYPE=token OS_TOKEN=tok-0 OS_PROJECT_NAME=ops OS_PROJECT_DOMAIN_NAME=Work OS_USERNAME=ann OS_PASSWORD=s3cret",
			want: `{"auth": {"identity": {"methods": ["token"], "token": {"id": "tok-0"}}, ` + opsOfWork + `}}`,
		},
		"a token alone is used as it is": {
			env: "OS_AUTH_URL=URL OS_TOKEN=tok-0",
			get: true,
		},
		"a named cloud stands against all that is stray in the environment": {
			env:    "OS_CLOUD=mine" + stray + " OS_APPLICATION_CREDENTIAL_ID=stray OS_AUTH_TYPE=token OS_AUTH_URL=http://stray.invalid",
			clouds: "clouds: {mine: {auth: {auth_url: URL, username: ann, password: s3cret, user_domain_name: People, project_name: ops, project_domain_name: Work}}}",
			want:   `{"auth": {` + annByPassword + `, ` + opsOfWork + `}}`,
		},
		"domains of the environment do not belong to the named cloud's user and project": {
			env:    "OS_CLOUD=mine OS_USER_DOMAIN_NAME=Stray OS_PROJECT_DOMAIN_ID=stray OS_DEFAULT_DOMAIN=stray",
			clouds: "clouds: {mine: {auth: {auth_url: URL, username: ann, password: s3cret, project_name: ops}}}",
			want:   `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "ann", "password": "s3cret", "domain": {"id": "default"}}}}, "scope": {"project": {"name": "ops", "domain": {"id": "default"}}}}}`,
		},
		"a named cloud with an application credential stands against a stray password": {
			env:    "OS_CLOUD=mine" + stray,
			clouds: "clouds: {mine: {auth_type: v3applicationcredential, auth: {auth_url: URL, application_credential_id: ac1, application_credential_secret: acs}}}",
			want:   `{"auth": {` + byCredential + `}}`,
		},
		"secure.yaml holds the password": {
			env:    "OS_CLOUD=mine",
			clouds: "clouds: {mine: {auth: {auth_url: URL, username: ann, user_domain_name: People, project_name: ops, project_domain_name: Work}}}",
			secure: "clouds: {mine: {auth: {password: s3cret}}}",
			want:   `{"auth": {` + annByPassword + `, ` + opsOfWork + `}}`,
		},
		"the environment holds the password that the entry leaves out": {
			env:    "OS_CLOUD=mine OS_PASSWORD=s3cret",
			clouds: "clouds: {mine: {auth: {auth_url: URL, username: ann, user_domain_name: People, project_name: ops, project_domain_name: Work}}}",
			want:   `{"auth": {` + annByPassword + `, ` + opsOfWork + `}}`,
		},
		"the only entry needs no name": {
			clouds: "clouds: {mine: {auth: {auth_url: URL, username: ann, password: s3cret, user_domain_name: People, project_name: ops, project_domain_name: Work}}}",
			want:   `{"auth": {` + annByPassword + `, ` + opsOfWork + `}}`,
		},
		"a flag names another cloud than the environment": {
			env:    "OS_CLOUD=other",
			clouds: "clouds: {other: {auth: {auth_url: http://stray.invalid}}, mine: {auth: {auth_url: URL, username: ann, password: s3cret, user_domain_name: People, project_name: ops, project_domain_name: Work}}}",
			opts:   openstack.Options{Cloud: "mine"},
			want:   `{"auth": {` + annByPassword + `, ` + opsOfWork + `}}`,
		},
		"flags stand above the cloud's entry": {
			env:    "OS_CLOUD=mine",
			clouds: "clouds: {mine: {auth: {auth_url: http://stray.invalid, username: stray, password: stray, user_domain_name: People, project_id: stray, project_domain_name: Work}}}",
			opts:   openstack.Options{AuthURL: "URL", Username: "ann", Password: "s3cret", ProjectName: "ops"},
			want:   `{"auth": {` + annByPassword + `, ` + opsOfWork + `}}`,
		},
		"a token flag stands above the cloud's password": {
			env:    "OS_CLOUD=mine",
			clouds: "clouds: {mine: {auth: {auth_url: URL, username: ann, password: s3cret, project_name: ops, project_domain_name: Work}}}",
			opts:   openstack.Options{Token: "tok-0"},
			want:   `{"auth": {"identity": {"methods": ["token"], "token": {"id": "tok-0"}}, ` + opsOfWork + `}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			emptyEnvironment(t)
			fill := strings.NewReplacer("URL=URL", "URL="+c.URL+"/identity/v3", "BASE", c.URL+"/identity", "auth_url: URL", "auth_url: "+c.URL+"/identity/v3")
			for _, kv := range strings.Fields(fill.Replace(tc.env)) {
				k, v, _ := strings.Cut(kv, "=")
				t.Setenv(k, v)
			}
			if tc.clouds != "" {
				writeFile(t, "clouds.yaml", fill.Replace(tc.clouds))
			}
			if tc.secure != "" {
				writeFile(t, "secure.yaml", tc.secure)
			}
			if tc.opts.AuthURL == "URL" {
				tc.opts.AuthURL = c.URL + "/identity/v3"
			}

			client, err := openstack.Connect(t.Context(), tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			method := "POST"
			if tc.get {
				method = "GET"
			}
			if diff := cmp.Diff([]string{method + " /identity/v3/auth/tokens"}, c.since(0)); diff != "" {
				t.Fatalf("requests of the login (-want +got):\n%s", diff)
			}
			if tc.get {
				if got := c.last().Header.Get("X-Subject-Token"); got != "tok-0" {
					t.Errorf("token shown is %q", got)
				}
			} else if diff := cmp.Diff(parse(t, tc.want), parse(t, c.last().Body)); diff != "" {
				t.Errorf("token request (-want +got):\n%s", diff)
			}
			if got := client.Identity(); got.ProjectID != "p1" || got.User != "ann" || got.Region != "one" {
				t.Errorf("identity is %+v", got)
			}
		})
	}
}

func TestRegionAndInterfaceChooseTheEndpoints(t *testing.T) {
	cases := map[string]struct {
		env, clouds string
		opts        openstack.Options
	}{
		"by flags, above the environment": {
			env:  "OS_REGION_NAME=one OS_INTERFACE=public",
			opts: openstack.Options{Region: "two", Interface: "internal"},
		},
		"by the environment":              {env: "OS_REGION_NAME=two OS_INTERFACE=internal"},
		"by the older OS_ENDPOINT_TYPE":   {env: "OS_ENDPOINT_TYPE=internalURL"},
		"by the entry":                    {env: "OS_CLOUD=mine OS_INTERFACE=public OS_REGION_NAME=one", clouds: "{region_name: two, interface: internal}"},
		"by the first of the regions":     {env: "OS_CLOUD=mine", clouds: "{regions: [two, one], interface: internal}"},
		"by the region's own values":      {env: "OS_CLOUD=mine", clouds: "{regions: [{name: two, values: {interface: internal}}]}"},
		"by a flag among several regions": {env: "OS_CLOUD=mine", clouds: "{regions: [one, {name: two, values: {interface: internal}}]}", opts: openstack.Options{Region: "two"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.on("GET /inner-network/v2.0/networks", answer{status: 200, body: `{"networks": []}`})
			emptyEnvironment(t)
			for _, kv := range strings.Fields(tc.env) {
				k, v, _ := strings.Cut(kv, "=")
				t.Setenv(k, v)
			}
			if tc.clouds != "" {
				writeFile(t, "clouds.yaml", "clouds: {mine: "+tc.clouds+"}")
			}
			tc.opts.AuthURL, tc.opts.Username, tc.opts.Password, tc.opts.ProjectName = c.URL+"/identity", "ann", "s3cret", "ops"
			client, err := openstack.Connect(t.Context(), tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Networks(t.Context(), "n"); err != nil {
				t.Error(err)
			}
			if got := client.Identity().Region; got != "two" {
				t.Errorf("region is %q", got)
			}
		})
	}
}

func TestTraceTellsEachRequestWithoutSecrets(t *testing.T) {
	c := newCloud(t)
	c.on("GET /network/v2.0/networks", answer{status: 200, body: `{"networks": []}`})
	emptyEnvironment(t)
	var seen []openstack.Request
	client, err := openstack.Connect(t.Context(), openstack.Options{
		AuthURL: c.URL + "/identity/v3", Username: "ann", Password: "s3cret", ProjectName: "ops",
		UserAgent: "havip/0.1.0",
		Trace:     func(r openstack.Request) { seen = append(seen, r) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 {
		t.Fatalf("the login took %d requests, want 1: %v", len(seen), seen)
	}
	if _, err := client.Networks(t.Context(), "n"); err != nil {
		t.Fatal(err)
	}
	for i, r := range seen {
		if r.Start.IsZero() || r.End.Before(r.Start) {
			t.Errorf("request %d lasted from %v to %v", i, r.Start, r.End)
		}
	}
	want := []openstack.Request{
		{Method: "POST", Path: "/identity/v3/auth/tokens", Status: 201, RequestID: "req-7"},
		{Method: "GET", Path: "/network/v2.0/networks", Query: "name=n", Status: 200, RequestID: "req-7"},
	}
	if diff := cmp.Diff(want, seen, cmpopts.IgnoreFields(openstack.Request{}, "Start", "End")); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
	if got := c.last().Header.Get("User-Agent"); !strings.HasPrefix(got, "havip/0.1.0 ") {
		t.Errorf("user agent is %q", got)
	}
	if got := c.last().Header.Get("X-Auth-Token"); got != "tok-1" {
		t.Errorf("token is %q", got)
	}
}

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/networks",
		answer{status: 401, body: `{"error": {"message": "expired"}}`},
		answer{status: 200, body: `{"networks": []}`})
	before := len(c.calls)
	if _, err := client.Networks(t.Context(), "n"); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /network/v2.0/networks?name=n", "POST /identity/v3/auth/tokens", "GET /network/v2.0/networks?name=n"}
	if diff := cmp.Diff(want, c.since(before)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestClientIsUsedFromSeveralGoroutines(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("POST /identity/v3/auth/tokens", answer{status: 201, body: c.token(), header: map[string]string{"X-Subject-Token": "tok-2"}})
	c.on("GET /network/v2.0/networks", answer{status: 200, body: `{"networks": []}`})
	c.expired = "tok-1"
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			_, err := client.Networks(t.Context(), "n")
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestRenewalThatFailsSaysSo(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/networks", answer{status: 401, body: `{"error": {"message": "expired"}}`})
	c.on("POST /identity/v3/auth/tokens", answer{status: 401, body: `{"error": {"message": "The account is locked."}}`})
	_, err := client.Networks(t.Context(), "n")
	if !errors.Is(err, openstack.ErrUnauthorized) {
		t.Fatalf("got %v", err)
	}
	if want := "log in again: The account is locked (HTTP 401)"; err.Error() != want {
		t.Errorf("got  %q\nwant %q", err, want)
	}
}
