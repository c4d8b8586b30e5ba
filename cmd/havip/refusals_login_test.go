package main

import (
	"testing"

	"github.com/havip/havip/openstack/openstacktest"
)

// A login that fails says why, and nothing else is asked of the cloud.
func TestRefusesALogin(t *testing.T) {
	refuse(t, []refusal{
		{
			name: "without a clouds.yaml",
			bend: func(w *world) { w.unset("OS_CLIENT_CONFIG_FILE", "OS_CLOUD"); w.remove("clouds.yaml") },
			code: 1,
			says: `
error: log in: no cloud is named and OS_AUTH_URL is not set; there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack, and OS_CLIENT_CONFIG_FILE names none
hint: name one with --os-cloud or OS_CLOUD, or source the project's openrc file
`,
		},
		{
			name: "to one of several clouds",
			bend: func(w *world) { w.unset("OS_CLOUD") },
			code: 1,
			says: `
error: log in: no cloud is named and OS_AUTH_URL is not set; clouds.yaml has: admin, demo, demo-appcred
hint: name one with --os-cloud or OS_CLOUD, or source the project's openrc file
`,
		},
		{
			name: "to a cloud that is not known",
			run:  "create -f bastion.yaml --os-cloud prod --yes",
			code: 1,
			says: `
error: log in: cloud "prod" is not known; clouds.yaml has: admin, demo, demo-appcred
hint: choose one with --os-cloud or OS_CLOUD
`,
		},
		{
			name: "with a clouds.yaml that cannot be read",
			bend: func(w *world) { w.mkdir("folder"); w.env["OS_CLIENT_CONFIG_FILE"] = w.path("folder") },
			code: 1,
			says: `
error: log in: read clouds file: read {home}/folder: is a directory
hint: mend the file, or name another one in OS_CLIENT_CONFIG_FILE
`,
		},
		{
			name: "with a clouds.yaml that is no YAML",
			bend: func(w *world) { w.write("clouds.yaml", "clouds: {demo: [\n") },
			code: 1,
			says: `
error: log in: parse clouds file "{home}/clouds.yaml": not valid YAML of the form that OpenStack clients read
hint: mend the file, or name another one in OS_CLIENT_CONFIG_FILE
`,
		},
		{
			name: "without a password",
			bend: func(w *world) { w.edit("clouds.yaml", "password: demo-secret", "") },
			code: 1,
			says: `
error: log in: the credentials for a login by password are incomplete: You must provide a password to authenticate
hint: complete the cloud's entry in clouds.yaml and secure.yaml, or the OS_* variables
`,
		},
		{
			name: "with a wrong password",
			bend: func(w *world) { w.edit("clouds.yaml", "password: demo-secret", "password: wrong") },
			code: 1,
			says: `
error: log in "demo": The request you have made requires authentication (HTTP 401)
hint: check user, password and the domains of user and project, or whether the token or application credential has expired
`,
		},
		{
			name: "with an application credential that is no more",
			bend: func(w *world) {
				w.env["OS_CLOUD"] = "demo-appcred"
				w.edit("clouds.yaml", "application_credential_secret: ", "application_credential_secret: old-")
			},
			code: 1,
			says: `
error: log in "5f0c7d0a1be84b5c9d3e0c1f2a3b4c5d": The request you have made requires authentication (HTTP 401)
hint: check user, password and the domains of user and project, or whether the token or application credential has expired
`,
		},
		{
			name: "with a token that has expired",
			bend: func(w *world) {
				w.unset("OS_CLOUD", "OS_CLIENT_CONFIG_FILE")
				w.env["OS_AUTH_URL"], w.env["OS_TOKEN"], w.env["OS_PROJECT_NAME"], w.env["OS_PROJECT_DOMAIN_NAME"] = w.authURL(), "gAAAAAexpired", "demo", "Default"
			},
			code: 1,
			says: `
error: log in: The request you have made requires authentication (HTTP 401)
hint: check user, password and the domains of user and project, or whether the token or application credential has expired
`,
		},
		{
			name: "to no project",
			bend: func(w *world) { w.edit("clouds.yaml", "project_name: demo", "") },
			code: 1,
			says: `
error: log in: the login is not for a project
hint: name the project: OS_PROJECT_NAME, or project_name in clouds.yaml
`,
		},
		{
			name: "where nothing listens",
			bend: func(w *world) { w.edit("clouds.yaml", w.authURL(), "http://127.0.0.1:1/v3") },
			code: 1,
			says: `
error: log in "demo": cannot reach 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused
hint: check auth_url (OS_AUTH_URL), --os-interface, and the way to the cloud's network (VPN, proxy)
`,
		},
		{
			name: "at a name that is not found",
			bend: func(w *world) { w.edit("clouds.yaml", w.authURL(), "https://keystone..example.com/v3") },
			code: 1,
			says: `
error: log in "demo": cannot find keystone..example.com: no such host
hint: check auth_url (OS_AUTH_URL), --os-interface, and the way to the cloud's network (VPN)
`,
		},
		{
			name: "at a URL that is none",
			bend: func(w *world) { w.edit("clouds.yaml", w.authURL(), "keystone.example.com:5000") },
			code: 1,
			says: `
error: log in: the authentication URL is not an http or https URL
hint: check auth_url in clouds.yaml, or OS_AUTH_URL
`,
		},
		{
			name: "where there is no Keystone",
			bend: func(w *world) { w.edit("clouds.yaml", "/identity/v3", "/keystone") },
			code: 1,
			says: `
error: log in "demo": no Keystone v3 at this authentication URL (HTTP 404)
hint: check auth_url in clouds.yaml, or OS_AUTH_URL
`,
		},
		{
			name: "by the protocol before this one",
			bend: func(w *world) { w.env["OS_IDENTITY_API_VERSION"] = "2" },
			code: 1,
			says: `
error: log in: identity API version 2 is not supported
hint: set identity_api_version or OS_IDENTITY_API_VERSION to 3
`,
		},
		{
			name: "by TLS where none is spoken",
			bend: func(w *world) { w.edit("clouds.yaml", "http://", "https://") },
			code: 1,
			says: `
error: log in "demo": {api} does not speak TLS
hint: the URL begins with https where http is meant: check auth_url (OS_AUTH_URL)
`,
		},
		{
			name: "with a certificate that nobody vouches for",
			tls:  true,
			bend: func(w *world) { w.edit("clouds.yaml", "cacert: "+w.cloud.CAFile(), "") },
			code: 1,
			says: `
error: log in "demo": certificate of {api} is not trusted: x509: certificate signed by unknown authority
hint: name the cloud's CA with --os-cacert FILE (OS_CACERT, cacert in clouds.yaml)
`,
		},
		{
			name: "that a portal answers instead",
			bend: func(w *world) {
				w.fails("/identity/v3/auth/tokens", 200, "<html>Please log in to the guest network</html>")
			},
			code: 1,
			says: `
error: log in "demo": the answer is none of OpenStack's (HTTP 200)
hint: check auth_url (OS_AUTH_URL), and whether a portal or a proxy answers in the cloud's place
`,
		},
		{
			name: "to a cloud without Neutron",
			bend: func(w *world) {
				w.cloud.Inject(openstacktest.Fault{
					Path: "/identity/v3/auth/tokens", Status: 201, Header: map[string]string{"X-Subject-Token": "gAAAAA"},
					Body: `{"token": {"user": {"id": "1", "name": "demo"}, "project": {"id": "2", "name": "demo"}, "expires_at": "2099-01-01T00:00:00.000000Z", "catalog": []}}`,
				})
			},
			code: 1,
			says: `
error: find service "network": the cloud's catalogue does not have it
hint: havip needs Neutron and Nova: openstack catalog list shows what this project may use
`,
		},
		{
			name: "in a region that there is not",
			run:  "create -f bastion.yaml --os-region-name RegionTwo --yes",
			code: 1,
			says: `
error: find service "network": the cloud's catalogue has no public endpoint in region RegionTwo; it has: admin in RegionOne, internal in RegionOne, public in RegionOne
hint: choose with --os-region-name (OS_REGION_NAME) and --os-interface (OS_INTERFACE)
`,
		},
		{
			name: "through an interface that there is not",
			run:  "create -f bastion.yaml --os-interface private --yes",
			code: 1,
			says: `
error: log in: interface "private" is not known
hint: set --os-interface or OS_INTERFACE to public, internal or admin
`,
		},
		{
			name: "with a CA file that is not there",
			run:  "create -f bastion.yaml --os-cacert ca.pem --yes",
			code: 1,
			says: `
error: log in: there is no CA file ca.pem
hint: check --os-cacert, cacert in clouds.yaml, and OS_CACERT
`,
		},
	})
}
