package openstacktest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/openstack/openstacktest"
)

func TestOurClientSwitchesServersOffAndOn(t *testing.T) {
	c := openstacktest.Start(t, openstacktest.Config{})
	site := c.Seed(openstacktest.Seed{Servers: 1})
	client := connect(t, c, "demo")
	id := site.Servers[0].ID
	for _, step := range []struct {
		name string
		do   func(context.Context, string) error
		want string
	}{
		{"pause", client.PauseServer, "PAUSED"},
		{"unpause", client.UnpauseServer, "ACTIVE"},
		{"stop", client.StopServer, "SHUTOFF"},
		{"start", client.StartServer, "ACTIVE"},
		{"reset", client.ResetServer, "ACTIVE"},
	} {
		if err := step.do(t.Context(), id); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if s, err := client.Server(t.Context(), id); err != nil || s.Status != step.want {
			t.Errorf("after %s the server is %s, %v", step.name, s.Status, err)
		}
	}
	if err := client.StartServer(t.Context(), id); !errors.Is(err, openstack.ErrInUse) {
		t.Errorf("starting a server that runs gave %v", err)
	}
	if err := client.StopServer(t.Context(), site.Network); !errors.Is(err, openstack.ErrNotFound) {
		t.Errorf("stopping a server that is not there gave %v", err)
	}
}

func TestOurClientSwitchesAPortOffAndOn(t *testing.T) {
	c := openstacktest.Start(t, openstacktest.Config{})
	site := c.Seed(openstacktest.Seed{Servers: 1})
	client := connect(t, c, "demo")
	port, err := client.Port(t.Context(), site.Servers[0].Port)
	if err != nil {
		t.Fatal(err)
	}
	for _, up := range []bool{false, true} {
		next, err := client.UpdatePort(t.Context(), port.ID, port.Revision, openstack.PortUpdate{AdminUp: &up})
		if err != nil || next.AdminUp != up {
			t.Fatalf("admin_state_up is %v, want %v (%v)", next.AdminUp, up, err)
		}
		if len(next.SecurityGroups) != len(port.SecurityGroups) {
			t.Errorf("the security groups changed with it: %v, were %v", next.SecurityGroups, port.SecurityGroups)
		}
		port = next
	}
}
