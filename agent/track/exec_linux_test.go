package track

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip/netnstest"
)

// shell is a check that runs a script.
func shell(script string) config.Check {
	return config.Check{Exec: []string{"/bin/sh", "-c", script}}
}

func command(words ...string) config.Check { return config.Check{Exec: words} }

func TestACommandsExitStatusIsTheVerdict(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	netnstest.Must(t, os.WriteFile(empty, nil, 0o755))
	long := strings.Repeat("x", 3*maxOutput)
	for name, c := range map[string]struct {
		check config.Check
		fails string
	}{
		"status 0":                     {shell("echo fine; exit 0"), ""},
		"status 3":                     {shell("exit 3"), "exit status 3"},
		"says why on stderr":           {shell("echo; echo the disk is full >&2; echo more; exit 1"), "exit status 1: the disk is full"},
		"says why on stdout":           {shell("echo '  no quorum'; exit 1"), "exit status 1: no quorum"},
		"prints what no log should":    {shell(`printf 'a\033[31mb\n'; exit 1`), "exit status 1: a?[31mb"},
		"kills itself":                 {shell("kill -9 $$"), "signal: killed"},
		"status 127":                   {shell("exit 127"), "exit status 127"},
		"is not there":                 {command("/nonexistent/check"), "exit status 127: /nonexistent/check cannot be started: no such file or directory"},
		"may not be run":               {command("/etc/passwd"), "exit status 127: /etc/passwd cannot be started: permission denied"},
		"is empty":                     {command(empty), "exit status 127: " + empty + " cannot be started: exec format error"},
		"leaves a child with its pipe": {shell("sleep 1000 & exit 0"), ""},
		"gets its arguments":           {command("/usr/bin/test", "a b", "=", "a b"), ""},
		"has only PATH":                {shell(`[ "$(env | grep -v -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL=)" = "" ] && [ "$PWD" = / ]`), ""},
	} {
		t.Run(name, func(t *testing.T) { verdict(t, c.check, c.fails) })
	}
	err := probeOnce(t.Context(), probeExec(shell("echo "+long+"; exit 1").Exec), 30*time.Second)
	if err == nil || len(err.Error()) > maxOutput+len("exit status 1: ") {
		t.Errorf("a long line is kept: %v", err)
	}
}

func TestATimeoutKillsACommandWithAllThatItStarted(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	// Its child ignores what can be ignored.
	script := fmt.Sprintf(`sh -c 'trap "" TERM HUP INT; echo $$ >%s; exec sleep 1000' & wait`, pids)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- probeExec(shell(script).Exec)(ctx) }()
	var child int
	netnstest.Eventually(t, "the command has started its child", func() bool {
		data, err := os.ReadFile(pids)
		child, _ = strconv.Atoi(strings.TrimSpace(string(data)))
		return err == nil && child > 0
	})
	cancel(context.DeadlineExceeded)
	select {
	case err := <-done:
		want(t, err, "signal: killed")
	case <-time.After(30 * time.Second):
		t.Fatal("the command was not killed")
	}
	netnstest.Eventually(t, "its child is gone", func() bool {
		_, alive := stat(child)
		return !alive
	})
}

func TestWhatACommandLeavesInItsGroupIsKilled(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	verdict(t, shell(fmt.Sprintf(`sleep 1000 >/dev/null 2>&1 & echo $! >%s`, pids)), "")
	data, err := os.ReadFile(pids)
	netnstest.Must(t, err)
	child, err := strconv.Atoi(strings.TrimSpace(string(data)))
	netnstest.Must(t, err)
	netnstest.Eventually(t, "its child is gone", func() bool {
		_, alive := stat(child)
		return !alive
	})
}

func TestACommandRunsOnceAtATime(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	ctx, cancel := context.WithCancel(t.Context())
	probe := probeExec(shell("touch " + started + "; sleep 1000").Exec)
	done := make(chan error, 1)
	go func() { done <- probe(ctx) }()
	netnstest.Eventually(t, "the command runs", func() bool {
		_, err := os.Stat(started)
		return err == nil
	})
	want(t, probe(ctx), "the run before has been killed and has not ended")
	cancel()
	if err := <-done; err == nil {
		t.Error("a command that was killed is healthy")
	}
}

// Go code that runs on one thread at a time, as the agent's does, would stand still
// until the file is there. One that is leased, and not given back, is that for the 45 s
// of /proc/sys/fs/lease-break-time, like one whose server hangs.
func TestACommandThatCannotBeLoadedHoldsNobodyUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "check")
	netnstest.Must(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	netnstest.Must(t, err)
	defer file.Close()
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatalf("%s cannot be leased: %v (HAVIP_REQUIRE_NETNS=1)", path, err)
		}
		t.Skipf("%s cannot be leased: %v", path, err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	began := time.Now()
	want(t, probeOnce(t.Context(), probeExec([]string{path}), 300*time.Millisecond), "no answer within 300ms")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("all stood still for %v", took)
	}
}

// capabilities prints the sets that an ordinary program has use of.
const capabilities = `grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status | tr -s '\n\t' ' '; exit 1`

const noCapabilities = "exit status 1: CapPrm: 0000000000000000 CapEff: 0000000000000000 CapAmb: 0000000000000000"

func TestACommandHasNoCapabilities(t *testing.T) {
	if got := asService(t, shell(capabilities)); got != noCapabilities {
		t.Errorf("a command of the service has: %s", got)
	}
	verdict(t, shell(capabilities), noCapabilities) // root's neither
}

func TestACommandHasNoRealTimePriority(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatal("needs root (HAVIP_REQUIRE_NETNS=1)")
		}
		t.Skip("needs root to have real-time priority itself")
	}
	schedule(t, unix.SCHED_FIFO, 1)
	defer schedule(t, unix.SCHED_NORMAL, 0)
	// Field 41 of /proc/PID/stat (proc(5)) is the policy: 0 is the ordinary one.
	verdict(t, shell(`set -- $(cat /proc/self/stat); shift 40; [ "$1" = 0 ]`), "")
}

// schedule sets the policy of all threads of this process.
func schedule(t *testing.T, policy, priority uint32) {
	t.Helper()
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority}
	for range 3 { // a thread may be made meanwhile
		threads, err := os.ReadDir("/proc/self/task")
		netnstest.Must(t, err)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			netnstest.Must(t, err)
			if err := unix.SchedSetAttr(id, attr, 0); err != nil && err != unix.ESRCH {
				t.Fatal(err)
			}
		}
	}
}
