package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/strict"
	"github.com/havip/havip/agent/vrrp"
)

const text = `group: bastion
routers:
  - vrid: 51
    interface: {mac: "FA:16:3E:12:34:56", address: 10.0.0.130}
    addresses: [10.0.0.136/32]
    source: 10.0.0.130
    peers: [10.0.0.131]
    priority: 250
    interval: 300ms
    preempt: false
checks:
  - {name: ssh, tcp: ":22"}
  - {name: web, http: "http://localhost:8080/health", interval: 5s, fall: 1, rise: 1}
  - {name: quick, tcp: "localhost:53", interval: 200ms, timeout: 50ms}
control: /run/havip/bastion/control.sock
metrics: ""
`

func wanted() config.Config {
	return config.Config{
		Group: "bastion",
		Routers: []config.Router{{
			VRID:      51,
			Interface: config.Interface{MAC: "fa:16:3e:12:34:56", Address: netip.MustParseAddr("10.0.0.130")},
			Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.136/32")},
			Source:    netip.MustParseAddr("10.0.0.130"),
			Mode:      config.ModeUnicast,
			Peers:     []netip.Addr{netip.MustParseAddr("10.0.0.131")},
			Priority:  250,
			Interval:  ms(300),
			Version:   3,
			Announce:  config.Announce{Refresh: config.DefaultRefresh},
		}},
		Checks: []config.Check{
			{Name: "ssh", TCP: ":22", Interval: ms(1000), Timeout: ms(1000), Fall: 3, Rise: 2},
			{Name: "web", HTTP: "http://localhost:8080/health", Interval: ms(5000), Timeout: ms(1000), Fall: 1, Rise: 1},
			{Name: "quick", TCP: "localhost:53", Interval: ms(200), Timeout: ms(50), Fall: 3, Rise: 2},
		},
		Control: "/run/havip/bastion/control.sock",
	}
}

func ms(n int) api.Duration { return api.Duration(time.Duration(n) * time.Millisecond) }

