package failover

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/utils/v2/openstack/clientconfig"

	provision "github.com/havip/havip/provision/failover"
	"github.com/havip/havip/test/lab/labtest"
)

// journal is what the cloud says is to be undone of a group.
func journal(t *testing.T, group string) ([]string, error) {
	t.Helper()
	c, err := clientconfig.NewServiceClient(t.Context(), "network", nil)
	if err != nil {
		return nil, err
	}
	var body struct {
		SecurityGroups []struct{ Tags []string } `json:"security_groups"`
	}
	resp, err := c.Get(t.Context(), c.ServiceURL("security-groups?name=havip-"+group), &body, nil)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	var open []string
	for _, g := range body.SecurityGroups {
		for _, tag := range g.Tags {
			if strings.HasPrefix(tag, "havip:undo=") {
				open = append(open, tag)
			}
		}
	}
	return open, nil
}

// all makes every fault; else those whose undoing differs (make soak).
var all = flag.Bool("all", false, "kill the test in every fault")

func TestAFaultWhoseTestWasKilledIsUndone(t *testing.T) {
	t.Parallel()
	const name = "killed"
	group(t, name, "10.0.0.202", "bastion-3", "bastion-4")
	for _, f := range provision.Faults() {
		if f.Place == provision.ByAgent || f.Name == provision.NetReload {
			continue // nothing is left to undo
		}
		if !*all && !slices.Contains([]provision.Name{provision.AgentFreeze, provision.VRRPBlock, provision.PortDown, provision.ServerStop}, f.Name) {
			continue
		}
		t.Run(string(f.Name), func(t *testing.T) {
			active := labtest.Healthy(t, name).Active()
			cmd := start(t, "failover-test", name, "--fault", string(f.Name), "--undo-after", "15s")
			noted := func() error { return made(t, f.Name, name, active) }
			cmd.until(t, "the fault", noted)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if <-cmd.ended; cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("the test ended by itself: %v", cmd.err)
			}
			if f.Place == provision.InCloud {
				// Another test is refused until it is put back.
				labtest.Must(t, 4, "failover-test", name, "--allow-degraded")
				labtest.Must(t, 0, "failover-test", name, "--restore")
			} else {
				labtest.Eventually(t, "the server's own undo", func() error {
					if noted() == nil {
						return fmt.Errorf("it is not undone")
					}
					_, err := labtest.On(t, active, "true") // a server that is away proves nothing
					return err
				})
			}
			labtest.Healthy(t, name)
			if open, err := journal(t, name); err != nil || len(open) > 0 {
				t.Errorf("the journal still has %v, %v", open, err)
			}
			if out, err := labtest.On(t, active, "nft list tables"); err != nil || strings.Contains(out, "havip_test") {
				t.Errorf("the server still filters: %s%v", out, err)
			}
		})
	}
}
