package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havip/havip/test/lab"
)

// limit is what only a broken lab reaches.
const limit = 60 * time.Second

// inside names what this binary does when it is the lab's command; launch what
// it does when it is the one who starts a lab.
const (
	inside = "HAVIP_LAB_TEST_INSIDE"
	launch = "HAVIP_LAB_TEST_LAUNCH"
)

func TestMain(m *testing.M) {
	lab.Stage()
	if name := os.Getenv(inside); name != "" {
		os.Exit(runInside(name))
	}
	if command := os.Getenv(launch); command != "" {
		code, err := lab.Run(context.Background(), options("sh", "-c", command))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(125)
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func options(command ...string) lab.Options {
	return lab.Options{Servers: 2, Backend: "linuxbridge", Command: command, In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
		t.Fatal("needs root (HAVIP_REQUIRE_NETNS=1)")
	}
	t.Skip("needs root to make namespaces")
}

// within runs a part of insideParts on the workstation of a new lab.
func within(t *testing.T, part string, change func(*lab.Options)) {
	t.Helper()
	needRoot(t)
	t.Setenv(inside, part)
	out, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	o := options("/proc/self/exe")
	o.Out, o.Err = out, out
	change(&o)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	code, err := lab.Run(ctx, o)
	text, _ := os.ReadFile(out.Name())
	if err != nil || code != 0 {
		t.Fatalf("exit code %d, error %v\n%s", code, err, text)
	}
	if len(text) > 0 {
		t.Logf("%s", text)
	}
}

func TestServers(t *testing.T) {
	for _, part := range insideParts() {
		t.Run(part.name, func(t *testing.T) { within(t, part.name, func(*lab.Options) {}) })
	}
}

// start starts this binary as the one who starts a lab.
func start(t *testing.T, command string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	needRoot(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), launch+"="+command)
	out := &bytes.Buffer{}
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when this test is cut off
	runtime.LockOSThread()                                             // that starts it, as long as the test lasts
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); runtime.UnlockOSThread() })
	eventually(t, "the command runs in the lab", func() bool {
		text, _ := os.ReadFile(file.Name())
		out.Reset()
		out.Write(text)
		return strings.Contains(out.String(), "ready")
	}, out.String)
	return cmd, out
}

// ended waits for the end of cmd and is its exit code.
func ended(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	late := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

func eventually(t *testing.T, what string, holds func() bool, state func() string) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s\n%s", what, state())
		}
	}
}

func TestNothingIsLeft(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*exec.Cmd) error
	}{
		{"after kill -9", func(c *exec.Cmd) error { return c.Process.Kill() }},
		{"after SIGTERM", func(c *exec.Cmd) error { return c.Process.Signal(syscall.SIGTERM) }},
		{"after SIGINT", func(c *exec.Cmd) error { return c.Process.Signal(os.Interrupt) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd, _ := start(t, "echo ready; exec sleep 1000")
			made := footprintOf(t, cmd.Process.Pid)
			if len(made.processes) < 6 { // root, command, and two servers with init and sshd
				t.Fatalf("only %d processes are seen of a lab that runs", len(made.processes))
			}
			if len(made.devices) < 7 || len(made.spaces) < 6 {
				t.Fatalf("only %d devices and %d namespaces are seen of a lab that runs", len(made.devices), len(made.spaces))
			}
			if err := test.end(cmd); err != nil {
				t.Fatal(err)
			}
			made.end = ticks(t)
			ended(t, cmd)
			eventually(t, "everything of the lab is gone", func() bool { return made.left(t) == "" }, func() string { return made.left(t) })

			// The next one starts on a clean machine.
			next, _ := start(t, "echo ready; exec sleep 1000")
			if err := next.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = next.Wait()
		})
	}
}

// footprint is what of a lab is seen on the machine.
type footprint struct {
	id        int
	processes map[int]string // with the time of their start: numbers are used again
	spaces    map[string]bool
	devices   map[string]bool // of the switch
	// end is when the lab was ended. The number of a namespace is used again,
	// so that of a process which is younger says nothing.
	end int64
}

func footprintOf(t *testing.T, launcher int) footprint {
	t.Helper()
	f := footprint{id: launcher, processes: map[int]string{}, spaces: map[string]bool{}, devices: map[string]bool{}}
	own := map[string]bool{}
	for _, s := range spacesOf(os.Getpid()) {
		own[s] = true
	}
	parents := map[int]int{}
	for _, pid := range pids() {
		if ppid, _, ok := stat(pid); ok {
			parents[pid] = ppid
		}
	}
	for pid := range parents {
		for p := pid; p > 1; p = parents[p] {
			if p != launcher || pid == launcher {
				continue
			}
			_, born, ok := stat(pid)
			if !ok {
				break
			}
			f.processes[pid] = born
			for _, s := range spacesOf(pid) {
				if !own[s] {
					f.spaces[s] = true
				}
			}
			if parents[pid] == launcher {
				f.addDevices(pid)
			}
		}
	}
	return f
}

