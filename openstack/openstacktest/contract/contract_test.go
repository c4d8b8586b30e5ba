package contract_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/openstack/openstacktest/contract"
)

func TestTheCloudInMemoryKeepsTheContract(t *testing.T) {
	for _, backend := range []openstacktest.Backend{openstacktest.LinuxBridge, openstacktest.OVN} {
		t.Run(string(backend), func(t *testing.T) {
			c := openstacktest.Start(t, openstacktest.Config{Backend: backend})
			before := c.Snapshot()
			t.Run("contract", func(t *testing.T) { contract.RunContract(t, target(t, c)) })
			if after := c.Snapshot(); stripDefault(after) != stripDefault(before) {
				t.Errorf("the contract left something:\nbefore:\n%safter:\n%s", before, after)
			}
		})
	}
}

// stripDefault takes the projects' default groups out, which Neutron makes when
// a project is first used and never takes away.
func stripDefault(snapshot string) string {
	var out []string
	for _, line := range strings.Split(snapshot, "\n") {
		if !strings.Contains(line, `"name":"default"`) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// target logs in as demo.
func target(t *testing.T, c *openstacktest.Cloud) contract.Target {
	t.Helper()
	const login = `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": "demo-secret", "domain": {"id": "default"}}}},
		"scope": {"project": {"name": "demo", "domain": {"id": "default"}}}}}`
	resp, err := http.Post(c.URL()+"/identity/v3/auth/tokens", "application/json", strings.NewReader(login))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("log in: %s", resp.Status)
	}
	return contract.Target{
		Network: c.URL() + "/network", Compute: c.URL() + "/compute/v2.1", Token: resp.Header.Get("X-Subject-Token"),
		External: c.ID("networks", "public"), Image: c.ImageID(), Flavor: c.FlavorID(),
	}
}
