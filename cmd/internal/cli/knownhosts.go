package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/cmd/internal/ui"
)

func newKnownHosts(a *app) *cobra.Command {
	o := &groupFlags{}
	cmd := &cobra.Command{
		Use:   "known-hosts [GROUP]",
		Short: "Print known_hosts lines that make every member's host keys valid under the VIP",
		Long: `Prints lines for ~/.ssh/known_hosts that make every member's host keys valid under the
floating IP and the VIP. Without them SSH reports a changed key after each failover.`,
		Example: `  havip known-hosts bastion >> ~/.ssh/known_hosts`,
		Args:    args(cobra.MaximumNArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return runKnownHosts(cmd, a, o, args) },
	}
	o.addWay(cmd)
	return cmd
}

func runKnownHosts(cmd *cobra.Command, a *app, o *groupFlags, args []string) error {
	sel, cloud, err := o.selection(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	s, err := a.connect(cmd, cloud, sel.SSH, bundle.Release{})
	if err != nil {
		return err
	}
	lines, err := s.KnownHosts(cmd.Context(), sel)
	return errors.Join(a.show(cmd, ui.KnownHostsView{Group: sel.Name, Lines: lines}), err)
}
