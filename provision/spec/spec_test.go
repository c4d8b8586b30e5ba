package spec

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

var compare = cmpopts.EquateComparable(netip.Addr{})

func parse(t *testing.T, name string) Group {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	g, err := Parse(data, name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestExamplesParse(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if g := parse(t, filepath.Base(file)); g.Name == "" {
				t.Error("a group without a name")
			}
		})
	}
}

// minimal is what examples/bastion.yaml says, and what the flags of
// TestFlagsAloneMakeAGroup say.
func minimal() Group {
	return Group{
		Name:    "bastion",
		Servers: []Server{{Ref: "bastion-1"}, {Ref: "bastion-2"}},
		VIPs: []VIP{{
			Network: "internal", Address: netip.MustParseAddr("10.0.0.136"),
			FloatingIP: FloatingIP{Address: netip.MustParseAddr("203.0.113.10")},
		}},
		VRRP:   VRRP{Interval: 300 * time.Millisecond, Version: 3, Mode: "unicast", StartDelay: api.Duration(DefaultStartDelay), Announce: usual},
		Verify: Verify{Kind: VerifyTCP, Port: 22},
		SSH:    SSH{HostKeys: KnownHosts},
	}
}

func TestAMinimalFileGetsTheDefaults(t *testing.T) {
	if diff := cmp.Diff(minimal(), parse(t, "bastion.yaml"), compare); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// usual is how announcements are made where the file does not say.
var usual = config.Announce{Refresh: config.DefaultRefresh}

func TestDelaysAndAnnouncementsReachTheGroup(t *testing.T) {
	g, err := Parse([]byte(strings.Replace(full, "{id: 7,", "{id: 7, preempt_delay: 3s, start_delay: 2500ms, announce: {replies: true, refresh: 10s},", 1)), "f")
	if err != nil {
		t.Fatal(err)
	}
	want := VRRP{
		ID: 7, Interval: time.Second, Preempt: true, Version: 3, Mode: "unicast",
		PreemptDelay: api.Duration(3 * time.Second), StartDelay: api.Duration(2500 * time.Millisecond),
		Announce: config.Announce{Replies: true, Refresh: api.Duration(10 * time.Second)},
	}
	if diff := cmp.Diff(want, g.VRRP); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEveryKeyOfAFileReachesTheGroup(t *testing.T) {
	second := api.Duration(time.Second)
	want := Group{
		Name: "bastion", Cloud: "mycloud",
		Servers: []Server{
			{Ref: "bastion-1"},
			{Ref: "3b1c9f52-6c0e-4f0e-9d0a-5a7b8f0c1d2e"},
			{Ref: "bastion-3", Port: "5f0c2f1e-77a1-4c55-9a6e-0d3c1b2a4f60", SSH: ServerSSH{Host: "10.0.0.133", Port: 2222, User: "admin"}},
		},
		VIPs: []VIP{{
			Network: "internal", Subnet: "internal-v4", Address: netip.MustParseAddr("10.0.0.136"),
			FloatingIP: FloatingIP{Address: netip.MustParseAddr("203.0.113.10")},
		}},
		VRRP: VRRP{ID: 51, Interval: 300 * time.Millisecond, Version: 3, Mode: "unicast", StartDelay: 2 * second, Announce: usual},
		Checks: []config.Check{
			{Name: "ssh", TCP: ":22", Interval: second, Timeout: second, Fall: 3, Rise: 2},
			{Name: "web", HTTP: "http://localhost:8080/health", Status: []int{200, 204}, Interval: 5 * second, Timeout: second, Fall: 3, Rise: 2},
			config.Check{Name: "tls", HTTP: "https://localhost/", Insecure: true}.WithDefaults(),
			config.Check{Name: "nginx", Process: "nginx"}.WithDefaults(),
			config.Check{Name: "unit", Unit: "nginx.service"}.WithDefaults(),
			config.Check{Name: "alive", File: "/run/app/alive", MaxAge: 10 * second}.WithDefaults(),
			config.Check{Name: "router", Gateway: config.GatewayAuto}.WithDefaults(),
			config.Check{Name: "custom", Exec: []string{"/usr/local/bin/is-healthy", "--quick"}, Interval: 5 * second, Timeout: 2 * second}.WithDefaults(),
		},
		Verify: Verify{Kind: VerifyTCP, Port: 22},
		SSH: SSH{
			User: "debian", Jump: []string{"ops@203.0.113.1", "gate.example.net:2222"},
			Identity: "~/.ssh/id_ed25519", Config: "~/.ssh/config", HostKeys: KnownHosts,
		},
	}
	if diff := cmp.Diff(want, parse(t, "bastion-full.yaml"), compare); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAFloatingIPMayBeAllocated(t *testing.T) {
	want := []VIP{{Network: "internal", FloatingIP: FloatingIP{Network: "public"}}}
	if diff := cmp.Diff(want, parse(t, "allocate.yaml").VIPs, compare); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestVerifyReadsWhatItWrites(t *testing.T) {
	for text, want := range map[string]Verify{
		"tcp:22":                    {Kind: VerifyTCP, Port: 22},
		"tcp:65535":                 {Kind: VerifyTCP, Port: 65535},
		"icmp":                      {Kind: VerifyICMP},
		"none":                      {Kind: VerifyNone},
		"http://web:8080/health":    {Kind: VerifyHTTP, URL: "http://web:8080/health"},
		"https://web/":              {Kind: VerifyHTTP, URL: "https://web/"},
		"http:http://web/":          {Kind: VerifyHTTP, URL: "http://web/"},
		"http:https://web:8443/a?b": {Kind: VerifyHTTP, URL: "https://web:8443/a?b"},
	} {
		got, err := ParseVerify(text)
		if err != nil || got != want {
			t.Errorf("ParseVerify(%q) = %+v, %v, want %+v", text, got, err, want)
		}
		if again, err := ParseVerify(got.String()); err != nil || again != got {
			t.Errorf("ParseVerify(%q) = %+v, %v, want %+v", got, again, err, got)
		}
	}
	for _, text := range []string{"", "tcp", "tcp:", "tcp:0", "tcp:65536", "tcp:ssh", "udp:53", "http:", "http:/x", "http://", "ICMP", "ftp://x"} {
		if got, err := ParseVerify(text); err == nil {
			t.Errorf("ParseVerify(%q) = %+v, want an error", text, got)
		}
	}
}

func TestJumpHosts(t *testing.T) {
	for hop, want := range map[string]bool{
		"gate": true, "ops@gate": true, "gate:2222": true, "ops@gate:2222": true, "10.0.0.1": true,
		"[fd00::1]": true, "ops@[fd00::1]:22": true, "ops@corp@gate": true,
		"": false, "@gate": false, "ops@": false, "gate:": false, "gate:x": false, "gate:0": false, "fd00::1": false,
		"[fd00::1": false, "[gate]": false, "-oProxyCommand=x": false, "-x@gate": false, "a b": false, ":22": false, "ssh://gate": false,
	} {
		if got := validJump(hop); got != want {
			t.Errorf("validJump(%q) = %t, want %t", hop, got, want)
		}
	}
}
