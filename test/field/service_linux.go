package field

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/templates"
)

// Service is the agent as a service of a container without systemd: with the
// SysV script that havip installs, and a syslog.
type Service struct {
	Control
	n         *Node
	script    string
	container *Process // its PID 1

	mu  sync.Mutex
	log []string
}

// setUp makes a container's own mounts: of the node's files it sees all, but
// devices, processes and /run are its own. $1 is the socket of its syslog.
const setUp = `set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev
for d in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 /dev/${d%:*} c 1 ${d#*:}; done
ln -s "$1" /dev/log
echo up
exec sleep infinity
`

// Service makes a container in which the agent is a service. It is not started
// yet. Group, control socket and interfaces that c leaves out are filled in.
func (n *Node) Service(c config.Config) *Service {
	n.f.t.Helper()
	s := &Service{n: n}
	dir := n.folder("service", 0, 0)
	syslog := filepath.Join(dir, "log")
	s.listen(syslog)
	s.container = n.Start(syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}, "sh", "-c", setUp, "container", syslog)
	Eventually(n.f.t, "the container is up", func() bool { return s.container.Said("up") })

	layout := templates.Layout{
		Binary: os.Getenv(agentFile), ConfigDir: dir, RunDir: "/run/havip", PIDDir: "/run", User: "daemon",
	}
	c = complete(c)
	c.Control = filepath.Join(layout.RunDir, c.Group, "control.sock")
	s.Control = Control{n: n, socket: fmt.Sprintf("/proc/%d/root%s", s.container.PID(), c.Control)}
	text, err := config.Marshal(c)
	must(n.f.t, err)
	must(n.f.t, os.WriteFile(filepath.Join(dir, c.Group+".yaml"), text, 0o644))
	script, err := templates.SysV(layout, c.Group)
	must(n.f.t, err)
	s.script = filepath.Join(dir, templates.SysVScript(c.Group))
	must(n.f.t, os.WriteFile(s.script, []byte(script), 0o755))
	return s
}

// listen is the syslog.
func (s *Service) listen(path string) {
	t := s.n.f.t
	t.Helper()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	must(t, os.Chmod(path, 0o666))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		line := make([]byte, 1<<16)
		for {
			n, err := socket.Read(line)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.log = append(s.log, string(line[:n]))
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = socket.Close()
		<-ended
		if t.Failed() {
			t.Logf("syslog of %s:\n%s", s.n.Name, s.Log())
		}
	})
}

// Log is what its syslog was told.
func (s *Service) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// Do runs the script and returns its exit code.
func (s *Service) Do(verb string) int {
	s.n.f.t.Helper()
	out, err := s.n.Try("nsenter", "--target", strconv.Itoa(s.container.PID()), "--mount", "--pid", "--uts", "--ipc", "sh", s.script, verb)
	exit := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		s.n.f.t.Fatalf("%s: %s %s: %v: %s", s.n.Name, s.script, verb, err, out)
	}
	s.n.f.t.Logf("%s: %s: %s", s.n.Name, verb, out)
	return exit.ExitCode()
}

// Start starts the service.
func (s *Service) Start() {
	s.n.f.t.Helper()
	if code := s.Do("start"); code != 0 {
		s.n.f.t.Fatalf("%s: start of the service: exit code %d", s.n.Name, code)
	}
}

// Stop stops it and returns the script's exit code.
func (s *Service) Stop() int {
	s.n.f.t.Helper()
	return s.Do("stop")
}
