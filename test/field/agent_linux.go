package field

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
)

// agentFile names the agent that is tested. Main builds one of this tree unless
// it is given.
const agentFile = "HAVIP_FIELD_AGENT"

const (
	// nobody is who the agent runs as.
	nobody = 65534
	// realtime is the priority that the agent's unit allows it.
	realtime = 10
	// parallel is how many tests of a package run at once.
	parallel = 6
)

// Main is a package's TestMain: it builds the agent once for all its tests.
func Main(m *testing.M) int {
	if os.Getenv(agentFile) != "" || os.Geteuid() != 0 { // without root every test is skipped
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "havip-field-agent-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Tests of a field wait for daemons far more than they use a processor.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(parallel)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// As the unit does, where it may be: the agents inherit the right to real time.
	_ = unix.Setrlimit(unix.RLIMIT_RTPRIO, &unix.Rlimit{Cur: realtime, Max: realtime})
	return m.Run()
}

func build(dir string) error {
	path := filepath.Join(dir, "havip-agent")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", path, "github.com/havip/havip/cmd/havip-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the agent: %w\n%s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	return os.Setenv(agentFile, path)
}

// Agent is the real agent in a node, as nobody with its two capabilities.
type Agent struct {
	Control
	*Process // of the last Start
	n        *Node
	dir      string
	cfg      config.Config
	sha      string
}

// Agent starts an agent.
func (n *Node) Agent(c config.Config) *Agent {
	n.f.t.Helper()
	a := n.NewAgent(c)
	a.Start()
	return a
}

// NewAgent is an agent that is not started yet. Group, control socket and
// interfaces that c leaves out are filled in.
func (n *Node) NewAgent(c config.Config) *Agent {
	n.f.t.Helper()
	a := &Agent{n: n, dir: n.folder("agent", nobody, nobody)}
	a.Configure(c)
	return a
}

// Configure writes the configuration file; the agent reads it when it is
// started or gets SIGHUP.
func (a *Agent) Configure(c config.Config) {
	a.n.f.t.Helper()
	c = a.Complete(c)
	text, err := config.Marshal(c)
	must(a.n.f.t, err)
	a.Write(text)
	a.cfg, a.sha, a.Control = c, config.SHA256(text), Control{n: a.n, socket: c.Control}
}

// Complete fills in what Configure does.
func (a *Agent) Complete(c config.Config) config.Config {
	c = complete(c)
	if c.Control == "" {
		c.Control = filepath.Join(a.dir, "control.sock")
	}
	return c
}

// complete fills in what need not differ.
func complete(c config.Config) config.Config {
	if c.Group == "" {
		c.Group = "field"
	}
	for i := range c.Routers {
		if c.Routers[i].Interface == (config.Interface{}) {
			c.Routers[i].Interface.Name = Device
		}
	}
	return c
}

// Write writes the configuration file as it is.
func (a *Agent) Write(text []byte) {
	a.n.f.t.Helper()
	must(a.n.f.t, os.WriteFile(a.file(), text, 0o644))
}

func (a *Agent) file() string { return filepath.Join(a.dir, "agent.yaml") }

// Config is what Configure wrote last.
func (a *Agent) Config() config.Config { return a.cfg }

// SHA256 is of the file that Configure wrote last.
func (a *Agent) SHA256() string { return a.sha }

// Start starts the agent, also one that has ended.
func (a *Agent) Start() {
	a.n.f.t.Helper()
	capabilities := []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_RTPRIO, &limit) != nil || limit.Cur < realtime {
		// A container's root may not raise the limit: the other way to the same.
		capabilities = append(capabilities, unix.CAP_SYS_NICE)
	}
	a.Process = a.n.Start(syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: capabilities,
	}, os.Getenv(agentFile), "run", "--config", a.file())
}
