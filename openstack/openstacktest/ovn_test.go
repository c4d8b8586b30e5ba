package openstacktest_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/havip/havip/openstack/openstacktest"
)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var vipAddress = netip.MustParseAddr("10.0.0.136")

// ovnCloud has two servers and a VIP port with a floating IP.
func ovnCloud(t *testing.T) (*openstacktest.Cloud, *clock, openstacktest.Site, string) {
	t.Helper()
	at := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c := openstacktest.New(openstacktest.Config{Backend: openstacktest.OVN, Now: at.Now})
	t.Cleanup(c.Close)
	site := c.Seed(openstacktest.Seed{FloatingIPs: -1})
	vip := c.Demo().Post("/network/v2.0/ports", map[string]any{"port": map[string]any{
		"network_id": site.Network, "fixed_ips": []map[string]any{{"ip_address": vipAddress.String()}}, "security_groups": []string{},
	}}).ID()
	c.AddFloatingIP(vip)
	return c, at, site, vip
}

func carrier(c *openstacktest.Cloud) string { return c.View().FloatingIPs[0].Carrier }

func revision(c *openstacktest.Cloud, port string) int {
	var p struct {
		Revision int `json:"revision_number"`
	}
	c.Demo().Get("/network/v2.0/ports/" + port).Into(&p)
	return p.Revision
}

func TestOnOVNOnlyTheExactBareVIPInAPairMakesItsFloatingIPWork(t *testing.T) {
	for name, tc := range map[string]struct {
		pairs []string
		moves bool
	}{
		"no pair":                   {nil, false},
		"the bare address":          {[]string{"10.0.0.136"}, true},
		"the address as a prefix":   {[]string{"10.0.0.136/32"}, false},
		"a prefix that contains it": {[]string{"10.0.0.0/24"}, false},
		"all addresses":             {[]string{"0.0.0.0/0"}, false},
		"among others":              {[]string{"10.0.0.7", "10.0.0.136"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, site, _ := ovnCloud(t)
			member := site.Servers[0].Port
			c.SetPairs(member, tc.pairs...)
			if got := c.Claim(member, vipAddress); got != tc.moves {
				t.Errorf("the claim moves: %t, want %t", got, tc.moves)
			}
			want := ""
			if tc.moves {
				want = member
			}
			if got := carrier(c); got != want {
				t.Errorf("carrier is %q, want %q", got, want)
			}
		})
	}
}

func TestOnOVNAClaimBumpsTheVIPPortsRevisionByTwoAndThatOfTheMemberNot(t *testing.T) {
	c, _, site, vip := ovnCloud(t)
	member := site.Servers[0].Port
	c.SetPairs(member, "10.0.0.136")
	before, memberBefore := revision(c, vip), revision(c, member)
	c.Claim(member, vipAddress)
	if got := revision(c, vip); got != before+2 {
		t.Errorf("revision of the VIP port was %d and is %d", before, got)
	}
	if got := revision(c, member); got != memberBefore {
		t.Errorf("revision of the member port was %d and is %d", memberBefore, got)
	}
	c.Claim(member, vipAddress)
	if got := revision(c, vip); got != before+2 {
		t.Errorf("the same announcement again made it %d", got)
	}
}

func TestOnOVNClaimsInsideTheBackoffAreDroppedAndMakeItLonger(t *testing.T) {
	c, at, site, _ := ovnCloud(t)
	one, two := site.Servers[0].Port, site.Servers[1].Port
	c.SetPairs(one, "10.0.0.136")
	c.SetPairs(two, "10.0.0.136")
	c.Claim(one, vipAddress)
	for _, step := range []struct {
		after time.Duration
		port  string
		moves bool
	}{
		{500 * time.Millisecond, two, false}, // the window is 2 s now
		{time.Second, two, false},            // 3 s
		{2 * time.Second, two, true},
		{1100 * time.Millisecond, one, true}, // it was 1 s again
	} {
		at.add(step.after)
		if got := c.Claim(step.port, vipAddress); got != step.moves {
			t.Fatalf("after %s the claim moves: %t, want %t", step.after, got, step.moves)
		}
	}
}

func TestOnOVNTheFloatingIPDiesWithThePairAndWithItsServer(t *testing.T) {
	for name, end := range map[string]func(*openstacktest.Cloud, openstacktest.SeededServer){
		"the pair is wiped": func(c *openstacktest.Cloud, s openstacktest.SeededServer) { c.SetPairs(s.Port) },
		"the server stops": func(c *openstacktest.Cloud, s openstacktest.SeededServer) {
			c.Demo().Post("/compute/v2.1/servers/"+s.ID+"/action", map[string]any{"os-stop": nil})
		},
		"the port is deleted": func(c *openstacktest.Cloud, s openstacktest.SeededServer) {
			c.Demo().Delete("/network/v2.0/ports/" + s.Port)
		},
		"port security is switched off": func(c *openstacktest.Cloud, s openstacktest.SeededServer) { c.SetPortSecurity(s.Port, false) },
	} {
		t.Run(name, func(t *testing.T) {
			c, _, site, _ := ovnCloud(t)
			c.SetPairs(site.Servers[0].Port, "10.0.0.136")
			if !c.Claim(site.Servers[0].Port, vipAddress) {
				t.Fatal("the first claim does not move")
			}
			end(c, site.Servers[0])
			if got := carrier(c); got != "" {
				t.Errorf("carrier is %q, want none", got)
			}
		})
	}
}

func TestAServersOwnFloatingIPIsCarriedByIt(t *testing.T) {
	c := openstacktest.New(openstacktest.Config{Backend: openstacktest.OVN})
	t.Cleanup(c.Close)
	site := c.Seed(openstacktest.Seed{Servers: 1, FloatingIPs: -1, ServerFloatingIPs: true})
	if got := carrier(c); got != site.Servers[0].Port {
		t.Errorf("carrier is %q, want the server's port", got)
	}
}
