package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
