package main

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/test/lab"
)

func TestMain(m *testing.M) {
	lab.Stage()
	os.Exit(m.Run())
}

func TestWrongCommandLines(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a command that there is not", []string{"start"}, "error: unknown command \"start\"\nhint: havip-lab --help\n"},
		{"nothing to run", []string{"run"}, "error: a command is missing\nhint: havip-lab run --help\n"},
		{"an unknown flag", []string{"run", "--server", "2", "ls"}, "error: unknown flag: --server\nhint: havip-lab run --help\n"},
		{"a backend that there is not", []string{"run", "--backend", "ovs", "ls"}, "error: --backend: \"ovs\" is not one of linuxbridge, ovn\nhint: havip-lab run --help\n"},
		{"no server", []string{"run", "--servers", "0", "ls"}, "error: --servers: 0 is not between 1 and 50\nhint: havip-lab run --help\n"},
		{"a command for the shell", []string{"shell", "ls"}, "error: shell takes no arguments; havip-lab run -- ls runs a command\nhint: havip-lab shell --help\n"},
		{"a lab for status", []string{"status", "x"}, "error: status takes no arguments\nhint: havip-lab status --help\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out, err bytes.Buffer
			code := run(t.Context(), test.args, ui.Streams{In: strings.NewReader(""), Out: &out, Err: &err})
			if code != ui.ExitUsage || out.Len() > 0 {
				t.Errorf("exit code %d, on stdout %q", code, &out)
			}
			if diff := cmp.Diff(test.want, err.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTheReportForPeople(t *testing.T) {
	ip := netip.MustParseAddr
	labs := []lab.Report{{
		ID: 7, Backend: "ovn", Command: []string{"sh", "-x"},
		Servers: []lab.Server{
			{Name: "bastion-1", Status: "ACTIVE", Addresses: []netip.Addr{ip("10.0.0.10")}, Floating: []netip.Addr{ip("203.0.113.12")}},
			{Name: "bastion-2", Status: "SHUTOFF"},
		},
	}}
	want := `lab 7   ovn   runs: sh -x

SERVER      STATUS    ADDRESS     FLOATING IP
bastion-1   ACTIVE    10.0.0.10   203.0.113.12
bastion-2   SHUTOFF   -           -
`
	for _, test := range []struct {
		labs []lab.Report
		want string
	}{{labs, want}, {nil, "no lab runs here\n"}} {
		var out bytes.Buffer
		if err := show(&out, test.labs); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, out.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// The flags of the command are its own, and its exit code is ours.
func TestRunInALab(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatal("needs root (HAVIP_REQUIRE_NETNS=1)")
		}
		t.Skip("needs root to make namespaces")
	}
	var out, err bytes.Buffer
	streams := ui.Streams{In: strings.NewReader(""), Out: &out, Err: &err}
	code := run(t.Context(), []string{"run", "--servers", "1", "sh", "-c", `[ "$OS_CLOUD" = lab ] && exit 9`}, streams)
	if code != 9 {
		t.Errorf("exit code %d, not that of the command\n%s", code, &err)
	}
	if !strings.HasPrefix(err.String(), "the lab is up: bastion-1 (") {
		t.Errorf("it said %q", &err)
	}
	err.Reset()
	if code := run(t.Context(), []string{"run", "-q", "--", "true", "--servers"}, streams); code != 0 || err.Len() > 0 {
		t.Errorf("exit code %d, and it said %q", code, &err)
	}
}
