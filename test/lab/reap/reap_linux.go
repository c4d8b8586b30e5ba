package reap

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper waits for every child of this process. There is one for a process,
// and nothing else in it may wait.
type Reaper struct {
	mu       sync.Mutex
	children map[int]*Child
}

// Child is a process that Start made.
type Child struct {
	PID    int
	done   chan struct{}
	status syscall.WaitStatus
}

// New begins to wait.
func New() *Reaper {
	r := &Reaper{children: make(map[int]*Child)}
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		for range died {
			r.collect()
		}
	}()
	return r
}

func (r *Reaper) collect() {
	r.mu.Lock() // a child that died at once is known before it is looked for
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if c := r.children[pid]; c != nil {
			delete(r.children, pid)
			c.status = status
			close(c.done)
		}
	}
}

// Start runs the file path with argv.
func (r *Reaper) Start(path string, argv []string, attr *syscall.ProcAttr) (*Child, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, _, err := syscall.StartProcess(path, argv, attr)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	c := &Child{PID: pid, done: make(chan struct{})}
	r.children[pid] = c
	return c, nil
}

// Signal sends s to c, unless it has ended: its number may be another's then.
func (r *Reaper) Signal(c *Child, s syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.children[c.PID] == c {
		_ = syscall.Kill(c.PID, s)
	}
}

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Code waits for the child's end and is its exit code as a shell has it.
func (c *Child) Code() int {
	<-c.done
	if c.status.Signaled() {
		return 128 + int(c.status.Signal())
	}
	return c.status.ExitStatus()
}
