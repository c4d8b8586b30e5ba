package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/control"
)

// patience bounds every wait: far more than anything here needs.
const patience = 30 * time.Second

const (
	testInterval = "100ms"
	testVIP      = "10.99.0.100"
)

// requireNamespaces skips where network namespaces cannot be made, except where
// CI says that they can.
func requireNamespaces(t *testing.T) {
	t.Helper()
	err := error(nil)
	if os.Geteuid() != 0 {
		err = os.ErrPermission
	} else {
		_, err = exec.LookPath("ip")
	}
	switch {
	case err == nil:
	case os.Getenv("HAVIP_REQUIRE_NETNS") == "1":
		t.Fatalf("network namespaces are required: %v", err)
	default:
		t.Skipf("needs root and ip: %v", err)
	}
}

func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// segment is two members' namespaces on a bridge in a third.
func segment(t *testing.T) (members [2]*member) {
	t.Helper()
	prefix := fmt.Sprintf("hvB2-%d-", os.Getpid())
	sw := prefix + "sw"
	namespace := func(name string) {
		ip(t, "netns", "add", name)
		t.Cleanup(func() { ip(t, "netns", "del", name) })
	}
	namespace(sw)
	ip(t, "-n", sw, "link", "add", "br0", "type", "bridge")
	ip(t, "-n", sw, "link", "set", "br0", "up")
	binary := build(t)
	for i := range members {
		m := &member{
			t:      t,
			binary: binary,
			ns:     fmt.Sprintf("%s%d", prefix, i),
			dir:    t.TempDir(),
			own:    netip.AddrFrom4([4]byte{10, 99, 0, byte(i + 1)}),
			peer:   netip.AddrFrom4([4]byte{10, 99, 0, byte(2 - i)}),
		}
		namespace(m.ns)
		port := fmt.Sprintf("port%d", i)
		ip(t, "-n", sw, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", m.ns)
		ip(t, "-n", sw, "link", "set", port, "master", "br0", "up")
		ip(t, "-n", m.ns, "link", "set", "lo", "up")
		ip(t, "-n", m.ns, "link", "set", "eth0", "up")
		ip(t, "-n", m.ns, "addr", "add", m.own.String()+"/24", "dev", "eth0")
		members[i] = m
	}
	return members
}

// build makes the real binary.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "havip-agent")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return path
}

// member is an agent in a namespace.
type member struct {
	t         *testing.T
	binary    string
	ns, dir   string
	own, peer netip.Addr
	cmd       *exec.Cmd
	exited    chan error
}

func (m *member) socket() string { return filepath.Join(m.dir, "run", "control.sock") }
func (m *member) config() string { return filepath.Join(m.dir, "agent.yaml") }

