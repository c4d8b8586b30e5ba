package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
)

func newKnownHosts(a *app) *cobra.Command {
	o := &groupFlags{}
	cmd := &cobra.Command{
		Use:   "known-hosts [GROUP]",
		Short: "Print known_hosts lines that make every member's host keys valid under the VIP",
		Long: `Prints lines for ~/.ssh/known_hosts that make every member's host keys valid under the
floating IP and the VIP. Without them SSH reports a changed key after each failover.`,
		Example:           `  havip known-hosts bastion >> ~/.ssh/known_hosts`,
		Args:              oneGroup,
		ValidArgsFunction: a.completeGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runKnownHosts(cmd, a, o, args) },
	}
	o.addWay(cmd)
	return cmd
}

func runKnownHosts(cmd *cobra.Command, a *app, o *groupFlags, args []string) error {
	sel, t, err := o.selection(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	return a.with(cmd, t, func(s *session) error {
		done := a.working(cmd)
		lines, err := s.KnownHosts(cmd.Context(), sel)
		done()
		if err != nil && len(lines) == 0 {
			return err
		}
		return errors.Join(a.show(ui.KnownHostsView{Group: sel.Name, Lines: lines, Err: err}), err)
	})
}
