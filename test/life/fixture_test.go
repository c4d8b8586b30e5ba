package life

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"

	"github.com/havip/havip/test/lab/labtest"
	"github.com/havip/havip/test/project"
)

// neutron is a login as the tenant, beside havip's.
func neutron(t *testing.T) *gophercloud.ServiceClient {
	t.Helper()
	c, err := clientconfig.NewServiceClient(t.Context(), "network", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// list reads a collection, as "ports?name=x".
func list(t *testing.T, c *gophercloud.ServiceClient, path string) []project.Object {
	t.Helper()
	l, err := project.List(t.Context(), c, path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// one reads what there must be one of.
func one(t *testing.T, c *gophercloud.ServiceClient, url string) project.Object {
	t.Helper()
	l := list(t, c, url)
	if len(l) != 1 {
		t.Fatalf("%s: %d of them, want one", url, len(l))
	}
	return l[0]
}

// put changes an object, as other people's tools do: without If-Match.
func put(t *testing.T, c *gophercloud.ServiceClient, path string, body any) {
	t.Helper()
	resp, err := c.Put(t.Context(), c.ServiceURL(path), body, nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func remove(t *testing.T, c *gophercloud.ServiceClient, path string) {
	t.Helper()
	resp, err := c.Delete(t.Context(), c.ServiceURL(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// port is the port of a server.
func port(t *testing.T, c *gophercloud.ServiceClient, server string) project.Object {
	t.Helper()
	nova, err := clientconfig.NewServiceClient(t.Context(), "compute", nil)
	if err != nil {
		t.Fatal(err)
	}
	return one(t, c, "ports?device_id="+one(t, nova, "servers?name=^"+server+"$").Text("id"))
}

// snapshot is everything of the project's network that havip could touch.
func snapshot(t *testing.T, c *gophercloud.ServiceClient) string {
	t.Helper()
	s, err := project.Take(t.Context(), c, "ports", "security-groups", "security-group-rules", "floatingips")
	if err != nil {
		t.Fatal(err)
	}
	return s.String()
}

// on runs a command on a server, as root.
func on(t *testing.T, server, command string) string {
	t.Helper()
	out, err := labtest.On(t, server, command)
	if err != nil {
		t.Fatalf("on %s: %s: %v\n%s", server, command, err, out)
	}
	return out
}
