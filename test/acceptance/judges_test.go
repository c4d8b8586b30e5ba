//go:build acceptance

package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long a condition may take to come true: ten times and more
// what it takes on a slow machine.
const patience = 3 * time.Minute

// eventually repeats check until it succeeds, and gives its last error when
// limit is over.
func eventually(limit time.Duration, check func() error) error {
	end := time.Now().Add(limit)
	for {
		err := check()
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// wait is eventually for tests.
func wait(t *testing.T, what string, check func() error) {
	t.Helper()
	if err := eventually(patience, check); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// output is what a command printed.
type output struct {
	args     []string
	out, err string
	code     int
	took     time.Duration
}

func (o output) String() string {
	return fmt.Sprintf("%s\nexit code %d after %.1fs\n--- stdout\n%s--- stderr\n%s", strings.Join(o.args, " "), o.code, o.took.Seconds(), o.out, o.err)
}

// command runs a program with an environment added to the test's own.
func command(env []string, args ...string) output { return within(2*patience, env, args...) }

// within is command for one that may take longer, or not as long.
func within(limit time.Duration, env []string, args ...string) output {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	c.Env = append(os.Environ(), env...)
	began := time.Now()
	err := c.Run()
	o := output{args: args, out: out.String(), err: errs.String(), code: c.ProcessState.ExitCode(), took: time.Since(began)}
	if err != nil && o.code == 0 {
		o.code, o.err = -1, o.err+err.Error()
	}
	return o
}

// havip runs the real binary.
func havip(args ...string) output { return command(nil, append([]string{the.bin}, args...)...) }

// mustHavip runs it and fails the test unless it ends with code.
func mustHavip(t *testing.T, code int, args ...string) output {
	t.Helper()
	o := havip(args...)
	if o.code != code {
		t.Fatalf("want exit code %d:\n%v", code, o)
	}
	return o
}

// way are the flags that reach the servers.
func way() []string { return []string{"--ssh-config", the.sshConfig()} }

// on adds the flags of way to a command line.
func on(args ...string) []string { return append(args, way()...) }

// openstackCLI asks the openstack command, the first judge, for JSON. It runs
// as the same member, never as an admin.
func openstackCLI(t *testing.T, into any, args ...string) {
	t.Helper()
	full := append([]string{"openstack"}, args...)
	if into != nil {
		full = append(full, "-f", "json")
	}
	// A pyenv in the PATH would shadow the system's python3.
	o := command([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, append([]string{"env"}, full...)...)
	if o.code != 0 {
		t.Fatalf("judge:\n%v", o)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(o.out), into); err != nil {
			t.Fatalf("judge: %v:\n%v", err, o)
		}
	}
}

// ssh runs a command on a server, past havip.
func (h *host) ssh(command_ string) output {
	return command(nil, "ssh", "-F", h.world.sshConfig(), "-o", "ConnectTimeout=5", "-o", "BatchMode=yes",
		"-o", "UserKnownHostsFile="+filepath.Join(h.world.dir, "judge_known_hosts"), "-o", "StrictHostKeyChecking=accept-new",
		h.fip, command_)
}

// must runs a command on a server and gives what it printed.
func (h *host) must(t *testing.T, command_ string) string {
	t.Helper()
	o := h.ssh(command_)
	if o.code != 0 {
		t.Fatalf("on %s:\n%v", h.name, o)
	}
	return o.out
}

// ready waits until the server answers by SSH and by HTTP.
func (h *host) ready() error {
	return eventually(patience, func() error {
		if o := h.ssh("systemctl is-active whoami.socket"); o.code != 0 {
			return fmt.Errorf("%v", o)
		}
		return nil
	})
}

// holds tells whether the server has the address, as ip shows it.
func (h *host) holds(t *testing.T, address string) bool {
	t.Helper()
	return strings.Contains(h.must(t, "ip -o -4 addr show"), " "+address+"/32 ")
}

// whoAnswers names the server behind an address, by HTTP.
func whoAnswers(address string) (string, error) {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	return strings.TrimSpace(string(b)), err
}

// answers waits until want is who answers at the address.
func answers(t *testing.T, address string, want *host) {
	t.Helper()
	wait(t, "curl "+address, func() error {
		got, err := whoAnswers(address)
		if err == nil && got != want.name {
			err = fmt.Errorf("%s answers instead of %s", got, want.name)
		}
		return err
	})
}

// byName finds a server of the world.
func byName(t *testing.T, name string) *host {
	t.Helper()
	for _, h := range the.servers {
		if h.name == name {
			return h
		}
	}
	t.Fatalf("%q is no server of this run", name)
	return nil
}

// powerOff stops a server as people do it, and waits until it is off.
func (h *host) powerOff(t *testing.T) {
	t.Helper()
	openstackCLI(t, nil, "server", "stop", h.id)
	h.waitStatus(t, "SHUTOFF")
}

func (h *host) powerOn(t *testing.T) {
	t.Helper()
	openstackCLI(t, nil, "server", "start", h.id)
	h.waitStatus(t, "ACTIVE")
	if err := h.ready(); err != nil {
		t.Fatal(err)
	}
}

func (h *host) waitStatus(t *testing.T, want string) {
	t.Helper()
	wait(t, h.name+" becomes "+want, func() error {
		var s struct{ Status string }
		openstackCLI(t, &s, "server", "show", h.id, "-c", "status")
		if s.Status != want {
			return fmt.Errorf("is %s", s.Status)
		}
		return nil
	})
}

// member is one server of a group, as havip's status tells it.
type member struct {
	Name, State string
	Priority    int
	Agent       struct {
		PID     int
		Routers []struct {
			Since     time.Time
			Reason    string
			Interval  string
			Interface string
		}
	}
}

// status is the part of havip's JSON that the tests read.
type status struct {
	Version int
	Healthy bool
	VRID    int
	VIPs    []struct {
		Address    string
		PortID     string `json:"port_id"`
		FloatingIP string `json:"floating_ip"`
	}
	Members    []member
	Deviations []struct{ Object, Message, Cure string }
}

func groupStatus(t *testing.T, code int, args ...string) status {
	t.Helper()
	o := mustHavip(t, code, append(on("status", "-o", "json"), args...)...)
	var s status
	if err := json.Unmarshal([]byte(o.out), &s); err != nil {
		t.Fatalf("%v:\n%v", err, o)
	}
	return s
}

// active is the one active member.
func (s status) active(t *testing.T) *host {
	t.Helper()
	var found *host
	for _, m := range s.Members {
		if m.State == "active" {
			if found != nil {
				t.Fatalf("two are active: %s and %s", found.name, m.Name)
			}
			found = byName(t, m.Name)
		}
	}
	if found == nil {
		t.Fatalf("nobody is active: %+v", s.Members)
	}
	return found
}

// healthy waits until havip calls the group healthy.
func healthy(t *testing.T, args ...string) status {
	t.Helper()
	wait(t, "healthy", func() error {
		if o := havip(append(on("status"), args...)...); o.code != 0 {
			return fmt.Errorf("%v", o)
		}
		return nil
	})
	return groupStatus(t, 0, args...)
}
