package templates

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func TestRendered(t *testing.T) {
	tests := []struct {
		name   string
		golden string
		render func() (string, error)
	}{
		{"the systemd unit", "havip-agent@.service", func() (string, error) { return Systemd(DefaultLayout()) }},
		{"the SysV script of a group", "havip-agent-bastion", func() (string, error) { return SysV(DefaultLayout(), "bastion") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.render()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", tt.golden)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs from its golden file; go test ./templates -update (-want +got):\n%s", tt.golden, diff)
			}
		})
	}
}

func TestUnitGivesTheAgentTwoCapabilitiesAndNoMore(t *testing.T) {
	unit, err := Systemd(DefaultLayout())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"AmbientCapabilities":   "CAP_NET_ADMIN CAP_NET_RAW",
		"CapabilityBoundingSet": "CAP_NET_ADMIN CAP_NET_RAW",
		"NoNewPrivileges":       "yes",
		"User":                  "havip",
		"Restart":               "always",
		"StartLimitIntervalSec": "0",
		"After":                 "network.target",
		"WantedBy":              "multi-user.target",
	}
	got := map[string]string{}
	for line := range strings.Lines(unit) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && want[k] != "" {
			got[k] = v
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings of the unit (-want +got):\n%s", diff)
	}
}

func TestSysVScriptIsPOSIXShell(t *testing.T) {
	script, err := SysV(DefaultLayout(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sh -n: %v\n%s", err, out)
	}
}
