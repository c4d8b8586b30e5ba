package spec

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

const full = `version: 1
name: bastion
cloud: mycloud
servers:
  - bastion-1
  - {name: bastion-2, port: p2, ssh: {host: 10.0.0.131, port: 22, user: admin}}
vips:
  - {network: internal, subnet: v4, address: 10.0.0.136, floating_ip: {network: public}}
vrrp: {id: 7, interval: 1s, preempt: true, version: 3, mode: unicast}
checks: [{name: ssh, tcp: ":22"}]
verify: icmp
ssh: {user: debian, jump: [a], identity: i, config: c, host_keys: console}
`

func TestFlagsAloneMakeAGroup(t *testing.T) {
	got, err := Build(nil, Flags{
		Name: "bastion", Servers: []string{"bastion-1", "bastion-2"},
		Network: "internal", Address: "10.0.0.136", FloatingIP: "203.0.113.10",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(minimal(), got, compare); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEveryFlagOverridesTheFile(t *testing.T) {
	preempt := false
	second := api.Duration(time.Second)
	want := Group{
		Name: "other", Cloud: "othercloud",
		Servers: []Server{
			{Ref: "bastion-3", Port: "p3"},
			{Ref: "bastion-2", Port: "p2", SSH: ServerSSH{Host: "10.0.0.131", Port: 22, User: "admin"}},
		},
		VIPs: []VIP{{
			Network: "n", Subnet: "s", Address: netip.MustParseAddr("10.1.0.1"),
			FloatingIP: FloatingIP{Address: netip.MustParseAddr("203.0.113.1")},
		}},
		VRRP: VRRP{Interval: 20 * time.Millisecond, Version: 3, Mode: "unicast", StartDelay: api.Duration(DefaultStartDelay), Announce: usual},
		Checks: []config.Check{
			{Name: "a", TCP: ":22", Interval: second, Timeout: second, Fall: 3, Rise: 2},
			{Name: "b", TCP: ":23", Interval: second, Timeout: second, Fall: 3, Rise: 2},
			{Name: "c", TCP: "db:24", Interval: second, Timeout: second, Fall: 3, Rise: 2},
			{Name: "d", HTTP: "http://x/?a=b", Interval: second, Timeout: second, Fall: 3, Rise: 2},
		},
		Verify: Verify{Kind: VerifyTCP, Port: 80},
		SSH:    SSH{User: "u", Jump: []string{"b", "c", "d"}, Identity: "i2", Config: "c2", HostKeys: AcceptNew},
	}
	got, err := Build(Read([]byte(full), "f"), Flags{
		Name: "other", Cloud: "othercloud", Servers: []string{"bastion-3=p3", "bastion-2"},
		Network: "n", Subnet: "s", Address: "10.1.0.1", FloatingIP: "203.0.113.1",
		VRID: "auto", Interval: "20ms", Preempt: &preempt,
		Checks: []string{"a=tcp:22", "b=tcp::23", "c=tcp:db:24", "d=http://x/?a=b"}, Verify: "tcp:80",
		SSHUser: "u", SSHJump: []string{"b,c", "d"}, SSHIdentity: "i2", SSHConfig: "c2", HostKeys: "accept-new",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAFileCanBeBuiltTwice(t *testing.T) {
	f := Read([]byte(full), "f")
	before, err := Build(f, Flags{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(f, Flags{Address: "10.0.0.99", Servers: []string{"x", "y"}}); err != nil {
		t.Fatal(err)
	}
	after, err := Build(f, Flags{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after, compare); diff != "" {
		t.Errorf("flags of another build stayed (-before +after)\n%s", diff)
	}
}

// Each case replaces one piece of the good file.
func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"a file without a version":        {"version: 1\n", "", "f:1:1: version: is missing\n  hint: begin the file with version: 1"},
		"a file of another version":       {"version: 1\n", "version: 2\n", "f:1:10: version: this havip reads version 1 of the group file, got 2"},
		"no name":                         {"name: bastion\n", "", "f:1:1: name: is missing"},
		"a bad name":                      {"name: bastion\n", "name: The Bastion\n", `f:2:7: name: "The Bastion" cannot be the name of a group`},
		"an empty list of servers":        {"servers:\n", "servers: []\nserver:\n", "f:4:10: servers: is missing"},
		"one server":                      {"  - bastion-1\n", "", "f:5:3: servers: a group of one server has nothing to fail over to"},
		"a server twice":                  {"- bastion-1", "- bastion-2", `f:6:5: servers[1]: "bastion-2" is listed twice, first at servers[0]`},
		"a server without a name":         {"{name: bastion-2, ", "{", "f:6:5: servers[1].name: is missing"},
		"a server's port twice":           {"- bastion-1", "- {name: bastion-1, port: p2}", `f:6:29: servers[1].port: "p2" is listed twice, first at servers[0]`},
		"an SSH host twice":               {"- bastion-1", "- {name: bastion-1, ssh: {host: 10.0.0.131, port: 22}}", `servers[1].ssh.host: "10.0.0.131:22" is listed twice, first at servers[0]`},
		"an SSH host that is an option":   {"host: 10.0.0.131", "host: -oProxyCommand=x", `f:6:45: servers[1].ssh.host: "-oProxyCommand=x" cannot be`},
		"an SSH port out of range":        {"port: 22,", "port: 65536,", "servers[1].ssh.port: want 1 to 65535, got \"65536\""},
		"SSH port 0":                      {"port: 22,", "port: 0,", "servers[1].ssh.port: want 1 to 65535, got \"0\""},
		"an SSH user with a host":         {"user: admin", "user: admin@x", `servers[1].ssh.user: want a login name, got "admin@x"`},
		"no VIP":                          {"vips:\n", "vips: []\nold:\n", "f:7:7: vips: is missing"},
		"two VIPs":                        {"\nvrrp", "\n  - {network: b}\nvrrp", "f:9:5: vips[1]: this version of havip moves one address"},
		"a VIP without a network":         {"network: internal, ", "", "f:8:5: vips[0].network: is missing"},
		"an IPv6 VIP":                     {"10.0.0.136", "fd00::1", "vips[0].address: fd00::1 is IPv6, in which this version of havip sets up no group yet"},
		"a bad address":                   {"10.0.0.136", "10.0.0", `vips[0].address: want an IP address such as 10.0.0.136, got "10.0.0"`},
		"the VIP as its floating IP":      {"{network: public}", "10.0.0.136", "vips[0].floating_ip: 10.0.0.136 is the VIP itself"},
		"a network's name as floating IP": {"{network: public}", "public", "vips[0].floating_ip: want an IP address, got \"public\"\n  hint: to allocate one from a network write {network: public}"},
		"a floating IP of nothing":        {"{network: public}", "{}", "vips[0].floating_ip: want an IP address, or {network: NAME} to allocate one"},
		"a floating IP's unknown key":     {"{network: public}", "{net: public}", "vips[0].floating_ip.net: unknown key"},
		"an IPv6 floating IP":             {"{network: public}", "2001:db8::1", "vips[0].floating_ip: 2001:db8::1 is IPv6"},
		"a VRID of 0":                     {"id: 7", "id: 0", `f:9:12: vrrp.id: want auto, or 1 to 255, got "0"`},
		"a VRID of 256":                   {"id: 7", "id: 256", `vrrp.id: want auto, or 1 to 255, got "256"`},
		"an interval of 5ms":              {"interval: 1s", "interval: 5ms", "vrrp.interval: want 10ms to 40.95s, got 5ms"},
		"an interval of 15ms":             {"interval: 1s", "interval: 15ms", "vrrp.interval: want a multiple of 10ms, got 15ms"},
		"VRRP version 2":                  {"version: 3", "version: 2", "vrrp.version: this version of havip does not speak VRRP version 2 yet"},
		"multicast":                       {"mode: unicast", "mode: multicast", `vrrp.mode: this version of havip does not do "multicast" yet`},
		"a start delay of an hour":        {"id: 7", "id: 7, start_delay: 1h", "vrrp.start_delay: want 0s to 16m40s, got 1h0m0s"},
		"announcing never":                {"id: 7", "id: 7, announce: {refresh: 0s}", "vrrp.announce.refresh: want 1s to 1h0m0s, got 0s"},
		"a bad check":                     {`":22"`, "22", `f:10:27: checks[0].tcp: want host:port, got "22"`},
		"a bad verify":                    {"verify: icmp", "verify: ping", `f:11:9: verify: want tcp:PORT, icmp, none or a URL such as http://localhost/health, got "ping"`},
		"a bad jump host":                 {"jump: [a]", `jump: ["a b"]`, `ssh.jump[0]: want [USER@]HOST[:PORT], got "a b"`},
		"a jump host outside a list":      {"jump: [a]", "jump: a", "ssh.jump: want a list, got \"a\"\n  hint: write [a]"},
		"a bad policy for host keys":      {"host_keys: console", "host_keys: ignore", `ssh.host_keys: want known_hosts, console or accept-new, got "ignore"`},
		"a cloud with a line break":       {"cloud: mycloud", `cloud: "a\nb"`, `f:3:8: cloud: "a\nb" cannot be a name or an ID`},
		"words of VRRP daemons":           {"vrrp: {", "vrrp: {virtual_router_id: 5, ", "f:9:8: vrrp.virtual_router_id: unknown key\n  hint: the keys here are id, interval, preempt, version, mode, preempt_delay, start_delay, announce"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(full, c.old) {
				t.Fatalf("the good file has no %q", c.old)
			}
			_, err := Parse([]byte(strings.Replace(full, c.old, c.new, 1)), "f")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got:\n%v\nwant:\n%s", err, c.want)
			}
		})
	}
}

func TestBadFlagsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		flags Flags
		want  string
	}{
		"a server without a name":    {Flags{Servers: []string{"=p", "a", "b"}}, `--server: want NAME or NAME=PORT, got "=p"`},
		"a server without its port":  {Flags{Servers: []string{"a=", "b", "c"}}, `--server: want NAME or NAME=PORT, got "a="`},
		"a server twice":             {Flags{Servers: []string{"a", "a"}}, `--server: "a" is listed twice, first at servers[0]`},
		"one server":                 {Flags{Servers: []string{"a"}}, "--server: a group of one server has nothing to fail over to"},
		"a bad name":                 {Flags{Name: "A"}, `GROUP: "A" cannot be the name of a group`},
		"a bad address":              {Flags{Address: "x"}, `--address: want an IP address, got "x"`},
		"an IPv6 address":            {Flags{Address: "fd00::1"}, "--address: fd00::1 is IPv6"},
		"a network's name":           {Flags{FloatingIP: "public"}, "--floating-ip: want an IP address, got \"public\"\n  hint: to allocate one from a network use --floating-ip-from NETWORK"},
		"two ways to a floating IP":  {Flags{FloatingIP: "203.0.113.1", FloatingIPFrom: "public"}, "--floating-ip: is given together with --floating-ip-from"},
		"a bad VRID":                 {Flags{VRID: "300"}, `--vrid: want auto, or 1 to 255, got "300"`},
		"no duration":                {Flags{Interval: "300"}, `--interval: want a duration such as 300ms or 1s, got "300"`},
		"an interval out of range":   {Flags{Interval: "1ms"}, "--interval: want 10ms to 40.95s, got 1ms"},
		"a check without a name":     {Flags{Checks: []string{"tcp:22"}}, `--check: want NAME=tcp:PORT, NAME=tcp:HOST:PORT or NAME=URL, got "tcp:22"`},
		"a check of another kind":    {Flags{Checks: []string{"a=udp:22"}}, `--check: want a URL such as http://localhost:8080/health, got "udp:22"`},
		"a bad verify":               {Flags{Verify: "ping"}, "--verify: want tcp:PORT"},
		"a bad jump host":            {Flags{SSHJump: []string{"a,,b"}}, `--ssh-jump: want [USER@]HOST[:PORT], got ""`},
		"a user that is an option":   {Flags{SSHUser: "-l"}, `--ssh-user: "-l" cannot be a host or a user of SSH`},
		"a bad policy for host keys": {Flags{HostKeys: "off"}, "--host-keys: want known_hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Build(Read([]byte(full), "f"), c.flags)
			if err == nil || err.Error() != c.want && !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got:\n%v\nwant:\n%s", err, c.want)
			}
		})
	}
}

func TestFileAndFlagsAreReportedTogether(t *testing.T) {
	bad := strings.NewReplacer("id: 7", "id: x", "name: bastion\n", "nam: bastion\n", "interval: 1s", "interval: never").Replace(full)
	_, err := Build(Read([]byte(bad), "bastion.yaml"), Flags{Interval: "1ms"})
	want := `bastion.yaml:1:1: name: is missing
  hint: a name has lower-case letters, digits and hyphens (not first or last), at most 32
bastion.yaml:2:1: nam: unknown key
  hint: did you mean name?
bastion.yaml:9:12: vrrp.id: want auto, or 1 to 255, got "x"
bastion.yaml:9:25: vrrp.interval: want a duration such as 300ms or 1s, got "never"
--interval: want 10ms to 40.95s, got 1ms`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWithoutAFileWhatIsMissingIsAFlag(t *testing.T) {
	_, err := Build(nil, Flags{})
	want := `GROUP: is missing
  hint: a name has lower-case letters, digits and hyphens (not first or last), at most 32
--server: is missing
  hint: list two servers or more, in the file under servers or with --server NAME for each
--network: is missing
  hint: say which network the address is in, in the file under vips or with --network NAME`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAFileThatIsNoYAMLIsReportedOnce(t *testing.T) {
	_, err := Build(Read([]byte("name: [\n"), "f"), Flags{Interval: "x"})
	want := "f:1:1: did not find expected node content\n  hint: correct the YAML here, or a little above\n--interval: want a duration such as 300ms or 1s, got \"x\""
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheWayToAGroupThatIsKnownByName(t *testing.T) {
	got, err := Way("bastion", Flags{SSHUser: "u", SSHJump: []string{"a,b"}, HostKeys: "console"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(SSH{User: "u", Jump: []string{"a", "b"}, HostKeys: Console}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, err = Way("B", Flags{HostKeys: "off"})
	if err == nil || !strings.Contains(err.Error(), `GROUP: "B" cannot`) || !strings.Contains(err.Error(), "--host-keys: want") {
		t.Errorf("want both problems, got:\n%v", err)
	}
}
