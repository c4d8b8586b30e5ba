package cli

import (
	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
)

// switchoverOptions are the flags of switchover.
type switchoverOptions struct {
	groupFlags
	to string
}

func newSwitchover(a *app) *cobra.Command {
	o := &switchoverOptions{}
	cmd := &cobra.Command{
		Use:   "switchover [GROUP]",
		Short: "Move the VIP to another member",
		Long: `Asks a backup to become active and waits until it holds the VIP alone and the old active
is backup; until then the old one keeps it. Other members may be down: they are named in a
warning. Nothing changes in the cloud.`,
		Example: `  havip switchover bastion
  havip switchover bastion --to bastion-2`,
		Args:              oneGroup,
		ValidArgsFunction: a.completeGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runSwitchover(cmd, a, o, args) },
	}
	o.addWay(cmd)
	cmd.Flags().StringVar(&o.to, "to", "", "`MEMBER` to move it to; the backup with the highest priority when not given")
	choose(cmd, "to")
	return cmd
}

func runSwitchover(cmd *cobra.Command, a *app, o *switchoverOptions, args []string) error {
	sel, t, err := o.selection(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	return a.with(cmd, t, func(s *session) error {
		done := a.working(cmd)
		moved, err := s.Switchover(cmd.Context(), sel, o.to)
		done()
		if err != nil {
			return err
		}
		return a.show(ui.SwitchoverView{Group: sel.Name, Moved: moved})
	})
}