func (m *member) configure(interval string) {
	m.t.Helper()
	yaml := fmt.Sprintf(`group: test
routers:
  - vrid: 51
    interface: {name: eth0}
    addresses: [%s/32]
    source: %s
    peers: [%s]
    priority: %d
    interval: %s
    version: 3
    preempt: false
control: %s
`, testVIP, m.own, m.peer, 251-int(m.own.As4()[3]), interval, m.socket())
	if err := os.WriteFile(m.config(), []byte(yaml), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// start runs the agent. Its log goes to the test's when the test fails.
func (m *member) start() {
	m.t.Helper()
	log, err := os.OpenFile(filepath.Join(m.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer log.Close()
	m.startWith(log)
	m.t.Cleanup(func() {
		if m.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			m.t.Logf("log of %s:\n%s", m.ns, text)
		}
	})
}

// startWith runs the agent with a log.
func (m *member) startWith(log *os.File) {
	m.t.Helper()
	// ip execs the command in its place: the process is the agent.
	cmd := exec.Command("ip", "netns", "exec", m.ns, m.binary, "run", "--config", m.config())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	m.cmd, m.exited = cmd, exited
	m.t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
}

func (m *member) signal(s os.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// wait waits for the agent's end and returns its exit code.
func (m *member) wait() int {
	m.t.Helper()
	select {
	case <-m.exited:
		return m.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		m.t.Fatal("the agent did not end")
		return -1
	}
}

// router asks the agent; a zero value is no answer.
func (m *member) router() api.Router {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	status, err := control.NewClient(m.socket()).Status(ctx)
	if err != nil || len(status.Routers) != 1 {
		return api.Router{}
	}
	return status.Routers[0]
}

func (m *member) is(s api.State) func() bool {
	return func() bool { return m.router().State == s }
}

// holds asks the kernel, not the agent.
func (m *member) holds() bool {
	m.t.Helper()
	return strings.Contains(ip(m.t, "-n", m.ns, "addr", "show", "dev", "eth0"), testVIP+"/32")
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(patience)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// transitions counts the agent's changes of state since its start.
func (m *member) transitions() uint64 { return m.router().Counters["transitions"] }

func TestTwoAgentsKeepTheAddressOnOneMember(t *testing.T) {
	requireNamespaces(t)
	members := segment(t)
	a, b := members[0], members[1]
	a.configure(testInterval)
	b.configure(testInterval)

	a.start()
	eventually(t, "the first alone becomes active", a.is(api.Active))
	b.start()
	eventually(t, "the second becomes backup", b.is(api.Backup))
	wantHolder(t, a, b)

	// The command, as a person runs it: also to and fro, without a rest.
	for _, m := range []*member{b, a, b, a, b} {
		out, err := exec.Command(m.binary, "switchover", "--socket", m.socket()).CombinedOutput()
		if err != nil {
			t.Fatalf("switchover: %v: %s", err, out)
		}
	}
	eventually(t, "the old active yields", a.is(api.Backup))
	wantHolder(t, b, a)

	before := b.transitions()
	ip(t, "-n", b.ns, "addr", "del", testVIP+"/32", "dev", "eth0")
	eventually(t, "the address that was deleted is back", b.holds)
	if n := b.transitions(); n != before || !b.is(api.Active)() {
		t.Errorf("deleting the address caused %d transitions", n-before)
	}

	b.configure("200ms")
	b.signal(syscall.SIGHUP)
	eventually(t, "the new interval is in force", func() bool {
		return b.router().Interval == api.Duration(200*time.Millisecond)
	})
	eventually(t, "advertisements go on", func() bool {
		return time.Since(a.router().Peers[0].LastAdvert) < 150*time.Millisecond
	})
	if n := b.transitions(); n != before {
		t.Errorf("the reload caused %d transitions of the active", n-before)
	}
	wantHolder(t, b, a)

	b.signal(syscall.SIGKILL)
	eventually(t, "the backup takes over from a killed active", a.is(api.Active))
	eventually(t, "the kernel takes the address away from the killed one", func() bool { return !b.holds() })
	wantHolder(t, a, b)
	b.wait()

	b.start()
	eventually(t, "the killed one comes back as backup", b.is(api.Backup))
	wantHolder(t, a, b)

	a.signal(syscall.SIGTERM)
	if code := a.wait(); code != exitDone {
		t.Errorf("exit code after SIGTERM: %d", code)
	}
	eventually(t, "the backup takes over from one that stopped", b.is(api.Active))
	if r := b.router(); !strings.Contains(r.Reason, "left") {
		t.Errorf("the new active's reason is %q, want that the other left", r.Reason)
	}
	wantHolder(t, b, a)
}

// An agent that comes back before its lease has run out goes on, and its
// backup never notices.
func TestAnAgentThatIsRestartedInTimeGoesOnAsActive(t *testing.T) {
	requireNamespaces(t)
	members := segment(t)
	a, b := members[0], members[1]
	// Long enough that a restart on a busy machine is within two of them.
	a.configure("5s")
	b.configure("5s")
	a.start()
	b.start()
	eventually(t, "both listen", func() bool { return a.is(api.Backup)() && b.is(api.Backup)() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := control.NewClient(a.socket()).Switchover(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the backup hears the active", func() bool { return !b.router().Peers[0].LastAdvert.IsZero() })

	before := b.transitions()
	a.signal(syscall.SIGKILL)
	a.wait()
	a.start()
	eventually(t, "the restarted one is active", a.is(api.Active))
	if r := a.router(); !strings.HasPrefix(r.Reason, "resumed") {
		t.Errorf("the reason is %q, want resumed", r.Reason)
	}
	if n := b.transitions(); n != before {
		t.Errorf("the restart caused %d transitions of the backup", n-before)
	}
	wantHolder(t, a, b)
}

// An agent waits for a NIC that is not there at boot.
func TestAnAgentWaitsForItsInterface(t *testing.T) {
	requireNamespaces(t)
	m := segment(t)[0]
	ip(t, "-n", m.ns, "link", "set", "eth0", "down")
	m.configure(testInterval)
	m.start()
	eventually(t, "the agent says that it waits", func() bool {
		r := m.router()
		return r.State == api.Init && strings.Contains(r.Reason, "eth0")
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := control.NewClient(m.socket()).Switchover(ctx); err == nil {
		t.Error("a switchover to an agent without its interface was not refused")
	}
	ip(t, "-n", m.ns, "link", "set", "eth0", "up")
	eventually(t, "it becomes active once the interface is up", m.is(api.Active))
	if !m.holds() {
		t.Error("the address is not on the interface")
	}
}

// wantHolder compares what the kernel of each has.
func wantHolder(t *testing.T, with, without *member) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s has the address and %s has not", with.ns, without.ns), func() bool {
		return with.holds() && !without.holds()
	})
}
