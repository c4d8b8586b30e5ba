package provision

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/provision/spec"
)

func TestTheWayToAServer(t *testing.T) {
	server := openstack.Server{ID: "s1", Name: "bastion-1", Addresses: []openstack.Address{
		{IP: netip.MustParseAddr("10.0.0.130")},
		{IP: netip.MustParseAddr("203.0.113.20"), Floating: true},
	}}
	o := plan.Observed{
		Servers: map[string][]openstack.Server{"bastion-1": {server}},
		Ports:   []openstack.Port{{ID: "p1", DeviceID: "s1"}, {ID: "p2", DeviceID: "other"}},
		FloatingIPs: []openstack.FloatingIP{
			{Address: netip.MustParseAddr("203.0.113.20"), PortID: "p1"},
			{Address: netip.MustParseAddr("203.0.113.21"), PortID: "p1"}, // too new for Nova's cache
			{Address: netip.MustParseAddr("203.0.113.22"), PortID: "p2"},
		},
	}
	for _, tt := range []struct {
		name      string
		way       spec.SSH
		host      spec.ServerSSH
		names     []string
		addresses []string
	}{
		{
			name:      "by its name, else by floating IP, else by fixed address",
			addresses: []string{"203.0.113.20", "203.0.113.21", "10.0.0.130"},
		},
		{
			name: "through a jump host the fixed address comes first", way: spec.SSH{Jump: []string{"jump"}},
			addresses: []string{"10.0.0.130", "203.0.113.20", "203.0.113.21"},
		},
		{
			name: "a host name of the group file comes before the server's", host: spec.ServerSSH{Host: "b1.example"},
			names: []string{"b1.example"}, addresses: []string{"203.0.113.20", "203.0.113.21", "10.0.0.130"},
		},
		{
			name: "an address of the group file is the only one", host: spec.ServerSSH{Host: "10.9.9.9"},
			names: []string{"10.9.9.9"}, addresses: []string{"10.9.9.9"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := (&Service{}).NewFleet()
			f.hints = []spec.Server{{Ref: "bastion-1", SSH: tt.host}}
			f.Know(spec.Group{SSH: tt.way}, o)
			got := f.servers["s1"].target
			if got.ServerName != "bastion-1" {
				t.Errorf("server name %q", got.ServerName)
			}
			if diff := cmp.Diff(tt.names, got.Names); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.addresses, got.Addresses); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConsoleKeysAreReadWhereverTheServerIsReached(t *testing.T) {
	o := plan.Observed{Servers: map[string][]openstack.Server{"b": {{ID: "s1", Name: "bastion-1"}}}}
	for _, host := range []string{"", "b1.example", "10.9.9.9"} {
		f := (&Service{}).NewFleet()
		f.hints = []spec.Server{{Ref: "s1", SSH: spec.ServerSSH{Host: host}}}
		f.Know(spec.Group{SSH: spec.SSH{HostKeys: spec.Console}}, o)
		if f.servers["s1"].target.ConsoleKeys == nil {
			t.Errorf("ssh.host %q: the console is not read", host)
		}
	}
}

// sshConn is a connection that a test can end. It answers nothing.
type sshConn struct {
	dead   bool
	closed bool
}

func (*sshConn) Run(ctx context.Context, _ string, _ io.Reader) ([]byte, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}
func (*sshConn) Address() string { return "10.0.0.130" }
func (*sshConn) User() string    { return "debian" }
func (c *sshConn) Alive() bool   { return !c.dead }
func (c *sshConn) Via() []string { return nil }
func (c *sshConn) Close() error  { c.closed = true; return errors.New("broken pipe") }

func TestAConnectionIsKeptWhileItLivesAndMadeAnewAfterwards(t *testing.T) {
	var made []*sshConn
	var fail error
	f := (&Service{Dial: func(context.Context, remote.Target) (Connection, error) {
		if fail != nil {
			return nil, fail
		}
		made = append(made, &sshConn{})
		return made[len(made)-1], nil
	}}).NewFleet()
	f.Know(spec.Group{}, plan.Observed{Servers: map[string][]openstack.Server{"b": {{ID: "s1"}}}})
	connect := func(wantConn int, wantErr error) {
		t.Helper()
		c, err := f.connect(t.Context(), "s1")
		if !errors.Is(err, wantErr) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if err == nil && (len(made) != wantConn || c != made[wantConn-1]) {
			t.Fatalf("%d connections were made, want %d", len(made), wantConn)
		}
	}
	fail = errors.New("still booting")
	connect(0, fail)
	fail = nil
	connect(1, nil) // a failure is not kept
	connect(1, nil) // a connection is
	made[0].dead = true
	connect(2, nil)
	if !made[0].closed || made[1].closed {
		t.Errorf("closed: the dead one %t, the new one %t", made[0].closed, made[1].closed)
	}
	_ = f.Close()
	if !made[1].closed {
		t.Error("Close leaves a connection open")
	}
}

// nicConn is a connection to a machine whose NICs have these MACs.
type nicConn struct {
	*sshConn
	macs string
	runs *int
}

func (c nicConn) Run(context.Context, string, io.Reader) ([]byte, error) {
	*c.runs++
	return []byte("welcome\n00:00:00:00:00:00\n" + c.macs + "\n"), nil
}

func (nicConn) Close() error { return nil }

func TestAServerIsWorkedOnOnlyWhereItsPortsMACIs(t *testing.T) {
	const ours, other = "FA:16:3E:00:00:01", "fa:16:3e:99:99:01"
	ports := []openstack.Port{{ID: "p1", DeviceID: "s1", MAC: "fa:16:3e:00:00:01"}, {ID: "p2", DeviceID: "s2", MAC: other}}
	var there string
	var made *sshConn
	runs := 0
	f := (&Service{Dial: func(context.Context, remote.Target) (Connection, error) {
		made = &sshConn{}
		return nicConn{made, there, &runs}, nil
	}}).NewFleet()
	know := func(ports ...openstack.Port) {
		f.Know(spec.Group{}, plan.Observed{Servers: map[string][]openstack.Server{"b": {{ID: "s1", Name: "bastion-1"}}}, Ports: ports})
	}
	know(ports...)
	get := func(where string, wantRuns int, wantOK bool) {
		t.Helper()
		there = where
		_, err := f.Server(t.Context(), "s1")
		if (err == nil) != wantOK || runs != wantRuns {
			t.Errorf("error %v, and %d looks, want %d", err, runs, wantRuns)
		}
		if err != nil && (!strings.Contains(err.Error(), "another machine") || !strings.Contains(hintOf(err), "bastion-1")) {
			t.Errorf("error %v, hint %q", err, hintOf(err))
		}
	}
	get(other, 1, false)
	get(ours, 2, true)  // the connection to another machine is not kept
	get(other, 2, true) // this one is known
	made.dead = true
	get(other, 3, false)
	know() // as for a server whose port is gone
	get(other, 3, true)
}

func TestAFloatingIPThatIsElsewhereIsNoWayToAServer(t *testing.T) {
	at := map[string]string{"203.0.113.10": "vip", "203.0.113.11": "", "203.0.113.12": "p1", "203.0.113.13": "on another network"}
	sv := openstack.Server{ID: "s1", Name: "bastion-1"}
	o := plan.Observed{
		Servers: map[string][]openstack.Server{"b": {sv}},
		Ports:   []openstack.Port{{ID: "p1", DeviceID: "s1"}, {ID: "vip"}},
	}
	for _, a := range slices.Sorted(maps.Keys(at)) {
		ip := netip.MustParseAddr(a)
		sv.Addresses = append(sv.Addresses, openstack.Address{IP: ip, Floating: true}) // by Nova's cache
		o.FloatingIPs = append(o.FloatingIPs, openstack.FloatingIP{Address: ip, PortID: at[a]})
	}
	sv.Addresses = append(sv.Addresses, openstack.Address{IP: netip.MustParseAddr("203.0.113.14"), Floating: true}) // another project's
	o.Servers["b"][0] = sv
	f := (&Service{}).NewFleet()
	f.Know(spec.Group{}, o)
	want := []string{"203.0.113.12", "203.0.113.13", "203.0.113.14"}
	if d := cmp.Diff(want, f.servers["s1"].target.Addresses); d != "" {
		t.Errorf("addresses (-want +got):\n%s", d)
	}
}

func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // an hour would pass in no time
		f := (&Service{Dial: func(context.Context, remote.Target) (Connection, error) { return &sshConn{}, nil }}).NewFleet()
		sv := openstack.Server{ID: "s1", Name: "bastion-1", Status: "ACTIVE"}
		f.Know(spec.Group{}, plan.Observed{Servers: map[string][]openstack.Server{"b": {sv}}})
		h := f.Inspect(t.Context(), sv, "bastion")
		if !strings.Contains(h.Err, "no answer within 1m0s") || !strings.Contains(h.Hint, "log in to bastion-1") {
			t.Errorf("error %q, hint %q", h.Err, h.Hint)
		}
	})
}
