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
	"github.com/havip/havip/provision"
)

// Main runs havip and returns its exit code.
func Main(args []string, streams ui.Streams, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends at once

	// With a handler, a write to a pipe that nobody reads is an error like
	// others. Without, it would end a create or a delete half way.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	return run(ctx, args, streams, version)
}

func run(ctx context.Context, args []string, streams ui.Streams, version string) int {
	a := newApp(streams, version)
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		err = interrupted(err)
	}
	return a.end(err, args)
}

// interrupted is what Ctrl-C makes of err: one message, whatever it stopped,
// with what is to be known about what was made so far.
func interrupted(err error) error {
	stop := error(&ui.ExitError{Code: ui.ExitInterrupted, Err: errors.New("interrupted")})
	var noted *ui.NotedError
	var left *provision.LeftError
	switch {
	case errors.As(err, &left):
		return &provision.LeftError{Left: left.Left, Err: stop}
	case errors.As(err, &noted):
		return &ui.NotedError{Err: stop, Note: noted.Note}
	default:
		return stop
	}
}

// app is what the commands share: streams, global settings, the clock.
type app struct {
	streams  ui.Streams
	version  string
	settings *viper.Viper
	now      func() time.Time
	format   ui.Format // "" until the settings are loaded
	shown    bool      // a result is on stdout
	lines    bool      // with -o json: one object a line
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
the servers' ports, and runs its own VRRP agent on every server. And it proves that the
VIP fails over: it makes faults, measures how long nobody answers, and puts all back.`,
		Example: `  havip create bastion --server bastion-1 --server bastion-2 --network internal --floating-ip 203.0.113.10
  havip failover-test bastion`,
		Version:            a.version,
		SilenceErrors:      true,
		SilenceUsage:       true,
		CompletionOptions:  cobra.CompletionOptions{DisableDefaultCmd: true},
		DisableSuggestions: true, // unknownCommand makes a hint of them
		Args:               unknownCommand,
		RunE:               func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE:  func(cmd *cobra.Command, _ []string) error { return a.load(cmd) },
	}
	root.SetVersionTemplate("havip {{.Version}}\n")
	root.SetOut(a.streams.Out)
	root.SetErr(a.streams.Err)
	root.SetIn(a.streams.In)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return ui.Usage(&usageError{err: err, command: cmd.CommandPath()})
	})
	addGlobalFlags(root)
	for _, g := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Give servers a VIP, and prove that it fails over:", []*cobra.Command{newPlan(a), newCreate(a), newFailoverTest(a)}},
		{"Look after it:", []*cobra.Command{newStatus(a), newList(a), newSwitchover(a), newKnownHosts(a), newDelete(a)}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, cmd := range g.commands {
			cmd.GroupID = g.title
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(newVersion(a), newCompletion(a))
	root.SetHelpCommand(newHelp(root))
	return root
}
