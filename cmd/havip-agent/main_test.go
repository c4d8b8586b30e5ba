package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/control"
)

// call runs a command line.
func call(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = Main(args, Streams{Out: &o, Err: &e})
	return code, o.String(), e.String()
}

const valid = `group: test
routers:
  - vrid: 51
    interface: {name: eth0}
    addresses: [10.99.0.100/32]
    source: 10.99.0.1
    peers: [10.99.0.2]
    priority: 250
    interval: 300ms
control: /run/havip/test/control.sock
`

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", valid)
	bad := file("bad.yaml", strings.NewReplacer("vrid: 51", "vrid: 0", "300ms", "1ms", "group: test", "gruop: test").Replace(valid))
	nobody := filepath.Join(dir, "nobody.sock")
	tests := []struct {
		name string
		args []string
		code int
		out  []string // parts of stdout
		err  []string // parts of stderr
	}{
		{"no command", nil, exitUsage, nil, []string{"usage:", "switchover"}},
		{"help", []string{"help"}, exitDone, []string{"usage:", "switchover"}, nil},
		{"help of a command", []string{"status", "--help"}, exitDone, []string{"-socket"}, nil},
		{"unknown command", []string{"explode"}, exitUsage, nil, []string{`unknown command "explode"`, "hint:"}},
		{"an exec check's command that is not there", []string{"become", "/nonexistent"}, 127, nil, []string{"/nonexistent cannot be started"}},
		{"an exec check without a command", []string{"become"}, exitUsage, nil, []string{`unknown command "become"`}},
		{"unknown flag", []string{"status", "--explode"}, exitUsage, nil, []string{"explode", "hint:"}},
		{"stray argument", []string{"switchover", "now"}, exitUsage, nil, []string{`unexpected argument "now"`}},
		{"valid file", []string{"validate", "--config", good}, exitDone, []string{"ok, group test"}, nil},
		{"wrong file, every problem", []string{"validate", "--config", bad}, exitUsage, nil, []string{"\nerror: ", "vrid", "interval", "gruop", "\n  hint: did you mean group?"}},
		{"missing file", []string{"validate", "--config", filepath.Join(dir, "none")}, exitUsage, nil, []string{"no such file"}},
		{"endless file", []string{"validate", "--config", "/dev/zero"}, exitUsage, nil, []string{"/dev/zero has more than 16777216 bytes"}},
		{"no file given", []string{"run"}, exitUsage, nil, []string{"--config"}},
		{"run with a wrong file", []string{"run", "--config", bad}, exitUsage, nil, []string{"vrid"}},
		{"status without agent", []string{"status", "--socket", nobody}, exitFailed, nil, []string{"no agent is running", "hint:"}},
		{"switchover without agent", []string{"switchover", "--socket", nobody}, exitFailed, nil, []string{"no agent is running"}},
		{"events without agent", []string{"events", "--socket", nobody}, exitFailed, nil, []string{"no agent is running"}},
		{"version", []string{"version"}, exitDone, []string{"havip-agent "}, nil},
		{"version flag", []string{"--version"}, exitDone, []string{"havip-agent "}, nil},
		{"version as JSON", []string{"version", "--json"}, exitDone, []string{`"arch":`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errOut := call(tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d (stderr: %s)", code, tt.code, errOut)
			}
			for _, part := range tt.out {
				if !strings.Contains(out, part) {
					t.Errorf("stdout lacks %q:\n%s", part, out)
				}
			}
			for _, part := range tt.err {
				if !strings.Contains(errOut, part) {
					t.Errorf("stderr lacks %q:\n%s", part, errOut)
				}
			}
			if tt.code != exitDone && out != "" {
				t.Errorf("stdout of a failure: %s", out)
			}
		})
	}
}

// scripted is an agent that always says the same.
type scripted struct {
	status api.Status
	events []api.Event
}

func (s scripted) Status(context.Context) (api.Status, error) { return s.status, nil }
func (s scripted) Switchover(context.Context) error           { return nil }

func (s scripted) Events(after uint64) ([]api.Event, <-chan struct{}) {
	return s.events[after:], make(chan struct{})
}

