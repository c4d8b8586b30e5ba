package provision_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/provision/spec"
)

// A create makes at most 25 + 3N requests for N servers, at most 10 of them
// one after the other: a slow API must not make a large group slow.
func TestRequestsAndTheirDepthDoNotGrowWithTheGroup(t *testing.T) {
	for _, n := range []int{2, 50} {
		t.Run(fmt.Sprintf("%d servers", n), func(t *testing.T) {
			// Requests that are made at once seem to come one after the other
			// on a machine that is slower than the API: then a slower API tells.
			for _, latency := range []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second} {
				requests := countRequests(t, n, latency)
				if len(requests) > 25+3*n {
					t.Fatalf("too many requests:\n%v", requests)
				}
				if requests.Depth() <= 10 {
					return
				}
				t.Logf("too many one after the other?\n%v", requests)
			}
			t.Error("more than 10 requests one after the other")
		})
	}
}

// countRequests makes a group, and makes it again, which writes nothing.
func countRequests(t *testing.T, n int, latency time.Duration) openstacktest.Log {
	t.Helper()
	cloud := openstacktest.Start(t, openstacktest.Config{Latency: latency})
	site := cloud.Seed(openstacktest.Seed{Servers: n})
	service := newService(t, cloud, newRack(cloud.View()))
	group := parse(t, n, site.FloatingIPs[0])

	cloud.Forget()
	began := time.Now()
	out := create(t, service, group)
	took := time.Since(began)
	requests := cloud.Requests()
	t.Logf("%d servers, %v a request: %d requests (limit %d), depth %d (limit 10), %.1f s",
		n, latency, len(requests), 25+3*n, requests.Depth(), took.Seconds())
	if out.Active != "bastion-1" || len(out.Members) != n {
		t.Errorf("active %q of %d members, want bastion-1 of %d", out.Active, len(out.Members), n)
	}

	cloud.Forget()
	if again := create(t, service, group); again.Changed {
		t.Error("the second create changes something")
	}
	if w := cloud.Requests().Writes(); len(w) > 0 {
		t.Errorf("the second create writes:\n%v", w)
	}
	return requests
}

