package openstack_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/openstack"
)

func TestRefusalsAreToldApart(t *testing.T) {
	neutron := func(kind, message string) string {
		return fmt.Sprintf(`{"NeutronError": {"type": %q, "message": %q, "detail": ""}}`, kind, message)
	}
	cases := map[string]struct {
		answer answer
		is     error
		text   string
		hint   string // part of it
	}{
		"stale revision": {
			answer: answer{status: 412, body: neutron("RevisionNumberConstraintFailed", "Constrained to 6, but current revision is 7")},
			is:     openstack.ErrConflict, text: `update port "port-1": Constrained to 6, but current revision is 7 (HTTP 412)`, hint: "at the same time",
		},
		"port security off": {
			answer: answer{status: 409, body: neutron("AddressPairAndPortSecurityRequired", "Port Security must be enabled.")},
			is:     openstack.ErrInUse, text: `update port "port-1": Port Security must be enabled (HTTP 409)`, hint: "openstack port set --enable-port-security port-1",
		},
		"quota": {
			answer: answer{status: 409, body: neutron("OverQuota", "Quota exceeded for resources: ['port'].")},
			is:     openstack.ErrQuota, text: `update port "port-1": Quota exceeded for resources: ['port'] (HTTP 409)`, hint: "openstack quota show",
		},
		"policy": {
			answer: answer{status: 403, body: neutron("PolicyNotAuthorized", "rule:update_port:allowed_address_pairs is disallowed by policy")},
			is:     openstack.ErrForbidden, text: `update port "port-1": rule:update_port:allowed_address_pairs is disallowed by policy (HTTP 403)`, hint: "your role",
		},
		"not found": {
			answer: answer{status: 404, body: neutron("PortNotFound", "Port port-1 could not be found.")},
			is:     openstack.ErrNotFound, text: `update port "port-1": Port port-1 could not be found (HTTP 404)`,
		},
		"too many pairs": {
			answer: answer{status: 400, body: neutron("AllowedAddressPairExhausted", "The number of allowed address pair exceeds the maximum 10.")},
			text:   `update port "port-1": The number of allowed address pair exceeds the maximum 10 (HTTP 400)`, hint: "take unneeded",
		},
		"a proxy's page": {
			answer: answer{status: 504, body: "<html>gateway time-out</html>"},
			text:   `update port "port-1": gateway timeout (HTTP 504)`, hint: "later",
		},
		"an answer that is not JSON": {
			answer: answer{status: 200, body: "<html>welcome</html>"},
			text:   `update port "port-1": the answer cannot be understood: invalid character '<' looking for beginning of value`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on("PUT /network/v2.0/ports/port-1", tc.answer)
			_, err := client.UpdatePort(t.Context(), "port-1", 6, openstack.PortUpdate{SecurityGroups: &[]string{}})
			var e *openstack.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v (%T)", err, err)
			}
			if e.Error() != tc.text {
				t.Errorf("got  %s\nwant %s", e, tc.text)
			}
			if !strings.Contains(e.Hint(), tc.hint) || (tc.hint == "") != (e.Hint() == "") {
				t.Errorf("hint is %q, want %q in it", e.Hint(), tc.hint)
			}
			for _, kind := range []error{
				openstack.ErrConflict, openstack.ErrInUse, openstack.ErrQuota, openstack.ErrForbidden,
				openstack.ErrNotFound, openstack.ErrUnauthorized, openstack.ErrUnreachable, openstack.ErrUntrusted, openstack.ErrConfig,
			} {
				if errors.Is(err, kind) != (kind == tc.is) {
					t.Errorf("errors.Is(%v) is %v", kind, errors.Is(err, kind))
				}
			}
			if tc.answer.status != 200 && e.RequestID != "req-7" {
				t.Errorf("request ID is %q", e.RequestID)
			}
		})
	}
}

