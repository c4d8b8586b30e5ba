package lab_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/test/lab"
)

// binaries is the folder of havip and its agent, for the part that runs them.
const binaries = "HAVIP_LAB_TEST_BINARIES"

// TestAGroup is havip's main job in a lab, once for each way in which a
// network finds a VIP.
func TestAGroup(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	for _, name := range []string{"havip", "havip-agent"} {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, name), "github.com/havip/havip/cmd/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	t.Setenv(binaries, dir)
	for _, backend := range []string{"linuxbridge", "ovn"} {
		t.Run(backend, func(t *testing.T) {
			within(t, groupPart().name, func(o *lab.Options) { o.Backend = backend })
		})
	}
}

func groupPart() part { return part{"a group", group} }

func havip(args ...string) (string, error) {
	dir := os.Getenv(binaries)
	out, err := exec.Command(filepath.Join(dir, "havip"), args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("havip %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// active is the member that holds the VIP, as havip status has it.
func active() (string, error) {
	out, err := exec.Command(filepath.Join(os.Getenv(binaries), "havip"), "status", "bastion", "-o", "json").Output()
	if len(out) == 0 {
		return "", err // degraded is an exit code, not a failure
	}
	var s struct {
		Members []struct{ Name, State string }
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return "", fmt.Errorf("read the status: %w\n%s", err, out)
	}
	for _, m := range s.Members {
		if m.State == "active" {
			return m.Name, nil
		}
	}
	return "", fmt.Errorf("no member is active\n%s", out)
}

func group() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	agent := filepath.Join(os.Getenv(binaries), "havip-agent")
	create := []string{
		"create", "bastion", "--server", "bastion-1", "--server", "bastion-2", "--network", "internal",
		"--floating-ip", lab.FloatingIP, "--agent-binary", agent, "--yes", "--strict",
	}
	if _, err := havip(create...); err != nil {
		return err
	}
	first := ""
	if err := until("one is active", func() (err error) {
		first, err = active()
		return err
	}); err != nil {
		return err
	}
	answers := func() error {
		c, err := net.DialTimeout("tcp", lab.FloatingIP+":22", 200*time.Millisecond)
		if err == nil {
			err = c.Close()
		}
		return err
	}
	if err := until("the floating IP answers", answers); err != nil {
		return err
	}
	// The power goes, without a shutdown: the agent cannot say farewell.
	start := time.Now()
	if err := n.act(first, `{"pause":null}`, "PAUSED"); err != nil {
		return err
	}
	second := map[string]string{"bastion-1": "bastion-2", "bastion-2": "bastion-1"}[first]
	if err := until("the other one answers at the floating IP", answers); err != nil {
		return err
	}
	fmt.Printf("%s was paused, the floating IP answers again after %v\n", first, time.Since(start).Round(time.Millisecond))
	if err := until("the other one is active", func() error {
		got, err := active()
		return errors.Join(err, want("active", got, second))
	}); err != nil {
		return err
	}
	if err := n.act(first, `{"unpause":null}`, "ACTIVE"); err != nil {
		return err
	}
	// The server that was away is a backup again, and a restart keeps it one.
	if err := n.act(first, `{"reboot":{"type":"SOFT"}}`, "ACTIVE"); err != nil {
		return err
	}
	if err := until("the group is whole", func() error {
		_, err := havip("status", "bastion")
		return err
	}); err != nil {
		return err
	}
	if _, err := havip("delete", "bastion", "--yes"); err != nil {
		return err
	}
	left, err := at(second, "ls /etc/havip /etc/init.d/havip-agent-bastion /usr/local/bin/havip-agent 2>/dev/null; ls /etc/rc2.d; ip -o addr show dev eth0 | grep -c 'inet '")
	return errors.Join(err, want("what delete left", left, "1"))
}