func parse(t *testing.T, n int, floatingIP netip.Addr) spec.Group {
	t.Helper()
	var servers []string
	for i := range n {
		servers = append(servers, fmt.Sprintf("bastion-%d", i+1))
	}
	g, err := spec.Parse(fmt.Appendf(nil, `version: 1
name: bastion
servers: [%s]
verify: none
vips:
  - {network: internal, address: 10.0.0.200, floating_ip: %s}
`, strings.Join(servers, ", "), floatingIP), "bastion.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func create(t *testing.T, s *provision.Service, g spec.Group) provision.Outcome {
	t.Helper()
	p, err := s.PrepareCreate(t.Context(), g, provision.Options{})
	if err != nil {
		var refused *provision.PreflightError
		if errors.As(err, &refused) {
			t.Fatalf("%v: %+v", err, refused.Findings)
		}
		t.Fatal(err)
	}
	defer p.Close()
	out, err := s.Create(t.Context(), p, provision.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// newService logs in to the cloud, whose servers are in the rack.
func newService(t *testing.T, cloud *openstacktest.Cloud, r *rack) *provision.Service {
	t.Helper()
	clouds := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(clouds, []byte(cloud.CloudsYAML()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", clouds)
	client, err := openstack.Connect(t.Context(), openstack.Options{Cloud: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	agent := []byte("an agent")
	return &provision.Service{
		Cloud: client, Dial: r.dial, Now: time.Now, Holder: "a test", Report: silence{},
		Release: bundle.Release{Version: rackAgent, Binaries: map[string]bundle.Binary{"amd64": {
			SHA256: bundle.Sum(agent), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(agent)), nil },
		}}},
	}
}

type silence struct{}

func (silence) Begin(plan.Action)                  {}
func (silence) End(plan.Action, error)             {}
func (silence) Step(string, string, time.Duration) {}
func (silence) Warn(string, string)                {}

const rackAgent = "1.0.0"

// rack stands in for servers and their agents: it knows the scripts that havip
// runs by a word in each, and keeps what they are to leave behind.
type rack struct {
	mu      sync.Mutex
	servers map[netip.Addr]*machine
	active  *machine
	// eager is a server whose agent is active as soon as it runs; none when
	// all are backup until one is asked.
	eager netip.Addr
}

type machine struct {
	rack    *rack
	address netip.Addr
	mac     string

	binary, unit string // hashes
	file         []byte
	config       config.Config
	running      bool
}

func newRack(v openstacktest.View) *rack {
	r := &rack{servers: map[netip.Addr]*machine{}}
	for _, p := range v.Ports {
		if strings.HasPrefix(p.DeviceOwner, "compute:") {
			a := p.FixedIPs[0].Address
			r.servers[a] = &machine{rack: r, address: a, mac: p.MAC}
		}
	}
	return r
}

func (r *rack) dial(_ context.Context, t remote.Target) (provision.Connection, error) {
	for _, a := range t.Addresses {
		if m, ok := r.servers[netip.MustParseAddr(a)]; ok {
			return m, nil
		}
	}
	return nil, fmt.Errorf("no server has one of %v", t.Addresses)
}

func (m *machine) Address() string { return m.address.String() }
func (m *machine) User() string    { return "root" }
func (m *machine) Alive() bool     { return true }
func (m *machine) Via() []string   { return nil }
func (m *machine) Close() error    { return nil }

func (m *machine) Run(_ context.Context, command string, stdin io.Reader) ([]byte, error) {
	m.rack.mu.Lock()
	defer m.rack.mu.Unlock()
	switch {
	case strings.Contains(command, "fact havip 1"):
		return []byte(m.facts()), nil
	case strings.Contains(command, "gunzip"):
		data, err := io.ReadAll(stdin)
		m.binary = bundle.Sum(data)
		return nil, err
	case strings.Contains(command, "read -r unit64"):
		return nil, m.install(stdin)
	case strings.Contains(command, " switchover --group"):
		m.rack.active = m
		return nil, nil
	case strings.HasSuffix(strings.SplitN(command, "\nif [ \"$(id", 2)[0], "status\n'"):
		return json.Marshal(m.status())
	}
	return nil, fmt.Errorf("the rack does not know this script: %s", command)
}

func (m *machine) install(stdin io.Reader) error {
	text, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	unit, file, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	u, err := base64.StdEncoding.DecodeString(unit)
	if err != nil {
		return err
	}
	m.unit = bundle.Sum(u)
	if m.file, err = base64.StdEncoding.DecodeString(file); err != nil {
		return err
	}
	m.running = true
	if m.address == m.rack.eager && m.rack.active == nil {
		m.rack.active = m
	}
	m.config, err = config.Parse(m.file, "file")
	return err
}

func (m *machine) facts() string {
	facts := [][]string{
		{"havip", "1"},
		{"uid", "0"},
		{"arch", "x86_64"},
		{"init", "systemd"},
		{"nic", "ens3", m.mac},
		{"addr", "ens3", m.address.String() + "/24"},
	}
	if m.rack.active == m {
		facts = append(facts, []string{"addr", "ens3", m.config.Routers[0].Addresses[0].String()})
	}
	if m.running {
		status, _ := json.Marshal(m.status())
		facts = append(facts, [][]string{
			{"binary", m.binary},
			{"version", "havip-agent " + rackAgent},
			{"unit", m.unit},
			{"config", base64.StdEncoding.EncodeToString(m.file)},
			{"group", m.config.Group},
			{"enabled"},
			{"running"},
			{"exe", m.binary},
			{"status", base64.StdEncoding.EncodeToString(status)},
		}...)
	}
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintln(&b, strings.Join(f, "\t"))
	}
	return b.String()
}

func (m *machine) status() api.Status {
	st := api.Status{Version: api.Version, Agent: rackAgent, Group: m.config.Group, ConfigSHA256: config.SHA256(m.file), Now: time.Now()}
	for _, r := range m.config.Routers {
		state := api.Backup
		if m.rack.active == m {
			state = api.Active
		}
		out := api.Router{
			VRID: r.VRID, State: state, Priority: r.Priority, Interval: r.Interval, Preempt: r.Preempt,
			Interface: "ens3", Source: r.Source, Addresses: slices.Clone(r.Addresses), Held: state == api.Active,
		}
		for _, peer := range r.Peers {
			p := api.Peer{Address: peer}
			if a := m.rack.active; a != nil && a.address == peer {
				p.LastAdvert = st.Now
			}
			out.Peers = append(out.Peers, p)
		}
		st.Routers = append(st.Routers, out)
	}
	return st
}