func TestLoginThatFailsSaysWhyAndWhatToDo(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)

	good := openstack.Options{Username: "ann", Password: "s3cret", ProjectName: "ops"}
	with := func(change func(*openstack.Options)) openstack.Options {
		o := good
		change(&o)
		return o
	}
	cases := map[string]struct {
		opts   openstack.Options
		clouds string
		answer answer // to the login; none: as usual
		is     error
		text   []string
		hint   string
	}{
		"wrong password": {
			opts: good, answer: answer{status: 401, body: `{"error": {"code": 401, "message": "The request you have made requires authentication."}}`},
			is: openstack.ErrUnauthorized, text: []string{`log in "ann"`, "requires authentication", "401"}, hint: "check user, password",
		},
		"an answer that repeats the password": {
			opts: good, answer: answer{status: 400, body: `{"error": {"code": 400, "message": "Invalid input for field 'password': s3cret is too short"}}`},
			text: []string{"*** is too short"},
		},
		"no Keystone there": {
			opts: good, answer: answer{status: 404, body: `not here`},
			is: openstack.ErrNotFound, text: []string{"no Keystone v3"}, hint: "auth_url",
		},
		"no project": {
			opts: good, answer: answer{status: 201, body: `{"token": {"user": {"id": "u1", "name": "ann"}}}`, header: map[string]string{"X-Subject-Token": "tok"}},
			is: openstack.ErrConfig, text: []string{"not for a project"}, hint: "OS_PROJECT_NAME",
		},
		"unknown cloud": {
			opts: openstack.Options{Cloud: "nope"}, clouds: "clouds: {b: {}, a: {}}",
			is: openstack.ErrConfig, text: []string{`cloud "nope" is not known`, "clouds.yaml has: a, b"}, hint: "--os-cloud",
		},
		"several clouds and none named": {
			clouds: "clouds: {b: {}, a: {}}",
			is:     openstack.ErrConfig, text: []string{"no cloud is named", "clouds.yaml has: a, b"}, hint: "openrc",
		},
		"a clouds.yaml that is none, not quoted": {
			opts: openstack.Options{Cloud: "a"}, clouds: "clouds: [password: s3cret",
			is: openstack.ErrConfig, text: []string{`parse clouds file`, "clouds.yaml"},
		},
		"a wrong type in clouds.yaml, not quoted": {
			opts: openstack.Options{Cloud: "a"}, clouds: "clouds: {a: {auth: s3cret}}",
			is: openstack.ErrConfig, text: []string{`parse clouds file`},
		},
		"an entry without a URL": {
			opts: openstack.Options{Cloud: "a"}, clouds: "clouds: {a: {auth: {username: ann, password: s3cret}}}",
			is: openstack.ErrConfig, text: []string{"no authentication URL"}, hint: "auth_url",
		},
		"an entry without a password": {
			opts: openstack.Options{Cloud: "a"}, clouds: "clouds: {a: {auth: {auth_url: 'http://x.invalid', username: ann}}}",
			is: openstack.ErrConfig, text: []string{"login by password are incomplete"}, hint: "secure.yaml",
		},
		"an application credential without its secret": {
			opts: openstack.Options{Cloud: "a"}, clouds: "clouds: {a: {auth_type: v3applicationcredential, auth: {auth_url: 'http://x.invalid', application_credential_id: x}}}",
			is: openstack.ErrConfig, text: []string{"login by application credential are incomplete"},
		},
		"single sign-on": {
			opts: openstack.Options{Cloud: "a"}, clouds: "clouds: {a: {auth_type: v3oidcpassword, auth: {auth_url: 'http://x.invalid'}}}",
			is: openstack.ErrConfig, text: []string{`auth type "v3oidcpassword" is not supported`}, hint: "application credential",
		},
		"Keystone v2": {
			opts: openstack.Options{Cloud: "a"}, clouds: "clouds: {a: {identity_api_version: '2.0', auth: {auth_url: 'http://x.invalid', username: ann, password: s3cret}}}",
			is: openstack.ErrConfig, text: []string{"identity API version 2.0 is not supported"},
		},
		"a URL without a scheme, not repeated": {
			opts: with(func(o *openstack.Options) { o.AuthURL = "ann:s3cret@x.invalid" }),
			is:   openstack.ErrConfig, text: []string{"not an http or https URL"},
		},
		"nobody listens": {
			opts: with(func(o *openstack.Options) { o.AuthURL = "http://ann:s3cret@" + closed.Addr().String() }),
			is:   openstack.ErrUnreachable, text: []string{"cannot reach " + closed.Addr().String(), "refused"}, hint: "check auth_url",
		},
		"a certificate of nobody known": {
			opts: with(func(o *openstack.Options) { o.AuthURL = untrusted.URL }),
			is:   openstack.ErrUntrusted, text: []string{"certificate of", "not trusted"}, hint: "--os-cacert",
		},
		"a CA file that is none": {
			opts: with(func(o *openstack.Options) { o.CACert = "/nonexistent" }),
			is:   openstack.ErrConfig, text: []string{"/nonexistent"}, hint: "--os-cacert",
		},
		"a region that is not there": {
			opts: with(func(o *openstack.Options) { o.Region = "three" }),
			is:   openstack.ErrConfig, text: []string{`find service "network"`, "no public endpoint in region three", "it has: internal in two, public in one"}, hint: "--os-region-name",
		},
		"an interface that is not there": {
			opts: with(func(o *openstack.Options) { o.Interface = "admin" }),
			is:   openstack.ErrConfig, text: []string{"no admin endpoint; it has"}, hint: "--os-interface",
		},
		"an interface that nobody knows": {
			opts: with(func(o *openstack.Options) { o.Interface = "inside" }),
			is:   openstack.ErrConfig, text: []string{`interface "inside" is not known`}, hint: "public, internal or admin",
		},
		"a cloud without Nova": {
			opts: good, answer: answer{
				status: 201, header: map[string]string{"X-Subject-Token": "tok"},
				body: `{"token": {"user": {"id": "u1"}, "project": {"id": "p1"}, "catalog": [{"type": "network", "endpoints": [{"interface": "public", "region": "one", "url": "CLOUD/network"}]}]}}`,
			},
			is: openstack.ErrConfig, text: []string{`find service "compute"`, "does not have it"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			emptyEnvironment(t)
			if tc.answer.status != 0 {
				c.on("POST /identity/v3/auth/tokens", tc.answer)
			}
			if tc.clouds != "" {
				writeFile(t, "clouds.yaml", tc.clouds)
			} else if tc.opts.AuthURL == "" {
				tc.opts.AuthURL = c.URL + "/identity/v3"
			}
			_, err := openstack.Connect(t.Context(), tc.opts)
			if err == nil {
				t.Fatal("the login succeeded")
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("%v is no %q", err, tc.is)
			}
			for _, part := range tc.text {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			hint := err.(interface{ Hint() string }).Hint()
			if !strings.Contains(hint, tc.hint) {
				t.Errorf("%q is not in the hint: %s", tc.hint, hint)
			}
			if all := fmt.Sprintf("%v %+v %#v %s", err, err, err, hint); strings.Contains(all, "s3cret") {
				t.Errorf("the password is in the error: %s", all)
			}
		})
	}
}