// addDevices looks at each thread of the root: some are in another namespace.
func (f *footprint) addDevices(root int) {
	tables, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/net/dev", root))
	for _, table := range tables {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			for _, ours := range []string{"tap", "brq", "out"} {
				if strings.HasPrefix(name, ours) {
					f.devices[name] = true
				}
			}
		}
	}
}

// left says what of it is still there.
func (f footprint) left(t *testing.T) string {
	t.Helper()
	var out []string
	for _, pid := range pids() {
		_, born, ok := stat(pid)
		if !ok {
			continue
		}
		if f.processes[pid] == born {
			out = append(out, fmt.Sprintf("process %d", pid))
		}
		if at, err := strconv.ParseInt(born, 10, 64); err != nil || at > f.end {
			continue
		}
		for _, s := range spacesOf(pid) {
			if f.spaces[s] {
				out = append(out, fmt.Sprintf("namespace %s of process %d", s, pid))
			}
		}
	}
	here, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range here {
		if name := d.Name(); f.devices[name] {
			out = append(out, "device "+name)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, "havip-lab") || strings.Contains(line, "/.servers/") {
			out = append(out, "mount "+line)
		}
	}
	reports, err := lab.Running()
	if err != nil {
		out = append(out, err.Error())
	}
	if slices.ContainsFunc(reports, func(r lab.Report) bool { return r.ID == f.id }) {
		out = append(out, "its socket")
	}
	return strings.Join(out, "\n")
}

// ticks is the time in the unit of a process's start: a hundredth of a second
// on every system (USER_HZ).
func ticks(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	seconds, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseInt(strings.ReplaceAll(seconds, ".", ""), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func pids() []int {
	var out []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// stat reads the parent and the start of a process.
func stat(pid int) (ppid int, born string, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", false
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, "", false
	}
	ppid, err = strconv.Atoi(fields[1])
	return ppid, fields[19], err == nil
}

func spacesOf(pid int) []string {
	var out []string
	for _, kind := range []string{"net", "mnt", "pid"} {
		if s, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind)); err == nil {
			out = append(out, s)
		}
	}
	return out
}

func TestTheExitCodeIsTheCommands(t *testing.T) {
	needRoot(t)
	for command, want := range map[string]int{
		"exit 0": 0, "exit 7": 7, "kill -9 $$": 137,
		"cat >/dev/null": 0, // its input is ours
	} {
		t.Run(command, func(t *testing.T) {
			null, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			o := options("sh", "-c", command)
			o.In = null
			got, err := lab.Run(t.Context(), o)
			if err != nil || got != want {
				t.Errorf("got %d, %v; want %d", got, err, want)
			}
		})
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	for name, s := range map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			cmd, out := start(t, "trap 'exit 42' "+name+"; echo ready; while :; do sleep 0.05; done")
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			if got := ended(t, cmd); got != 42 {
				t.Errorf("the lab ended with %d, the command with 42\n%s", got, out)
			}
		})
	}
}

func TestTheCallersFilesStayHis(t *testing.T) {
	needRoot(t)
	home := t.TempDir()
	keys := filepath.Join(home, ".ssh")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	before, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	// What is written to the project stays; what is written to /etc and ~/.ssh
	// is the lab's.
	code, err := lab.Run(t.Context(), options("sh", "-c", "touch ~/result && touch ~/.ssh/known_hosts && echo 192.0.2.1 x >>/etc/hosts && touch /etc/of-the-lab"))
	if err != nil || code != 0 {
		t.Fatal(code, err)
	}
	if _, err := os.Stat(filepath.Join(home, "result")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{filepath.Join(keys, "known_hosts"), "/etc/of-the-lab"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s was written on the machine", name)
		}
	}
	if after, _ := os.ReadFile("/etc/hosts"); !bytes.Equal(before, after) {
		t.Error("/etc/hosts of the machine changed")
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	needRoot(t)
	t.Run("a command that is not there", func(t *testing.T) {
		if _, err := lab.Run(t.Context(), options("no-such-command")); err == nil || !strings.Contains(err.Error(), "no-such-command") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the command ip", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := lab.Run(t.Context(), options("/bin/true"))
		hinted, ok := err.(interface{ Unwrap() []error })
		if !ok || len(hinted.Unwrap()) != 1 {
			t.Fatalf("got %v", err)
		}
		if e, ok := hinted.Unwrap()[0].(*lab.Error); !ok || !strings.Contains(e.Hint(), "iproute2") {
			t.Errorf("got %v", err)
		}
	})
}
