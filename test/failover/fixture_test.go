package failover

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// patience is how long anything may take before it counts as never.
const patience = 3 * time.Minute

// interval is of the groups' advertisements.
const interval = 500 * time.Millisecond

// needLab skips a test where no lab could be made.
func needLab(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv(inside) != "":
	case os.Getenv("HAVIP_REQUIRE_NETNS") == "1":
		t.Fatal("the lab needs root (HAVIP_REQUIRE_NETNS=1)")
	default:
		t.Skip("the lab needs root")
	}
}

// command is havip with the agent that was built beside it.
func command(t *testing.T, args ...string) *exec.Cmd {
	bin := os.Getenv(inside)
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "havip"), args...)
	cmd.Env = append(os.Environ(), "HAVIP_AGENT_BINARY="+filepath.Join(bin, "havip-agent"))
	return cmd
}

// must runs it and wants one of these exit codes; it returns what is on stdout.
func must(t *testing.T, codes []int, args ...string) []byte {
	t.Helper()
	cmd := command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, c := range codes {
		if cmd.ProcessState.ExitCode() == c {
			return out.Bytes()
		}
	}
	t.Fatalf("havip %s: exit code %d, want %v\n%s%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), codes, out.String(), errs.String())
	return nil
}

// running is a havip that was started and not waited for.
type running struct {
	*exec.Cmd
	out, errs bytes.Buffer
	ended     chan struct{}
	err       error
}

// start starts havip.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{Cmd: command(t, args...), ended: make(chan struct{})}
	r.Stdout, r.Stderr = &r.out, &r.errs
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		r.err = r.Wait()
	}()
	return r
}

// until waits for something to hold while it runs.
func (r *running) until(t *testing.T, what string, f func() error) {
	t.Helper()
	eventually(t, what, func() error {
		err := f()
		select {
		case <-r.ended:
			if err != nil {
				t.Fatalf("%s: havip ended before: %v\n%s%s", what, r.err, r.out.String(), r.errs.String())
			}
		default:
		}
		return err
	})
}

// group makes a group of two servers, which is gone when the test ends.
func group(t *testing.T, name, address string, servers ...string) {
	t.Helper()
	needLab(t)
	// Three groups are made at once, and each would find the same VRID free.
	vrid := address[strings.LastIndexByte(address, '.')+1:]
	file := filepath.Join(t.TempDir(), name+".yaml")
	text := fmt.Sprintf("version: 1\nname: %s\nservers: [%s]\nvrrp: {id: %s, interval: %s}\nchecks: [{name: ssh, tcp: \":22\"}]\nvips:\n  - {network: internal, address: %s}\n",
		name, strings.Join(servers, ", "), vrid, interval, address)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = exec.Command(filepath.Join(os.Getenv(inside), "havip"), "delete", name, "--yes").Run() })
	must(t, []int{0}, "create", "-f", file, "--yes")
	healthy(t, name)
}

// healthy waits until the group is.
func healthy(t *testing.T, group string) {
	t.Helper()
	eventually(t, "a healthy group", func() error {
		if s := look(t, group); !s.Healthy {
			return fmt.Errorf("it is %+v", s)
		}
		return nil
	})
}

// report is what the tests read of `havip failover-test -o json`.
type report struct {
	Verdict string
	Rounds  []round
	Left    []string
	Probe   string
}

type round struct {
	Fault, Verdict, Expect, Before, After, Answers, Session string
	Why                                                     []string
	Two_owners_ms                                           float64 //nolint:revive // as in the JSON
	Paths                                                   []struct {
		Path       string
		Control    bool
		Asked      int
		Lost       int
		Silence_ms float64
	}
	Layers []struct {
		Layer   string
		Took_ms float64
	}
}

// silence is the longest on a way.
func (r round) silence(path string) time.Duration {
	for _, p := range r.Paths {
		if p.Path == path && !p.Control {
			return time.Duration(p.Silence_ms * float64(time.Millisecond))
		}
	}
	return -1
}

// slowest is the layer that took longest.
func (r round) slowest() string {
	var name string
	most := -1.0
	for _, l := range r.Layers {
		if l.Took_ms > most {
			name, most = l.Layer, l.Took_ms
		}
	}
	return name
}

func parse(t *testing.T, out []byte) report {
	t.Helper()
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("read the report: %v\n%s", err, out)
	}
	return r
}

// status is what the tests read of `havip status -o json`.
type status struct {
	Healthy bool
	Members []struct{ Name, State string }
}

func look(t *testing.T, group string) status {
	t.Helper()
	var s status
	if out := must(t, []int{0, 3}, "status", "-o", "json", group); json.Unmarshal(out, &s) != nil {
		t.Fatalf("read the status: %s", out)
	}
	return s
}

func (s status) active() string {
	for _, m := range s.Members {
		if m.State == "active" {
			return m.Name
		}
	}
	return ""
}

// eventually tries until f has no objection.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("wait for %s: %v", what, err)
		}
	}
}

// on runs a command on a server, as root; what it prints counts also when it fails.
func on(t *testing.T, server, command string) (string, error) {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("HAVIP_LAB_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New("/etc/ssh/ssh_known_hosts")
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", server+":22", &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known, Timeout: patience,
	})
	if err != nil {
		return "", err
	}
	defer client.Close()
	s, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	return string(out), err
}
