package track

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
)

const (
	// killGrace is how long a killed command may take to be gone. One that
	// hangs in the kernel cannot be killed at all.
	killGrace = time.Second
	// maxOutput is how much of a command's first line is kept.
	maxOutput = 200
	// ownProgram is there also when its file has been replaced by an upgrade.
	ownProgram = "/proc/self/exe"
)

// probeExec runs a command; exit status 0 is healthy. At most one runs at a
// time, also when it cannot be killed.
func probeExec(words []string) Probe {
	return apart(killGrace, "the run before has been killed and has not ended", func(ctx context.Context) error {
		if err := restrictThread(); err != nil {
			return err
		}
		return runCommand(ctx, words)
	})
}

// restrictThread takes from the calling thread what a command must not inherit:
// real-time scheduling, and each way to the agent's capabilities. The goroutine
// stays on the thread, and the thread ends with it.
func restrictThread() error {
	runtime.LockOSThread()
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return fmt.Errorf("read the nice value: %w", err)
	}
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: int32(20 - nice)} // getpriority(2): the system call counts down from 20
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		return fmt.Errorf("give up real-time scheduling: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	// Root would get all of them back (capabilities(7)).
	const noRoot = 1<<0 | 1<<1 // SECBIT_NOROOT, locked
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0); err != nil {
		return fmt.Errorf("take root's capabilities from the command: %w", err)
	}
	return nil
}

// runCommand runs the command in a process group of its own, and ends all of
// the group when ctx ends or the command has. This program is started, and becomes
// the command (see Launch).
func runCommand(ctx context.Context, words []string) error {
	var output firstLine
	cmd := exec.Command(ownProgram)
	cmd.Args = append([]string{"havip-agent", Launcher}, words...) // as ps shows it
	cmd.Env, cmd.Dir = []string{"GOMAXPROCS=1"}, "/"               // the launcher's own; it needs few threads
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = killGrace // one that left the group may keep the pipe
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	// The agent is the last that the kernel may kill for want of memory; a
	// command is not. One that is gone already needs no score.
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("0"), 0)

	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		kill(pid)
		close(killed)
	})
	awaitExit(pid)
	if !stop() {
		<-killed
	}
	kill(pid) // what it left behind
	err := cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err != nil && output.String() != "" {
		return fmt.Errorf("%w: %s", err, output.String())
	}
	return err
}

// kill ends a process group. The caller has not yet collected its leader, so
// the number can be no other's.
func kill(group int) { _ = unix.Kill(-group, unix.SIGKILL) }

// awaitExit waits until the process has ended, and leaves it to be collected.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// firstLine keeps the beginning of what is written to it.
type firstLine struct{ kept []byte }

// Write implements io.Writer.
func (f *firstLine) Write(p []byte) (int, error) {
	f.kept = append(f.kept, p[:min(len(p), maxOutput-len(f.kept))]...)
	return len(p), nil
}

// String is the first line that is not empty, fit for a log.
func (f *firstLine) String() string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(f.kept), []byte("\n"))
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, string(bytes.TrimSpace(line)))
}
