package labtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Output is what a run of havip ended with.
type Output struct {
	Code     int // its exit code
	Out, Err string
}

func (o Output) String() string { return fmt.Sprintf("exit code %d\n%s%s", o.Code, o.Out, o.Err) }

// Command is havip, with the agent that was built beside it.
func Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, Program("havip"), args...)
	cmd.Env = append(os.Environ(), "HAVIP_AGENT_BINARY="+Program("havip-agent"))
	return cmd
}

// Havip runs it to its end, also in a test's Cleanup.
func Havip(t *testing.T, args ...string) Output {
	t.Helper()
	cmd := Command(context.WithoutCancel(t.Context()), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Output{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// Must runs it and wants this exit code.
func Must(t *testing.T, code int, args ...string) Output {
	t.Helper()
	o := Havip(t, args...)
	if o.Code != code {
		t.Fatalf("havip %s: want exit code %d\n%v", strings.Join(args, " "), code, o)
	}
	return o
}
