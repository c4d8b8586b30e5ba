package openstacktest

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Start makes a cloud that serves on loopback until the test ends.
func Start(t testing.TB, config Config) *Cloud {
	t.Helper()
	c := New(config)
	t.Cleanup(c.Close)
	srv := httptest.NewUnstartedServer(c)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust the CA are tests
	if !config.TLS {
		srv.Start()
		t.Cleanup(srv.Close)
		c.config.URL = srv.URL
		return c
	}
	var err error
	if c.ca, err = newAuthority(); err != nil {
		t.Fatal(err)
	}
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{c.ca.leaf}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c.config.URL = srv.URL
	c.ca.file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(c.ca.file, c.ca.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// URL is where the cloud is reached.
func (c *Cloud) URL() string { return c.config.URL }

// CAFile is the certificate to trust, "" without TLS.
func (c *Cloud) CAFile() string {
	if c.ca == nil {
		return ""
	}
	return c.ca.file
}

// CloudsYAML is a clouds.yaml with the entries demo (a member), demo-appcred
// (the same by an application credential) and admin.
func (c *Cloud) CloudsYAML() string {
	var b strings.Builder
	b.WriteString("clouds:\n")
	entry := func(name, how string) {
		fmt.Fprintf(&b, "  %s:\n    region_name: %s\n", name, region)
		if c.CAFile() != "" {
			fmt.Fprintf(&b, "    cacert: %s\n", c.CAFile())
		}
		fmt.Fprintf(&b, "%s      auth_url: %s/identity/v3\n", how, c.config.URL)
	}
	password := func(user, password, project string) string {
		return fmt.Sprintf(`    auth:
      username: %s
      password: %s
      project_name: %s
      user_domain_name: Default
      project_domain_name: Default
`, user, password, project)
	}
	entry("demo", password(demoUser, demoPassword, demoUser))
	entry("demo-appcred", fmt.Sprintf(`    auth_type: v3applicationcredential
    auth:
      application_credential_id: %s
      application_credential_secret: %s
`, credentialID, credSecret))
	entry("admin", password(adminUser, adminPass, adminUser))
	return b.String()
}
