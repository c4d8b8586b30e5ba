// Command havip-agent runs on each member of a group and keeps the group's
// virtual address on exactly one of them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/havip/havip/agent/track"
)

// version is set by the build: -ldflags "-X main.version=0.3.0".
var version string

// Exit codes, as in docs/exit-codes.md.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Streams are where a command reads and writes.
type Streams struct {
	Out io.Writer // the result
	Err io.Writer // logs and errors
}

func main() {
	os.Exit(Main(os.Args[1:], Streams{Out: os.Stdout, Err: os.Stderr}))
}

// command is one subcommand.
type command struct {
	name, summary string
	run           func(args []string, s Streams) error
}

func commands() []command {
	return []command{
		{"run", "run the agent of a group", runCommand},
		{"validate", "check a configuration file", validateCommand},
		{"status", "show how the agent of a group is", statusCommand},
		{"events", "show what happened", eventsCommand},
		{"switchover", "make this member the active one", switchoverCommand},
		{"witness", "tell what happens here, for havip failover-test", witnessCommand},
		{"version", "show the version", versionCommand},
	}
}

// Main runs one command and returns the exit code.
func Main(args []string, s Streams) int {
	if len(args) == 0 {
		usage(s.Err)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(s.Out)
		return exitDone
	case "--version":
		args = []string{"version"}
	case track.Launcher: // the agent's own call, for an exec check
		if len(args) > 1 {
			return track.Launch(args[1:], s.Err)
		}
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return report(c.run(args[1:], s), s.Err)
		}
	}
	fmt.Fprintf(s.Err, "error: unknown command %q\nhint: havip-agent help\n", args[0])
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "usage: havip-agent COMMAND [FLAGS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nhavip-agent COMMAND --help shows the flags of a command.\n")
}

// usageError is an error of the command line or of the configuration file.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// hintError adds what to do about an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// report writes an error for people and returns its exit code.
func report(err error, w io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.HasPrefix(line, " ") { // else it belongs to the one before: its hint
			line = "error: " + line
		}
		fmt.Fprintln(w, strings.TrimRight(line, "\n"))
	}
	var hint *hintError
	if errors.As(err, &hint) {
		fmt.Fprintf(w, "hint: %s\n", hint.hint)
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// parse reads the flags of a command that takes no arguments beside them.
func parse(fs *flag.FlagSet, args []string, s Streams) error {
	fs.SetOutput(io.Discard) // report writes the error, once
	fs.Usage = func() {}
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(s.Out, "usage: havip-agent %s [FLAGS]\n\n", fs.Name())
		fs.SetOutput(s.Out)
		fs.PrintDefaults()
		return err
	}
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		return &usageError{&hintError{err, "havip-agent " + fs.Name() + " --help"}}
	}
	return nil
}
