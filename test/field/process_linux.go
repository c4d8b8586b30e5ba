package field

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Process is a program that runs in a node. Its output is shown when the test
// fails.
type Process struct {
	n      *Node
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start starts a program that goes on until it is ended, or the test.
func (n *Node) Start(attr syscall.SysProcAttr, argv ...string) *Process {
	n.f.t.Helper()
	p := &Process{n: n, name: filepath.Base(argv[0]), exited: make(chan struct{})}
	log, err := os.CreateTemp(n.dir, p.name+"-*.log")
	must(n.f.t, err)
	defer log.Close()
	p.log = log.Name()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	attr.Pdeathsig = syscall.SIGKILL
	p.cmd.SysProcAttr = &attr
	if err := n.thread.do(p.cmd.Start); err != nil {
		n.f.t.Fatalf("%s: start %s: %v", n.Name, p.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // its exit code is kept in the command
		close(p.exited)
	}()
	n.processes = append(n.processes, p)
	n.f.t.Cleanup(func() {
		p.Kill()
		if n.f.t.Failed() {
			n.f.t.Logf("%s: output of %s:\n%s", n.Name, p.name, p.Output())
		}
	})
	return p
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is what it has said.
func (p *Process) Output() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Said tells whether some text is in what it has said.
func (p *Process) Said(text string) bool { return strings.Contains(p.Output(), text) }

// Signal sends s to the process alone.
func (p *Process) Signal(s syscall.Signal) {
	p.n.f.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.n.f.t.Fatalf("%s: send %v to %s: %v", p.n.Name, s, p.name, err)
	}
}

// Kill ends it and its children with SIGKILL and waits. They are stopped
// first, from the parent on: none sees another's end, which is a reason to say
// goodbye or to start anew. One that has ended is left alone.
func (p *Process) Kill() {
	if p.Exited() {
		return
	}
	all := p.Family()
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range all {
			_ = syscall.Kill(pid, s) // it may have ended meanwhile
		}
	}
	<-p.exited
}

// Family is the process and its children, theirs too, parents first.
func (p *Process) Family() []int {
	all := []int{p.PID()}
	for i := 0; i < len(all); i++ {
		// Threads have children of their own.
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, list := range lists {
			text, _ := os.ReadFile(list) // gone: no children
			for _, field := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(field); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// Exited tells whether it has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Stop asks it to end, waits, and returns its exit code.
func (p *Process) Stop() int {
	p.n.f.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.n.f.t.Fatalf("%s: stop %s: %v", p.n.Name, p.name, err)
	}
	Eventually(p.n.f.t, p.name+" on "+p.n.Name+" ends", p.Exited)
	return p.cmd.ProcessState.ExitCode()
}
