package cli

import (
	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
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
		Args:  args(cobra.MaximumNArgs(1)),
		RunE:  func(cmd *cobra.Command, args []string) error { return runSwitchover(cmd, a, o, args) },
	}
	o.addWay(cmd)
	cmd.Flags().StringVar(&o.to, "to", "", "the member to move it to; the backup with the highest priority when not given")
	return cmd
}

func runSwitchover(cmd *cobra.Command, a *app, o *switchoverOptions, args []string) error {
	sel, cloud, err := o.selection(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	s, err := a.connect(cmd, cloud, sel.SSH, bundle.Release{})
	if err != nil {
		return err
	}
	moved, err := s.Switchover(cmd.Context(), sel, o.to)
	if err != nil {
		return err
	}
	return a.show(cmd, ui.SwitchoverView{Group: sel.Name, Moved: moved})
}