var compare = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestParseFillsInTheDefaults(t *testing.T) {
	got, err := config.Parse([]byte(text), "bastion.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted(), got, compare); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMarshalWritesWhatParseReads(t *testing.T) {
	named := wanted()
	named.Routers[0].Interface = config.Interface{Name: "eth0"}
	named.Checks = nil
	full := wanted()
	r := &full.Routers[0]
	r.Mode, r.Peers, r.Preempt, r.PreemptDelay, r.StartDelay = config.ModeMulticast, nil, true, ms(5000), ms(2500)
	r.Checksum, r.Announce = vrrp.ChecksumMessage, config.Announce{Replies: true, Refresh: ms(10000)}
	full.Metrics = "127.0.0.1:9112"
	full.Checks = []config.Check{
		{Name: "tls", HTTP: "https://web/", Insecure: true, Status: []int{200, 401}},
		{Name: "process", Process: "/usr/sbin/nginx"},
		{Name: "file", File: "/run/ready", MaxAge: ms(60000)},
		{Name: "unit", Unit: "nginx.service"},
		{Name: "gateway", Gateway: config.GatewayAuto},
		{Name: "exec", Exec: []string{"/bin/sh", "-c", "exit 0"}},
	}
	for i, c := range full.Checks {
		full.Checks[i] = c.WithDefaults()
	}
	for name, c := range map[string]config.Config{
		"by MAC, with checks": wanted(), "by name, without checks": named,
		"every setting": full, "dual stack": dualStack(),
	} {
		t.Run(name, func(t *testing.T) {
			data, err := config.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			got, err := config.Parse(data, "bastion.yaml")
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			if diff := cmp.Diff(c, got, compare); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			again, err := config.Marshal(got)
			if err != nil || !bytes.Equal(data, again) {
				t.Errorf("written twice, two files (%v):\n%s\n%s", err, data, again)
			}
		})
	}
}

// The text itself is pinned: a change of it would reload every agent.
func TestMarshalText(t *testing.T) {
	c := wanted()
	c.Checks = c.Checks[:1]
	c.Routers[0].Mode, c.Routers[0].Announce = "", config.Announce{} // as the CLI leaves them
	got, err := config.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `# written by havip; changes are overwritten by the next havip create
group: bastion
routers:
  - vrid: 51
    interface:
      mac: fa:16:3e:12:34:56
      address: 10.0.0.130
    addresses:
      - 10.0.0.136/32
    source: 10.0.0.130
    peers:
      - 10.0.0.131
    priority: 250
    interval: 300ms
    version: 3
    preempt: false
checks:
  - name: ssh
    tcp: :22
    interval: 1s
    timeout: 1s
    fall: 3
    rise: 2
control: /run/havip/bastion/control.sock
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSHA256(t *testing.T) {
	// FIPS 180-2, appendix B.1.
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := config.SHA256([]byte("abc")); got != want {
		t.Errorf("SHA256(abc) = %s, want %s", got, want)
	}
}

// Each case replaces one piece of the good text.
func TestParseRefuses(t *testing.T) {
	long := "/run/" + strings.Repeat("x", 103)
	for name, c := range map[string]struct{ old, new, want string }{
		"a name with capitals":                {"group: bastion", "group: Bastion", `1:8: group: "Bastion" cannot be the name of a group`},
		"a name that ends in a hyphen":        {"group: bastion", "group: bastion-", `1:8: group: "bastion-" cannot`},
		"a name of 33 letters":                {"group: bastion", "group: " + strings.Repeat("b", 33), "cannot be the name of a group"},
		"a missing name":                      {"group: bastion\n", "", "1:1: group: is missing"},
		"VRID 0":                              {"vrid: 51", "vrid: 0", "3:11: routers[0].vrid: want 1 to 255, got 0"},
		"VRID 256":                            {"vrid: 51", "vrid: 256", "3:11: routers[0].vrid: want 1 to 255, got 256"},
		"no interface":                        {`    interface: {mac: "FA:16:3E:12:34:56", address: 10.0.0.130}` + "\n", "", "3:5: routers[0].interface: is missing"},
		"an interface by name and MAC":        {"interface: {", "interface: {name: eth0, ", "4:16: routers[0].interface: has both a name and mac or address"},
		"a MAC without the address":           {", address: 10.0.0.130", "", "4:16: routers[0].interface.address: is missing"},
		"an address without the MAC":          {`mac: "FA:16:3E:12:34:56", `, "", "4:16: routers[0].interface.mac: is missing"},
		"a bad MAC":                           {"FA:16", "GA:16", `4:22: routers[0].interface.mac: want a MAC such as fa:16:3e:12:34:56, got "GA:16:3E:12:34:56"`},
		"a MAC of 8 bytes":                    {"FA:16", "00:00:FA:16", "4:22: routers[0].interface.mac: want a MAC"},
		"a long interface name":               {`mac: "FA:16:3E:12:34:56", address: 10.0.0.130`, "name: abcdefghijklmnop", `routers[0].interface.name: "abcdefghijklmnop" cannot be`},
		"no addresses":                        {"[10.0.0.136/32]", "[]", "5:16: routers[0].addresses: is missing"},
		"the source as the VIP":               {"10.0.0.136/32", "10.0.0.130/32", "5:17: routers[0].addresses[0]: 10.0.0.130 is the source"},
		"an owner by unicast":                 {"[10.0.0.136/32]\n    source: 10.0.0.130\n    peers: [10.0.0.131]\n    priority: 250", "[10.0.0.130/32]\n    source: 10.0.0.130\n    peers: [10.0.0.131]\n    priority: 255", "5:17: routers[0].addresses[0]: 10.0.0.130 is the source, which the other members could not have as a peer\n  hint: in unicast"},
		"a VIP twice":                         {"[10.0.0.136/32]", "[10.0.0.136/32, 10.0.0.136/32]", "5:32: routers[0].addresses[1]: 10.0.0.136 is also routers[0].addresses[0]"},
		"a multicast VIP":                     {"10.0.0.136/32", "224.0.0.18/32", "224.0.0.18 cannot be the address of a server"},
		"the broadcast address as VIP":        {"10.0.0.136/32", "255.255.255.255/32", "255.255.255.255 cannot be the address of a server"},
		"no source":                           {"    source: 10.0.0.130\n", "", "3:5: routers[0].source: is missing"},
		"a loopback source":                   {"source: 10.0.0.130", "source: 127.0.0.1", "6:13: routers[0].source: 127.0.0.1 cannot be the address of a server"},
		"a peer twice":                        {"[10.0.0.131]", "[10.0.0.131, 10.0.0.131]", "7:25: routers[0].peers[1]: 10.0.0.131 stands twice"},
		"itself as a peer":                    {"[10.0.0.131]", "[10.0.0.130]", "7:13: routers[0].peers[0]: 10.0.0.130 is the source itself"},
		"priority 0":                          {"priority: 250", "priority: 0", "8:15: routers[0].priority: want 10 to 253, or 255 for the owner of the address, got 0"},
		"a priority of the unhealthy band":    {"priority: 250", "priority: 9", "8:15: routers[0].priority: 9 is reserved: 1 to 9 are of members that have yielded or are unhealthy"},
		"the priority of a switchover":        {"priority: 250", "priority: 254", "8:15: routers[0].priority: 254 is reserved for the target of a switchover"},
		"priority 256":                        {"priority: 250", "priority: 256", "got 256"},
		"an interval of 9ms":                  {"300ms", "9ms", "9:15: routers[0].interval: want 10ms to 40.95s, got 9ms"},
		"an interval of 41s":                  {"300ms", "41s", "9:15: routers[0].interval: want 10ms to 40.95s, got 41s"},
		"an interval between centiseconds":    {"300ms", "123ms", "9:15: routers[0].interval: want a multiple of 10ms, got 123ms\n  hint: VRRP sends the interval in hundredths of a second: take 120ms"},
		"an address of a network elsewhere":   {"136/32", "136/29", "5:17: routers[0].addresses[0]: the source 10.0.0.130 is not in 10.0.0.136/29\n  hint: take the NIC's own prefix length, or /32"},
		"an address of the whole Internet":    {"10.0.0.136/32", "10.0.0.136/0", "5:17: routers[0].addresses[0]: the source 10.0.0.130 is not in 0.0.0.0/0"},
		"a network for an address":            {"10.0.0.136/32", "10.0.0.0/24", "5:17: routers[0].addresses[0]: 10.0.0.0/24 is the first or last address of its network"},
		"a broadcast address":                 {"10.0.0.136/32", "10.0.0.255/24", "10.0.0.255/24 is the first or last address of its network"},
		"an IPv6 address of an IPv4 router":   {"10.0.0.136/32", "fd00::1/128", "5:17: routers[0].addresses[0]: fd00::1 is IPv6, and the source is IPv4"},
		"an IPv4 source in IPv6":              {"source: 10.0.0.130", "source: ::ffff:10.0.0.130", "6:13: routers[0].source: ::ffff:10.0.0.130 is IPv4 in the notation of IPv6\n  hint: write 10.0.0.130"},
		"a zone":                              {"source: 10.0.0.130", "source: fe80::1%eth0", "6:13: routers[0].source: fe80::1%eth0 has a zone\n  hint: write fe80::1: the interface says"},
		"unicast without peers":               {"peers: [10.0.0.131]", "mode: unicast", "3:5: routers[0].peers: is missing: unicast has to know them"},
		"a mode of its own":                   {"preempt: false", "mode: anycast", `10:11: routers[0].mode: want unicast or multicast, got "anycast"`},
		"multicast IPv6 from a global source": {"    source: 10.0.0.130\n    peers: [10.0.0.131]\n", "    source: fd00::1\n", "6:13: routers[0].source: fd00::1 is not link-local, as multicast over IPv6 wants it"},
		"the VIP as a peer":                   {"[10.0.0.131]", "[10.0.0.136]", "7:13: routers[0].peers[0]: 10.0.0.136 is a virtual address"},
		"a peer of another family":            {"[10.0.0.131]", "[fd00::2]", "7:13: routers[0].peers[0]: fd00::2 is IPv6, and the source is IPv4"},
		"a link-local peer of a global one":   {"    source: 10.0.0.130\n    peers: [10.0.0.131]\n", "    source: fd00::1\n    peers: [fe80::2]\n", "7:13: routers[0].peers[0]: of fe80::2 and the source fd00::1 only one is link-local"},
		"version 4":                           {"preempt: false", "version: 4", "10:14: routers[0].version: want 2 or 3, got 4"},
		"version 0, though absent means 3":    {"preempt: false", "version: 0", "10:14: routers[0].version: want 2 or 3, got 0"},
		"version 2 below a second":            {"preempt: false", "version: 2", "9:15: routers[0].interval: want whole seconds, 1s to 255s, got 300ms"},
		"version 2 between seconds":           {"interval: 300ms", "interval: 1500ms\n    version: 2", "9:15: routers[0].interval: want whole seconds, 1s to 255s, got 1.5s"},
		"version 2 after 255 seconds":         {"interval: 300ms", "interval: 256s\n    version: 2", "want whole seconds, 1s to 255s, got 4m16s"},
		"version 2 over IPv6":                 {"source: 10.0.0.130", "source: fd00::1\n    version: 2", "6:13: routers[0].source: fd00::1 is IPv6, which VRRP version 2 does not know"},
		"a checksum of version 2":             {"preempt: false", "version: 2\n    checksum: message", "routers[0].checksum: is for version 3: version 2 has only one"},
		"a checksum of IPv6":                  {"source: 10.0.0.130", "source: fd00::1\n    checksum: message", "routers[0].checksum: is for IPv4: IPv6 has only one"},
		"a checksum of its own":               {"preempt: false", "checksum: none", `10:15: routers[0].checksum: want pseudo-header or message, got "none"`},
		"a preempt delay without preemption":  {"preempt: false", "preempt: false\n    preempt_delay: 5s", "11:20: routers[0].preempt_delay: has no effect without preemption"},
		"a preempt delay of 1001s":            {"preempt: false", "preempt: true\n    preempt_delay: 1001s", "11:20: routers[0].preempt_delay: want 0s to 16m40s, got 16m41s"},
		"a start delay below 0":               {"preempt: false", "start_delay: -1s", "10:18: routers[0].start_delay: want 0s to 16m40s, got -1s"},
		"announcing each 999ms":               {"preempt: false", "announce: {refresh: 999ms}", "10:25: routers[0].announce.refresh: want 1s to 1h0m0s, got 999ms"},
		"announcing never":                    {"preempt: false", "announce: {refresh: 0s}", "10:25: routers[0].announce.refresh: want 1s to 1h0m0s, got 0s"},
		"replies of ARP in IPv6":              {"source: 10.0.0.130", "source: fd00::1\n    announce: {replies: true}", "routers[0].announce.replies: is of ARP, which IPv6 has not"},
		"metrics without a port":              {`metrics: ""`, `metrics: "127.0.0.1"`, `16:10: metrics: want an IP address and a port, got "127.0.0.1"`},
		"metrics on port 0":                   {`metrics: ""`, `metrics: ":0"`, `16:10: metrics: want an IP address and a port, got ":0"`},
		"metrics on port 0 of an address":     {`metrics: ""`, `metrics: "127.0.0.1:0"`, `16:10: metrics: want an IP address and a port, got "127.0.0.1:0"`},
		"metrics at a name":                   {`metrics: ""`, `metrics: "localhost:9112"`, `16:10: metrics: want an IP address and a port, got "localhost:9112"` + "\n" + `  hint: "127.0.0.1:9112" is for this server only`},
		"metrics at a service's name":         {`metrics: ""`, `metrics: ":http"`, `16:10: metrics: want an IP address and a port, got ":http"`},
		"metrics at IPv6 without brackets":    {`metrics: ""`, `metrics: "::1:9112"`, `16:10: metrics: want an IP address and a port, got "::1:9112"`},
		"three kinds in one check":            {`, tcp: ":22"`, `, tcp: ":22", file: /a, unit: a.service`, "12:5: checks[0]: has both tcp, file and unit\n  hint: make 3 checks of it"},
		"a process with a relative path":      {`tcp: ":22"`, "process: bin/sshd", `12:26: checks[0].process: want the name of a process such as nginx, or the absolute path of its executable, got "bin/sshd"`},
		"a file with a relative path":         {`tcp: ":22"`, "file: ready", `checks[0].file: want an absolute path, got "ready"`},
		"a file's age without a file":         {`tcp: ":22"`, `tcp: ":22", max_age: 5s`, "checks[0].max_age: is for a check of a file"},
		"a file's age of 99ms":                {`tcp: ":22"`, `file: /a, max_age: 99ms`, "checks[0].max_age: want 100ms or more, got 99ms"},
		"a file's age of nothing":             {`tcp: ":22"`, `file: /a, max_age: 0s`, "checks[0]: max_age 0s is older than any file"},
		"a unit without its type":             {`tcp: ":22"`, "unit: sshd", `checks[0].unit: want a systemd unit such as nginx.service, got "sshd"`},
		"a unit with a slash":                 {`tcp: ":22"`, "unit: a/b.service", "checks[0].unit: want a systemd unit"},
		"a gateway by name":                   {`tcp: ":22"`, "gateway: router", `checks[0].gateway: want auto, or an address such as 10.0.0.1, got "router"`},
		"the VIP as a gateway":                {`tcp: ":22"`, "gateway: 10.0.0.136", "12:26: checks[0].gateway: 10.0.0.136 is a virtual address of this group"},
		"the server as its gateway":           {`tcp: ":22"`, "gateway: 10.0.0.130", "checks[0].gateway: 10.0.0.130 is the server's own address"},
		"a gateway of another family":         {`tcp: ":22"`, "gateway: fe80::1", "checks[0].gateway: fe80::1 is IPv6, and no router of this file is"},
		"a command without its path":          {`tcp: ":22"`, "exec: [check]", `checks[0].exec: want a command with its absolute path, and its arguments, got "check"`},
		"a command of no words":               {`tcp: ":22"`, "exec: []", "checks[0]: does not say what to ask"},
		"any certificate of plain HTTP":       {"http://localhost:8080/health\"", "http://localhost:8080/health\", insecure: true", "checks[1].insecure: is for a check of an https URL"},
		"a status of a TCP check":             {`tcp: ":22"`, `tcp: ":22", status: [200]`, "checks[0].status: is for a check of http"},
		"status 600":                          {"http://localhost:8080/health\"", "http://localhost:8080/health\", status: [200, 600]", "checks[1].status[1]: want a status of HTTP, 100 to 599, got 600"},
		"a check's name twice":                {"name: web", "name: ssh", `13:12: checks[1].name: "ssh" is also the name of checks[0]`},
		"a check's name with a space":         {"name: web", "name: w b", `13:12: checks[1].name: "w b" cannot be the name of a check`},
		"a check without a name":              {"name: web, ", "", "13:5: checks[1].name: is missing"},
		"a check of nothing":                  {`, tcp: ":22"`, "", "12:5: checks[0]: does not say what to ask"},
		"a check of two things":               {`, tcp: ":22"`, `, tcp: ":22", http: "http://localhost/"`, "12:5: checks[0]: has both tcp and http\n  hint: make 2 checks of it"},
		"a port without a colon":              {`":22"`, "22", `12:22: checks[0].tcp: want host:port, got "22"`},
		"port 0":                              {`":22"`, `":0"`, `checks[0].tcp: want host:port, got ":0"`},
		"port 65536":                          {`":22"`, `":65536"`, "checks[0].tcp: want host:port"},
		"a URL of another scheme":             {"http://localhost", "ftp://localhost", "13:23: checks[1].http: want a URL such as http://localhost:8080/health"},
		"a URL without a host":                {"http://localhost:8080", "http://", "checks[1].http: want a URL"},
		"a check's interval of 99ms":          {"interval: 5s", "interval: 99ms", "checks[1].interval: want 100ms to 1h0m0s, got 99ms"},
		"a timeout longer than the interval":  {"timeout: 50ms", "timeout: 201ms", "checks[2].timeout: want 10ms to the interval, 200ms, got 201ms"},
		"a timeout of 0":                      {"timeout: 50ms", "timeout: 0s", "checks[2].timeout: want 10ms to the interval"},
		"fall 0, though absent means 3":       {"fall: 1", "fall: 0", "checks[1].fall: want 1 to 100, got 0"},
		"rise 101":                            {"rise: 1", "rise: 101", "checks[1].rise: want 1 to 100, got 101"},
		"a relative socket":                   {"/run/havip/bastion", "run", `15:10: control: want an absolute path, got "run/control.sock"`},
		"a socket path that is not clean":     {"/run/havip", "/run/../etc", "control: want an absolute path"},
		"a socket path of 108 bytes":          {"/run/havip/bastion/control.sock", long, "15:10: control: has 108 bytes, and the path of a socket at most 107"},
		"no socket":                           {"control: /run/havip/bastion/control.sock\n", "", "1:1: control: is missing"},
		"no routers":                          {"routers:\n", "routers: []\nold:\n", "2:10: routers: is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(text, c.old) {
				t.Fatalf("the good text has no %q", c.old)
			}
			_, err := config.Parse([]byte(strings.Replace(text, c.old, c.new, 1)), "b")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got:\n%v\nwant:\n%s", err, c.want)
			}
		})
	}
}

func TestParseTakesTheLimits(t *testing.T) {
	for name, c := range map[string]struct{ old, new string }{
		"the longest name":            {"group: bastion", "group: " + strings.Repeat("b", 32)},
		"VRID 255":                    {"vrid: 51", "vrid: 255"},
		"the lowest priority":         {"priority: 250", "priority: 10"},
		"the highest priority":        {"priority: 250", "priority: 253"},
		"the owner's priority":        {"priority: 250", "priority: 255"},
		"the owner's own address":     {"[10.0.0.136/32]\n    source: 10.0.0.130\n    peers: [10.0.0.131]\n    priority: 250", "[10.0.0.130/24]\n    source: 10.0.0.130\n    mode: multicast\n    priority: 255"},
		"the subnet's prefix length":  {"136/32", "136/24"},
		"multicast, from anyone":      {"    peers: [10.0.0.131]\n", ""},
		"multicast, from peers":       {"preempt: false", "mode: multicast"},
		"version 2":                   {"interval: 300ms", "interval: 255s\n    version: 2"},
		"either checksum":             {"preempt: false", "checksum: message"},
		"the longest delays":          {"preempt: false", "preempt: true\n    preempt_delay: 1000s\n    start_delay: 1000s"},
		"the shortest refresh":        {"preempt: false", "announce: {replies: true, refresh: 1s}"},
		"metrics":                     {`metrics: ""`, `metrics: "127.0.0.1:9112"`},
		"metrics at all addresses":    {`metrics: ""`, `metrics: ":9112"`},
		"metrics over IPv6":           {`metrics: ""`, `metrics: "[::1]:9112"`},
		"metrics on one link":         {`metrics: ""`, `metrics: "[fe80::1%eth0]:9112"`},
		"a process by name":           {`tcp: ":22"`, "process: sshd"},
		"a process by path":           {`tcp: ":22"`, "process: /usr/sbin/sshd"},
		"a file that is fresh":        {`tcp: ":22"`, "file: /run/ready, max_age: 100ms"},
		"a unit of a template":        {`tcp: ":22"`, "unit: getty@tty1.service"},
		"the default gateway":         {`tcp: ":22"`, "gateway: auto"},
		"a gateway":                   {`tcp: ":22"`, "gateway: 10.0.0.1"},
		"a command":                   {`tcp: ":22"`, `exec: [/bin/sh, -c, "exit 0"]`},
		"any certificate":             {"\"http://localhost:8080/health\"", `"https://localhost/", insecure: true, status: [200, 401]`},
		"the shortest interval":       {"300ms", "10ms"},
		"the longest interval":        {"300ms", "40.95s"},
		"the longest path":            {"/run/havip/bastion/control.sock", "/run/" + strings.Repeat("x", 102)},
		"an interface by name":        {`mac: "FA:16:3E:12:34:56", address: 10.0.0.130`, "name: eth0"},
		"a timeout as the interval":   {"timeout: 50ms", "timeout: 200ms"},
		"a TLS check":                 {"http://localhost:8080", "https://[::1]:8443"},
		"a default of a short check":  {", timeout: 50ms", ""},
		"an explicit version 3":       {"preempt: false", "version: 3"},
		"a file without any metrics":  {"metrics: \"\"\n", ""},
		"a host's address in a check": {`"localhost:53"`, `"[::1]:53"`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(text, c.old) {
				t.Fatalf("the good text has no %q", c.old)
			}
			if _, err := config.Parse([]byte(strings.Replace(text, c.old, c.new, 1)), "b"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParseReportsEverythingAtOnce(t *testing.T) {
	bad := strings.NewReplacer("vrid: 51", "vrid: x", "300ms", "5ms", "/run/havip/bastion", "run", "preempt", "premept").Replace(text)
	_, err := config.Parse([]byte(bad), "bastion.yaml")
	want := `bastion.yaml:3:11: routers[0].vrid: want a whole number, got "x"
bastion.yaml:9:15: routers[0].interval: want 10ms to 40.95s, got 5ms
bastion.yaml:10:5: routers[0].premept: unknown key
  hint: did you mean preempt?
bastion.yaml:15:10: control: want an absolute path, got "run/control.sock"`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var problems strict.Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Errorf("want 4 strict.Problems, got %T with %d", err, len(problems))
	}
}

func TestParseSaysNoMoreWhenTheSyntaxIsWrong(t *testing.T) {
	for _, bad := range []string{"", "group: [", "- a", "\xff"} {
		_, err := config.Parse([]byte(bad), "b")
		var problems strict.Problems
		if !errors.As(err, &problems) || len(problems) != 1 {
			t.Errorf("%q: want one problem, got:\n%v", bad, err)
		}
	}
}

func TestTwoRoutersOnOneInterface(t *testing.T) {
	two := func(change func(second *config.Router)) config.Config {
		c := wanted()
		r := c.Routers[0]
		r.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.137/32")}
		change(&r)
		c.Routers = append(c.Routers, r)
		return c
	}
	const taken = "routers[1].vrid: 51 is also that of routers[0] on this interface\n  hint: one VRID serves one router of each address family"
	for name, c := range map[string]struct {
		config config.Config
		want   string
	}{
		"have two VRIDs":           {two(func(r *config.Router) { r.VRID = 52 }), ""},
		"may not share one":        {two(func(*config.Router) {}), taken},
		"unless of another family": {dualStack(), ""},
		"unless on another NIC": {
			two(func(r *config.Router) {
				r.Interface, r.Source = config.Interface{Name: "eth1"}, netip.MustParseAddr("10.0.0.132")
			}), "",
		},
		"however the NIC is written": {two(func(r *config.Router) { r.Interface = config.Interface{Name: "eth0"} }), taken},
		"nor by another address of it": {
			two(func(r *config.Router) {
				r.Interface, r.Source = config.Interface{MAC: "fa:16:3e:12:34:56", Address: netip.MustParseAddr("fd00::130")}, netip.MustParseAddr("10.0.0.130")
			}), taken,
		},
		"nor by its address with another source": {
			two(func(r *config.Router) { r.Source = netip.MustParseAddr("10.0.0.132") }), taken,
		},
		"unless on a VLAN, which has the MAC of its NIC": {
			two(func(r *config.Router) {
				r.Interface.Address, r.Source = netip.MustParseAddr("10.0.1.130"), netip.MustParseAddr("10.0.1.130")
				r.Peers, r.Addresses = []netip.Addr{netip.MustParseAddr("10.0.1.131")}, []netip.Prefix{netip.MustParsePrefix("10.0.1.136/32")}
			}), "",
		},
		"unless on two NICs that have one address, by their names": {
			func() config.Config {
				c := two(func(r *config.Router) { r.Interface = config.Interface{Name: "eth1"} })
				c.Routers[0].Interface = config.Interface{Name: "eth0"}
				return c
			}(), "",
		},
		"may not share an address": {
			two(func(r *config.Router) { r.VRID, r.Addresses = 52, wanted().Routers[0].Addresses }),
			"routers[1].addresses[0]: 10.0.0.136 is also routers[0].addresses[0]",
		},
		"may not move the server's own address": {
			two(func(r *config.Router) {
				r.VRID, r.Source, r.Addresses = 52, netip.MustParseAddr("10.0.0.132"), []netip.Prefix{netip.MustParsePrefix("10.0.0.130/32")}
			}),
			"routers[1].addresses[0]: 10.0.0.130 is also routers[0].source, the server's own address\n  hint: a virtual address belongs to no server",
		},
		"nor that of the interface": {
			two(func(r *config.Router) {
				r.VRID, r.Interface, r.Addresses = 52, config.Interface{MAC: "fa:16:3e:12:34:57", Address: netip.MustParseAddr("10.0.0.140")}, []netip.Prefix{netip.MustParsePrefix("10.0.0.140/32")}
			}),
			"routers[1].addresses[0]: 10.0.0.140 is also routers[1].interface.address, the server's own address\n  hint: a virtual address belongs to no server",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, fmt.Sprint(message(config.Validate(c.config)))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// dualStack is a group of both families, which may share the VRID (RFC 9568
// section 5.2.3).
func dualStack() config.Config {
	c := wanted()
	v6 := c.Routers[0]
	v6.Addresses = []netip.Prefix{netip.MustParsePrefix("fd00::136/128"), netip.MustParsePrefix("fd00::137/64")}
	v6.Source = netip.MustParseAddr("fd00::130")
	v6.Peers = []netip.Addr{netip.MustParseAddr("fd00::131")}
	c.Routers = append(c.Routers, v6)
	return c
}

func TestMulticastOverIPv6(t *testing.T) {
	multicast := func(source string, addresses ...string) config.Config {
		c := wanted()
		r := &c.Routers[0]
		r.Mode, r.Peers, r.Source, r.Addresses = config.ModeMulticast, nil, netip.MustParseAddr(source), nil
		for _, a := range addresses {
			r.Addresses = append(r.Addresses, netip.MustParsePrefix(a))
		}
		return c
	}
	for name, c := range map[string]struct {
		config config.Config
		want   string
	}{
		"begins with a link-local address": {multicast("fe80::1", "fe80::136/64", "fd00::136/64"), ""},
		"not with another": {
			multicast("fe80::1", "fd00::136/128", "fe80::136/128"),
			"routers[0].addresses[0]: fd00::136 is not link-local, as the first address of an IPv6 router has to be\n  hint: put one in fe80::/10 before it, the same on each member",
		},
		"comes from the same one on each link": {
			func() config.Config {
				c := multicast("fe80::1", "fe80::136/64")
				r := c.Routers[0]
				r.Interface, r.Addresses = config.Interface{Name: "eth1"}, []netip.Prefix{netip.MustParsePrefix("fe80::137/64")}
				c.Routers = append(c.Routers, r)
				return c
			}(), "",
		},
		"nor comes from another": {
			multicast("fd00::1", "fe80::136/128"),
			"routers[0].source: fd00::1 is not link-local, as multicast over IPv6 wants it\n  hint: give the NIC's own address in fe80::/10, or peers",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, message(config.Validate(c.config))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAnAgentRunsAtMost255Routers(t *testing.T) {
	many := func(n int) config.Config {
		c := wanted()
		r := c.Routers[0]
		c.Routers = nil
		for i := range n {
			r.VRID, r.Addresses = i%255+1, []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 32)}
			r.Interface = config.Interface{Name: fmt.Sprintf("eth%d", i/255)}
			c.Routers = append(c.Routers, r)
		}
		return c
	}
	if err := config.Validate(many(255)); err != nil {
		t.Error(err)
	}
	want := "routers: has 256 routers, and an agent runs at most 255\n  hint: make several groups of it, each with an agent of its own"
	if diff := cmp.Diff(want, message(config.Validate(many(256)))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
