package templates

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// agentSource stands in for the agent: it tells who it is and how it was
// started, takes SIGHUP, and stops at SIGTERM.
const agentSource = `package main

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	out, err := os.OpenFile(OUT, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		os.Exit(1)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		for _, key := range []string{"Uid:", "CapEff:", "CapBnd:", "NoNewPrivs:"} {
			if strings.HasPrefix(line, key) {
				out.WriteString(line)
			}
		}
	}
	out.WriteString("args " + strings.Join(os.Args[1:], " ") + "\n")
	for s := range signals {
		out.WriteString(s.String() + "\n")
		if s == syscall.SIGTERM {
			return
		}
	}
}
`

// sysv is the script of a group, with all its files in a folder.
type sysv struct {
	t      *testing.T
	layout Layout
	out    string
	script string
}

func newSysV(t *testing.T) sysv {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatal("needs root (HAVIP_REQUIRE_NETNS=1)")
		}
		t.Skip("the script changes the user: needs root")
	}
	// Not t.TempDir: the agent's user could not enter it.
	dir, err := os.MkdirTemp("", "havip-sysv-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := sysv{t: t, out: filepath.Join(dir, "out"), script: filepath.Join(dir, "script"), layout: Layout{
		Binary: filepath.Join(dir, "agent"), ConfigDir: dir, RunDir: filepath.Join(dir, "run"), PIDDir: dir, User: "daemon",
	}}
	source := strings.ReplaceAll(agentSource, "OUT", strconv.Quote(s.out))
	main := filepath.Join(dir, "main.go")
	text, err := SysV(s.layout, "bastion")
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string]string{main: source, s.script: text, filepath.Join(dir, "bastion.yaml"): "", s.out: ""} {
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(s.out, 0o666); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", s.layout.Binary, main)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the stand-in: %v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("sh", s.script, "stop").Run() })
	return s
}

// do runs the script and wants this exit code.
func (s sysv) do(verb string, code int) {
	s.t.Helper()
	cmd := exec.Command("sh", s.script, verb)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		s.t.Fatalf("%s: %v, want code %d\n%s", verb, err, code, out)
	}
}

func (s sysv) output() string {
	s.t.Helper()
	data, err := os.ReadFile(s.out)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

func TestSysVScriptRunsTheAgentAsItsUserWithTwoCapabilities(t *testing.T) {
	s := newSysV(t)
	s.do("status", 3) // LSB: not running
	s.do("reload", 7)
	s.do("stop", 0)
	s.do("start", 0)
	s.do("start", 0) // once is enough
	s.do("status", 0)
	s.do("reload", 0)
	s.do("restart", 0)
	s.do("status", 0)
	s.do("stop", 0)
	s.do("status", 3)
	got := s.output()
	for text, times := range map[string]int{
		"Uid:\t1\t1\t1\t1": 2, // daemon
		// CAP_NET_ADMIN is bit 12, CAP_NET_RAW bit 13 (capabilities(7)).
		"CapEff:\t0000000000003000": 2,
		"CapBnd:\t0000000000003000": 2,
		"NoNewPrivs:\t1":            2,
		"args run --config " + filepath.Join(s.layout.ConfigDir, "bastion.yaml") + " --syslog": 2,
		"hangup":     1,
		"terminated": 2,
	} {
		if n := strings.Count(got, text); n != times {
			t.Errorf("%q is there %d times, want %d:\n%s", text, n, times, got)
		}
	}
}

func TestSysVScriptDoesNotTrustThePIDFileAlone(t *testing.T) {
	s := newSysV(t)
	other := exec.Command("sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	pid := fmt.Appendln(nil, other.Process.Pid)
	if err := os.WriteFile(filepath.Join(s.layout.PIDDir, "havip-agent-bastion.pid"), pid, 0o644); err != nil {
		t.Fatal(err)
	}
	s.do("status", 3)
	s.do("stop", 0)
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("another process was stopped: %v", err)
	}
}
