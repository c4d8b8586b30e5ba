package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
)

func TestAnSSHServerThatPenalisesIsAskedOnlyByWhoWishes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n")
			_ = c.Close()
		}
	}()
	at := netip.MustParseAddrPort(l.Addr().String())
	target := pulse.Target(fmt.Sprintf("tcp:%d", at.Port()))
	says := fmt.Sprintf("the SSH server at %s shuts out for minutes who connects often without logging in, as %s does (PerSourcePenalties)", at, target)
	for name, tt := range map[string]struct {
		wish, target pulse.Target
		refused      bool
		warnings     []string
	}{
		"for want of another":  {"", target, true, nil},
		"wished":               {target, target, false, []string{says}},
		"another one is asked": {"", "icmp", false, nil},
	} {
		w := &warnings{}
		err := (&Service{Report: w}).penalties(t.Context(), tt.wish, tt.target, at.Addr())
		refusal, refused := errors.AsType[*PreflightError](err)
		if refused != tt.refused || refused && refusal.Findings[0].Message != says {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tt.warnings, w.all); d != "" {
			t.Errorf("%s: warnings (-want +got):\n%s", name, d)
		}
	}
}

func TestAWayForSSHThroughTheVIPOrAMemberIsFound(t *testing.T) {
	ip := netip.MustParseAddr
	server := func(id, name, fixed string) openstack.Server {
		return openstack.Server{ID: id, Name: name, Addresses: []openstack.Address{{IP: ip(fixed)}}}
	}
	one, two := server("s1", "bastion-1", "10.0.0.11"), server("s2", "bastion-2", "10.0.0.12")
	names := map[string]string{"vip.example": "203.0.113.10", "jump.example": "203.0.113.1", "first.example": "203.0.113.11", "mapped.example": "::ffff:10.0.0.11"}
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if a, err := netip.ParseAddr(host); err == nil {
			return []netip.Addr{a}, nil
		}
		if a, ok := names[host]; ok {
			return []netip.Addr{ip("192.0.2.1"), ip(a)}, nil
		}
		return nil, errors.New("no such host")
	}
	for name, tt := range map[string]struct {
		address string
		via     []string
		want    string
	}{
		"straight":                                {"10.0.0.12", nil, ""},
		"by a jump host":                          {"10.0.0.12", []string{"jump.example"}, ""},
		"by one whose name is not known here":     {"10.0.0.12", []string{"jump.example", "inner"}, ""},
		"by the VIP":                              {"10.0.0.12", []string{"10.0.0.100"}, "10.0.0.100"},
		"by a name of the floating IP":            {"10.0.0.12", []string{"vip.example"}, "vip.example"},
		"by a member's address":                   {"10.0.0.12", []string{"jump.example", "10.0.0.11"}, "10.0.0.11"},
		"by a member's address, mapped":           {"10.0.0.12", []string{"mapped.example"}, "mapped.example"},
		"by a name of a member's own floating IP": {"10.0.0.12", []string{"first.example"}, "first.example"},
		"by a member's name, known on the hop":    {"10.0.0.12", []string{"jump.example", "Bastion-1"}, "Bastion-1"},
		"to the member at the VIP itself":         {"vip.example", nil, "vip.example"},
	} {
		g := group{
			Desired: plan.Desired{
				Group: "bastion", VIPs: []plan.VIP{{Network: openstack.Network{ID: "n1"}, Address: ip("10.0.0.100")}},
				Members: []plan.Member{{Server: one}, {Server: two}},
			},
			Observed: plan.Observed{
				Servers: map[string][]openstack.Server{"bastion-1": {one}, "bastion-2": {two}},
				Hosts:   map[string]plan.Host{"s1": {Address: "10.0.0.11"}, "s2": {Address: tt.address, Via: tt.via}},
				Ports: []openstack.Port{
					{ID: "p0", NetworkID: "n1", Tags: []string{plan.TagGroup("bastion")}, FixedIPs: []openstack.FixedIP{{IP: ip("10.0.0.100")}}},
					{ID: "p1", DeviceID: "s1"},
				},
				FloatingIPs: []openstack.FloatingIP{{Address: ip("203.0.113.10"), PortID: "p0"}, {Address: ip("203.0.113.11"), PortID: "p1"}},
			},
		}
		if got := cutOff(t.Context(), g, lookup); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// behind is a server that is reached through a jump host.
type behind struct {
	Connection
	jump string
}

func (b behind) Via() []string { return []string{b.jump} }

func TestATestThatWouldCutItsOwnWayIsRefused(t *testing.T) {
	a := &agents{states: map[string]api.State{"bastion-1": api.Active, "bastion-2": api.Backup, "bastion-3": api.Backup}}
	s := &Service{Cloud: newGroupCloud(), Now: time.Now, Report: &warnings{}, Dial: func(ctx context.Context, to remote.Target) (Connection, error) {
		c, err := a.dial(ctx, to)
		return behind{c, "10.0.0.136"}, err
	}}
	_, err := s.FailoverTest(t.Context(), Selection{Name: "bastion"}, FailoverOptions{AllowDegraded: true})
	refusal, ok := errors.AsType[*PreflightError](err)
	if !ok || refusal.Findings[0].Message != "SSH goes through 10.0.0.136, which the test would cut off" {
		t.Errorf("error %v", err)
	}
}
