package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/provision/spec"
)

// Stage is what the cloud holds for the show. The credentials are in the
// environment, as for any OpenStack client.
type Stage struct {
	Havip      string // the program
	Servers    []string
	Network    string
	FloatingIP string
	Out        io.Writer
}

const group = "bastion"

// Run plays it. The show fails when anything in it does not turn out as it
// has to.
func (s Stage) Run(ctx context.Context) error {
	c, err := connect(ctx)
	if err != nil {
		return err
	}
	before, err := c.snapshot(ctx)
	if err != nil {
		return err
	}
	wanted := []string{group}
	for _, name := range s.Servers {
		wanted = append(wanted, "--server", name)
	}
	wanted = append(wanted, "--network", s.Network, "--floating-ip", s.FloatingIP, "--host-keys", "console")

	s.say("A cloud on this machine: servers %s on network %s. What would havip do?", strings.Join(s.Servers, " and "), s.Network)
	if err := s.havip(ctx, append([]string{"plan"}, wanted...)...); err != nil {
		return err
	}
	s.say("Do it.")
	if err := s.havip(ctx, append([]string{"create", "--yes"}, wanted...)...); err != nil {
		return err
	}
	s.say("How is it?")
	if err := s.havip(ctx, "status", group); err != nil {
		return err
	}
	if err := s.powerOff(ctx, c); err != nil {
		return err
	}
	if err := s.crash(ctx, c); err != nil {
		return err
	}
	s.say("The same as a test that a pipeline can gate on: faults made, watched from outside and inside, put back, judged.")
	if err := s.havip(ctx, "failover-test", group, "--fault", "switchover,server-reboot"); err != nil {
		return err
	}
	s.say("Take it all away.")
	if err := s.havip(ctx, "delete", group, "--yes"); err != nil {
		return err
	}
	after, err := c.snapshot(ctx)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(before.String(), after.String()); diff != "" {
		return fmt.Errorf("the cloud is not as before (-before +after):\n%s", diff)
	}
	s.say("The cloud is exactly as before: %s.", count(after))
	return nil
}

// powerOff stops the active server and starts it again.
func (s Stage) powerOff(ctx context.Context, c *cloud) error {
	active, err := s.whileCalled(ctx, "Power off", "stop", c.powerOff)
	if err != nil {
		return err
	}
	s.say("What does havip say of it?")
	if err := s.exits(3, s.havip(ctx, "status", group)); err != nil {
		return err
	}
	s.say("Power it on again: both are healthy, and the address stays where it is.")
	s.typed("openstack", "server", "start", active)
	if err := c.powerOn(ctx, active); err != nil {
		return err
	}
	if err := s.healthy(ctx); err != nil {
		return err
	}
	return s.havip(ctx, "status", group)
}

// crash resets the active server, which has no time to say goodbye.
func (s Stage) crash(ctx context.Context, c *cloud) error {
	if err := s.wait(ctx, "members that have listened long enough", status.ready); err != nil {
		return err
	}
	if _, err := s.whileCalled(ctx, "That was a clean shutdown. Now without a warning: reset", "reboot --hard", c.reset); err != nil {
		return err
	}
	return s.healthy(ctx)
}

// whileCalled does something to the active server while somebody from outside
// keeps calling the floating IP, until another server answers.
func (s Stage) whileCalled(ctx context.Context, what, command string, do func(context.Context, string) error) (string, error) {
	active, err := s.active(ctx)
	if err != nil {
		return "", err
	}
	s.say("%s %s, while a caller from outside connects to %s every %v.", what, active, s.FloatingIP, every)
	calls := watch(ctx, s.FloatingIP+":22")
	defer calls.stop()
	if err := calls.answeredBy(ctx, active); err != nil {
		return "", err
	}
	s.typed("openstack", "server", command, active)
	if err := do(ctx, active); err != nil {
		return "", err
	}
	other, err := calls.answeredByAnother(ctx, active)
	if err != nil {
		return "", err
	}
	calls.stop()
	fmt.Fprintf(s.Out, "%s answered until then, %s answers now; nobody did for %.2f s (%d of %d calls).\n",
		active, other, calls.silence().Seconds(), calls.lost(), calls.made())
	return active, nil
}

// status is what the show reads of `havip status -o json`.
type status struct {
	Healthy bool
	Members []struct {
		Name, State string
		Agent       struct{ Started, Now time.Time }
	}
}

// listening is how long an agent takes over from nobody who is silent, after
// its start: its start delay, and the down interval after it.
const listening = spec.DefaultStartDelay + 4*spec.DefaultInterval

// ready tells whether any member would take over at once, should the active
// one fall silent.
func (st status) ready() bool {
	for _, m := range st.Members {
		if m.Agent.Now.Sub(m.Agent.Started) < listening {
			return false
		}
	}
	return st.Healthy
}

func (s Stage) status(ctx context.Context) (status, error) {
	var st status
	out, err := exec.CommandContext(ctx, s.Havip, "status", group, "-o", "json").Output()
	if err := s.exits(3, err); err != nil && len(out) == 0 {
		return st, fmt.Errorf("ask for the status: %w", err)
	}
	if err := json.Unmarshal(out, &st); err != nil {
		return st, fmt.Errorf("read the status: %w", err)
	}
	return st, nil
}

func (s Stage) active(ctx context.Context) (string, error) {
	st, err := s.status(ctx)
	if err != nil {
		return "", err
	}
	for _, m := range st.Members {
		if m.State == "active" {
			return m.Name, nil
		}
	}
	return "", errors.New("no member is active")
}

// healthy waits until the group is.
func (s Stage) healthy(ctx context.Context) error {
	return s.wait(ctx, "a healthy group", func(st status) bool { return st.Healthy })
}

// wait waits until the status is as wanted.
func (s Stage) wait(ctx context.Context, what string, wanted func(status) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		st, err := s.status(ctx)
		if err == nil && wanted(st) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, errors.Join(err, context.Cause(ctx)))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// havip types a command and runs it.
func (s Stage) havip(ctx context.Context, args ...string) error {
	s.typed(append([]string{"havip"}, args...)...)
	cmd := exec.CommandContext(ctx, s.Havip, args...)
	cmd.Stdout, cmd.Stderr = s.Out, s.Out
	if f, ok := s.Out.(*os.File); ok {
		cmd.Stdout, cmd.Stderr = f, f
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("havip %s: %w", args[0], err)
	}
	return nil
}

// exits takes an exit code for the one that is expected.
func (s Stage) exits(code int, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == code {
		return nil
	}
	if err == nil {
		return fmt.Errorf("exit code 0, want %d", code)
	}
	return err
}

// typed shows a command line, folded where it is long.
func (s Stage) typed(args ...string) {
	var b bytes.Buffer
	width := 2
	b.WriteString("\n$")
	for i := 0; i < len(args); i++ {
		word := args[i]
		if strings.HasPrefix(word, "--") && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			word += " " + args[i]
		}
		if width+len(word) > 100 {
			b.WriteString(" \\\n   ")
			width = 4
		}
		b.WriteString(" " + word)
		width += 1 + len(word)
	}
	fmt.Fprintf(s.Out, "%s\n", b.String())
}

// say is the show's own voice.
func (s Stage) say(format string, args ...any) {
	fmt.Fprintf(s.Out, "\n# "+format+"\n", args...)
}
