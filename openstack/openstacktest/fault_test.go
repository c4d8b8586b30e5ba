package openstacktest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/openstack/openstacktest"
)

// world is a seeded cloud and our client.
func world(t *testing.T) (*openstacktest.Cloud, openstacktest.Site, *openstack.Client) {
	t.Helper()
	c := openstacktest.Start(t, openstacktest.Config{})
	site := c.Seed(openstacktest.Seed{})
	return c, site, connect(t, c, "demo")
}

func TestAFaultHitsTheRequestThatItNames(t *testing.T) {
	c, _, client := world(t)
	remove := c.Inject(openstacktest.Fault{Method: "POST", Path: "/network/v2.0/security-groups", Nth: 2, Status: 503})
	make := func() error {
		_, err := client.CreateSecurityGroup(t.Context(), openstack.SecurityGroupCreate{Name: "g"})
		return err
	}
	for n, want := range map[int]bool{1: true} {
		if err := make(); (err == nil) != want {
			t.Errorf("request %d: %v", n, err)
		}
	}
	var refused *openstack.Error
	if err := make(); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("the second request: %v", err)
	}
	remove()
	if err := make(); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

func TestADroppedRequestIsDone(t *testing.T) {
	c, _, client := world(t)
	c.Inject(openstacktest.Fault{Method: "POST", Path: "/network/v2.0/security-groups", Nth: 1, Drop: true})
	if _, err := client.CreateSecurityGroup(t.Context(), openstack.SecurityGroupCreate{Name: "lost"}); !errors.Is(err, openstack.ErrUnreachable) {
		t.Errorf("the dropped request: %v", err)
	}
	if found, err := client.SecurityGroups(t.Context(), "lost"); err != nil || len(found) != 1 {
		t.Errorf("groups afterwards are %v, %v", found, err)
	}
	if l := c.Requests().Of("POST", "/network/v2.0/security-groups"); len(l) != 1 || l[0].Status != http.StatusCreated {
		t.Errorf("log:\n%s", l)
	}
}

func TestARivalsWriteComesBetween(t *testing.T) {
	c, site, client := world(t)
	id := site.Servers[0].Port
	p, err := client.Port(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c.Inject(openstacktest.Fault{Method: "PUT", Path: "/network/v2.0/ports/*", Nth: 1, Rival: func() { c.Touch(id) }})
	pairs := []openstack.AddressPair{{IP: "10.0.0.136"}}
	if _, err := client.UpdatePort(t.Context(), id, p.Revision, openstack.PortUpdate{Pairs: &pairs}); !errors.Is(err, openstack.ErrConflict) {
		t.Errorf("the write after the rival's: %v", err)
	}
	if _, err := client.UpdatePort(t.Context(), id, p.Revision+1, openstack.PortUpdate{Pairs: &pairs}); err != nil {
		t.Errorf("the repeated write: %v", err)
	}
}

func TestATokenThatIsGoneIsRenewedByALogin(t *testing.T) {
	c, site, client := world(t)
	c.RevokeTokens()
	if _, err := client.Port(t.Context(), site.Servers[0].Port); err != nil {
		t.Error(err)
	}
	c.RevokeTokens()
	c.SetPassword("demo", "another")
	if _, err := client.Port(t.Context(), site.Servers[0].Port); !errors.Is(err, openstack.ErrUnauthorized) {
		t.Errorf("with a changed password: %v", err)
	}
}

func TestTheLogCountsWritesAndTheLongestChain(t *testing.T) {
	at := func(from, to int) openstacktest.Request {
		return openstacktest.Request{Method: "GET", Path: "/network/v2.0/ports", Start: time.Unix(int64(from), 0), End: time.Unix(int64(to), 0)}
	}
	for name, tc := range map[string]struct {
		log  openstacktest.Log
		want int
	}{
		"none":                      {nil, 0},
		"three at once":             {openstacktest.Log{at(0, 2), at(1, 3), at(0, 3)}, 1},
		"three in turn":             {openstacktest.Log{at(4, 5), at(0, 1), at(2, 3)}, 3},
		"a long one beside two":     {openstacktest.Log{at(0, 9), at(0, 1), at(2, 3)}, 2},
		"one that begins at an end": {openstacktest.Log{at(0, 1), at(1, 2)}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.log.Depth(); got != tc.want {
				t.Errorf("depth is %d, want %d", got, tc.want)
			}
		})
	}
}

func TestALookAtTheConsoleAndALoginAreNoWrites(t *testing.T) {
	c, site, client := world(t)
	c.SetConsole(site.Servers[0].ID, "hello\n")
	text, err := client.ConsoleOutput(t.Context(), site.Servers[0].ID)
	if err != nil || text != "hello\n" {
		t.Errorf("console is %q, %v", text, err)
	}
	if w := c.Requests().Writes(); len(w) > 0 {
		t.Errorf("these count as writes:\n%s", w)
	}
	if err := client.AddTag(t.Context(), openstack.Ports, site.Servers[0].Port, "havip"); err != nil {
		t.Fatal(err)
	}
	if w := c.Requests().Writes(); len(w) != 1 {
		t.Errorf("a tag is one write, not:\n%s", w)
	}
}

func TestLatencyIsPaidByEachRequest(t *testing.T) {
	c, site, client := world(t)
	c.SetLatency(30 * time.Millisecond)
	c.Forget()
	for range 3 {
		if _, err := client.Port(t.Context(), site.Servers[0].Port); err != nil {
			t.Fatal(err)
		}
	}
	l := c.Requests()
	if l.Depth() != 3 {
		t.Errorf("depth is %d, want 3", l.Depth())
	}
	for _, r := range l {
		if r.End.Sub(r.Start) < 30*time.Millisecond {
			t.Errorf("%s took %s", r, r.End.Sub(r.Start))
		}
	}
}
