package failover

import (
	"fmt"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"

	provision "github.com/havip/havip/provision/failover"
	"github.com/havip/havip/test/lab/labtest"
)

// machine is what the tests read of a server in Nova.
type machine struct {
	ID, Status string
	Addresses  map[string][]struct{ Addr string }
}

func client(t *testing.T, service string) *gophercloud.ServiceClient {
	t.Helper()
	c, err := clientconfig.NewServiceClient(t.Context(), service, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(t *testing.T, c *gophercloud.ServiceClient, path string, into any) {
	t.Helper()
	resp, err := c.Get(t.Context(), c.ServiceURL(path), into, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func nova(t *testing.T, server string) machine {
	t.Helper()
	var body struct{ Servers []machine }
	get(t, client(t, "compute"), "servers/detail?name=^"+server+"$", &body)
	if len(body.Servers) != 1 {
		t.Fatalf("there are %d servers %s", len(body.Servers), server)
	}
	return body.Servers[0]
}

// lasts tells whether what a fault in the cloud does to a server is there. A reboot
// lasts for no time.
func lasts(t *testing.T, f provision.Name, server string) error {
	t.Helper()
	switch m := nova(t, server); f {
	case provision.ServerStop, provision.ServerPause:
		if want := map[provision.Name]string{provision.ServerStop: "SHUTOFF", provision.ServerPause: "PAUSED"}[f]; m.Status != want {
			return fmt.Errorf("server %s is %s, not %s", server, m.Status, want)
		}
	case provision.PortDown:
		var body struct {
			Ports []struct {
				Up bool `json:"admin_state_up"`
			}
		}
		get(t, client(t, "network"), "ports?device_id="+m.ID, &body)
		for _, p := range body.Ports {
			if !p.Up {
				return nil
			}
		}
		return fmt.Errorf("no port of server %s is down", server)
	}
	return nil
}

// power stops or starts a server.
func power(t *testing.T, server, want string) {
	t.Helper()
	c, m := client(t, "compute"), nova(t, server)
	err := error(nil)
	if want == "SHUTOFF" {
		err = servers.Stop(t.Context(), c, m.ID).ExtractErr()
	} else {
		err = servers.Start(t.Context(), c, m.ID).ExtractErr()
	}
	if err != nil {
		t.Fatal(err)
	}
	labtest.Eventually(t, server+" to be "+want, func() error {
		if is := nova(t, server).Status; is != want {
			return fmt.Errorf("it is %s", is)
		}
		return nil
	})
}
