package templates

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxExposure is what `systemd-analyze security` may say of the unit: 0 is best,
// 10 is worst.
const maxExposure = 2.4

func TestTheUnitIsAnalyzedAsSafe(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatalf("%v (HAVIP_REQUIRE_NETNS=1)", err)
		}
		t.Skip("needs systemd-analyze")
	}
	unit, err := Systemd(DefaultLayout())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), SystemdInstance("bastion"))
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found := regexp.MustCompile(`exposure level for .*: (\d+\.\d+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no verdict in:\n%s", out)
	}
	exposure, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil || exposure > maxExposure {
		t.Errorf("exposure %s, want %g or less:\n%s", found[1], maxExposure, out)
	}
	doc, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	// Another systemd weighs otherwise; the document names the one of Debian 12.
	if says := "gives it " + string(found[1]); !strings.Contains(string(doc), says) && debian12() {
		t.Errorf("docs/security.md does not say %q", says)
	}
}

func debian12() bool {
	text, err := os.ReadFile("/etc/os-release")
	return err == nil && strings.Contains(string(text), "VERSION_CODENAME=bookworm")
}

// What the checks of the agent need of the sandbox.
func TestTheUnitLetsTheChecksWork(t *testing.T) {
	unit, err := Systemd(DefaultLayout())
	if err != nil {
		t.Fatal(err)
	}
	for what, holds := range map[string]bool{
		"a process check sees the processes of all users":           !strings.Contains(unit, "\nProtectProc="),
		"a unit check reaches the system bus":                       strings.Contains(unit, "\nRestrictAddressFamilies=AF_UNIX "),
		"a gateway check has packet sockets":                        strings.Contains(unit, " AF_PACKET\n"),
		"a command that is killed for its memory stops no agent":    strings.Contains(unit, "\nOOMPolicy=continue\n"),
		"a command can be run, and its thread gives up real time":   strings.Contains(unit, "\nSystemCallFilter=@system-service\n"),
		"a command does not gain what the agent itself cannot have": strings.Contains(unit, "\nNoNewPrivileges=yes\n"),
	} {
		if !holds {
			t.Errorf("not so: %s", what)
		}
	}
}