func TestCertificateIsTrustedByCAFileOrInsecurely(t *testing.T) {
	c := newCloud(t)
	secure := httptest.NewTLSServer(c)
	t.Cleanup(secure.Close)
	emptyEnvironment(t)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	writeFile(t, "ca.pem", ca)
	entry := "clouds: {mine: {KEY auth: {auth_url: '" + secure.URL + "/identity/v3', username: ann, password: s3cret, project_name: ops}}}"

	cases := map[string]struct {
		opts  openstack.Options
		env   [2]string
		key   string
		fails bool
	}{
		"by --os-cacert":                              {opts: openstack.Options{CACert: "ca.pem"}},
		"by OS_CACERT":                                {env: [2]string{"OS_CACERT", "ca.pem"}},
		"by cacert in the entry":                      {key: "cacert: ca.pem,"},
		"by --insecure":                               {opts: openstack.Options{Insecure: true}},
		"by OS_INSECURE":                              {env: [2]string{"OS_INSECURE", "true"}},
		"by verify: false":                            {key: "verify: false,"},
		"not when the entry verifies":                 {env: [2]string{"OS_INSECURE", "true"}, key: "verify: true,", fails: true},
		"not without any of them":                     {fails: true},
		"by --insecure though the entry would verify": {opts: openstack.Options{Insecure: true}, key: "verify: true,"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if tc.env[0] != "" {
				t.Setenv(tc.env[0], tc.env[1])
			}
			writeFile(t, "clouds.yaml", strings.Replace(entry, "KEY", tc.key, 1))
			_, err := openstack.Connect(t.Context(), tc.opts)
			if tc.fails && !errors.Is(err, openstack.ErrUntrusted) {
				t.Errorf("got %v, want ErrUntrusted", err)
			}
			if !tc.fails && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRequestEndsWithItsContext(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Port(ctx, "port-1"); !errors.Is(err, context.Canceled) || errors.Is(err, openstack.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// A change without an answer may have happened; a question or a login has not
// left anything.
func TestAChangeWithoutAnAnswerMayBeDone(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		text    string
	}{
		"late": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "did not answer in time"},
		"lost": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "broke the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.instead = tc.handler
			short := func() context.Context {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				t.Cleanup(cancel)
				return ctx
			}
			_, err := client.CreateSecurityGroup(short(), openstack.SecurityGroupCreate{Name: "havip-b"})
			var made *openstack.Error
			if !errors.As(err, &made) || !errors.Is(err, openstack.ErrUnreachable) ||
				!strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), "it may be done all the same") ||
				!strings.Contains(made.Hint(), "the same command again") {
				t.Errorf("got %v", err)
			}
			_, err = client.SecurityGroup(short(), "sg-1")
			if err == nil || strings.Contains(err.Error(), "may be done") {
				t.Errorf("a question: got %v", err)
			}
		})
	}
}
