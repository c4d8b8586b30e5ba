package templates

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	goCrash  = "GOTRACEBACK=crash"
	crashing = "HAVIP_TEST_CRASH" // makes the test binary a program that crashes
)

func TestMain(m *testing.M) {
	if os.Getenv(crashing) != "" {
		panic("as the agent would")
	}
	os.Exit(m.Run())
}

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

// The unit gives up on exit code 2, which is also what Go makes of a crash
// unless GOTRACEBACK=crash lets it abort. It does so for privileged programs
// too: capabilities that are ambient do not make one "secure" (capabilities(7)).
func TestUnitGivesUpOnAWrongConfigurationAndNotAfterACrash(t *testing.T) {
	unit, err := Systemd(DefaultLayout())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\nRestartPreventExitStatus=2\n", "\nEnvironment=" + goCrash + "\n"} {
		if !strings.Contains(unit, line) {
			t.Errorf("the unit lacks %q", line)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashing+"=1", goCrash)
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) {
		t.Fatalf("a crash ended with %v", err)
	}
	if exit.ExitCode() == 2 {
		t.Error("a crash ends with the code of a wrong configuration")
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