func script() scripted {
	now := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	return scripted{
		status: api.Status{
			Version: api.Version, Agent: "0.3.0", Group: "bastion", Started: now.Add(-time.Hour), Now: now,
			Routers: []api.Router{{
				VRID: 51, Version: 3, Mode: "unicast", State: api.Backup, Since: now.Add(-2500 * time.Millisecond), Reason: "started", Priority: 250,
				Interface: "ens3", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.136/32")},
				Problems: []api.Problem{{
					Code: api.ProblemAdvertsBlocked, Since: now.Add(-90 * time.Second),
					Detail: "10.0.0.131 announces 10.0.0.136, but its advertisements do not arrive",
				}},
				Peers: []api.Peer{
					{Address: netip.MustParseAddr("10.0.0.131"), LastAdvert: now.Add(-120 * time.Millisecond)},
					{Address: netip.MustParseAddr("10.0.0.132")},
				},
			}},
			Checks: []api.Check{{Name: "ssh", Since: now.Add(-time.Minute), Why: "connection refused"}},
		},
		events: []api.Event{
			{Seq: 1, Time: now, Mono: api.Duration(125 * time.Millisecond), Kind: "transition", VRID: 51, Family: api.IPv6, From: api.Init, To: api.Backup, Reason: "started"},
			{Seq: 2, Time: now.Add(time.Second), Mono: api.Duration(1125 * time.Millisecond), Kind: "check", Detail: "ssh failed: connection refused"},
		},
	}
}

func TestWhatAPersonReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	server, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		server.Serve(ctx, script())
		close(ended)
	}()
	defer func() { cancel(); <-ended }()

	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"status", []string{"status"}, exitDone, `bastion   havip-agent 0.3.0   up 1h0m0s

ADDRESS      STATE    PRIORITY   SINCE   INTERFACE   HELD   ROUTER               WHY
10.0.0.136   backup   250        2.5s    ens3        no     51, VRRPv3 unicast   started

! adverts-blocked, router 51/ipv4, for 1m30s: 10.0.0.131 announces 10.0.0.136, but its advertisements do not arrive

PEER         LAST ADVERTISEMENT
10.0.0.131   120ms ago
10.0.0.132   never

CHECK   RESULT                       SINCE
ssh     failed: connection refused   1m0s
`},
		{"events", []string{"events"}, exitDone, `2026-11-22 13:00:00.000       +0.125s  transition  router 51/ipv6: init -> backup: started
2026-11-22 13:00:01.000       +1.125s  check       ssh failed: connection refused
`},
		{"a switchover that does not come about", []string{"switchover"}, exitFailed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errOut := call(append(tt.args, "--socket", path)...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d (stderr: %s)", code, tt.code, errOut)
			}
			if diff := cmp.Diff(tt.want, out); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("status as JSON", func(t *testing.T) {
		_, out, _ := call("status", "--json", "--socket", path)
		var got api.Status
		if err := json.Unmarshal([]byte(out), &got); err != nil || got.Group != "bastion" || strings.Count(out, "\n") != 1 {
			t.Errorf("not one line of a status (%v): %s", err, out)
		}
	})
	t.Run("events as JSON lines", func(t *testing.T) {
		_, out, _ := call("events", "--json", "--socket", path)
		if n := strings.Count(out, `{"seq":`); n != 2 || strings.Count(out, "\n") != 2 {
			t.Errorf("%d events, want 2, one a line:\n%s", n, out)
		}
	})
}

func TestMissingEventsAreNamed(t *testing.T) {
	var b bytes.Buffer
	p := eventPrinter{w: &b}
	for _, seq := range []uint64{8, 9, 20} {
		if err := p.print(api.Event{Seq: seq, Kind: "drop", Detail: "ttl: 1"}); err != nil {
			t.Fatal(err)
		}
	}
	const line = "0001-01-01 00:00:00.000       +0.000s  drop        ttl: 1\n"
	want := "(7 older events are no longer kept)\n" + line + line +
		"(10 events are missing here: they came faster than they were read)\n" + line
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
