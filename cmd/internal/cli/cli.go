// Package cli is the command line of havip: one file for each command, which
// reads flags, calls a use case of package provision and shows the result.
package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"github.com/havip/havip/cmd/internal/ui"
)

// Main runs havip and returns its exit code.
func Main(args []string, streams ui.Streams, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := newApp(streams, version)
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		// Ctrl-C ends as one thing, whatever it interrupted.
		if ctx.Err() != nil && !isLeft(err) {
			err = &ui.ExitError{Code: ui.ExitInterrupted, Err: errors.New("interrupted")}
		}
		a.fail(err)
	}
	return ui.Code(err)
}

// app is what the commands share: streams, global settings, the clock.
type app struct {
	streams  ui.Streams
	version  string
	settings *viper.Viper
	now      func() time.Time
}

func newApp(streams ui.Streams, version string) *app {
	if version == "" {
		version = "dev"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
			version = strings.TrimPrefix(info.Main.Version, "v")
		}
	}
	return &app{streams: streams, version: version, settings: newSettings(), now: time.Now}
}

// newRoot is the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "havip",
		Short: "A highly available virtual IP for OpenStack servers",
		Long: `havip gives a set of OpenStack servers a highly available virtual IP (VIP): it makes
the VIP's port, attaches the floating IP, allows the address and the VRRP protocol on
the servers' ports, and runs its own VRRP agent on every server.`,
		Version:           a.version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.load(cmd) },
	}
	root.SetOut(a.streams.Out)
	root.SetErr(a.streams.Err)
	root.SetIn(a.streams.In)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return ui.Usage(&usageError{err: err, command: cmd.CommandPath()})
	})
	addGlobalFlags(root)
	root.AddCommand(
		newCreate(a), newPlan(a), newStatus(a), newList(a), newSwitchover(a),
		newDelete(a), newKnownHosts(a), newVersion(a),
	)
	return root
}

// usageError is a wrong command line.
type usageError struct {
	err     error
	command string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Hint names the help.
func (e *usageError) Hint() string { return e.command + " --help" }

// args makes a check of positional arguments one of usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return ui.Usage(&usageError{err: err, command: cmd.CommandPath()})
		}
		return nil
	}
}
