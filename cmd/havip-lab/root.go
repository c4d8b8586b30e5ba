package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/openstack/openstacktest"
)

// app is what the commands share.
type app struct {
	streams ui.Streams
	code    int // of the command that ran in the lab
}

// usageError is a wrong command line; its hint names the help.
type usageError struct {
	error
	command string
}

// Hint tells how to do it right.
func (e usageError) Hint() string { return e.command + " --help" }

func usage(cmd *cobra.Command, format string, args ...any) error {
	return ui.Usage(usageError{fmt.Errorf(format, args...), cmd.CommandPath()})
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "havip-lab",
		Short: "A cloud on this machine, to try havip in",
		Long: `A cloud on this machine: the API of OpenStack, and behind it servers, networks and
routers that carry real packets. A command runs on a workstation outside of it, with
OS_CLOUD and an SSH key set, so that havip and the openstack client just work.

It needs Linux and root. The machine itself is not changed, and nothing is left when
the command has ended.`,
		Version:           version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, "unknown command %q", args[0])
			}
			return cmd.Help()
		},
	}
	root.SetVersionTemplate("havip-lab {{.Version}}\n")
	root.SetOut(a.streams.Out)
	root.SetErr(a.streams.Err)
	root.SetIn(a.streams.In)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, "%w", err) })
	root.AddCommand(newRun(a), newShell(a), newDemo(a), newStatus(a))
	return root
}

// size is what a lab is made of.
type size struct {
	servers int
	backend string
	quiet   bool
	advice  string // for a person, when the lab is up
}

func (s *size) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&s.servers, "servers", 2, "`NUMBER` of servers: bastion-1, bastion-2, ...")
	f.StringVar(&s.backend, "backend", string(openstacktest.LinuxBridge), "how the network finds a VIP: linuxbridge, by its neighbour tables, or ovn")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "say nothing but errors")
	f.SetInterspersed(false) // what follows the command is its own
}

func (s *size) check(cmd *cobra.Command) error {
	known := []string{string(openstacktest.LinuxBridge), string(openstacktest.OVN)}
	if !slices.Contains(known, s.backend) {
		return usage(cmd, "--backend: %q is not one of %s", s.backend, strings.Join(known, ", "))
	}
	if s.servers < 1 || s.servers > 50 {
		return usage(cmd, "--servers: %d is not between 1 and 50", s.servers)
	}
	return nil
}
