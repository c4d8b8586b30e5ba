package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
)

// deleteOptions are the flags of delete.
type deleteOptions struct {
	groupFlags
	yes bool
}

func newDelete(a *app) *cobra.Command {
	o := &deleteOptions{}
	cmd := &cobra.Command{
		Use:   "delete [GROUP]",
		Short: "Take a group away: agents, allowed addresses, security group, VIP port",
		Long: `Takes away what create made, and nothing else. Safe to repeat. Works when a server is
gone or cannot be reached; what stays behind is listed, and the exit code is 6.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return runDelete(cmd, a, o, args) },
	}
	o.addWay(cmd)
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

func runDelete(cmd *cobra.Command, a *app, o *deleteOptions, args []string) error {
	sel, cloud, err := o.selection(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	if !o.yes && !a.streams.Interactive {
		return ui.Usage(needYes("delete"))
	}
	s, err := a.connect(cmd, cloud, sel.SSH, bundle.Release{})
	if err != nil {
		return err
	}
	p, err := s.PrepareDelete(cmd.Context(), sel)
	if err != nil {
		return err
	}
	return errors.Join(a.delete(cmd, s, p, o), p.Close())
}

func (a *app) delete(cmd *cobra.Command, s *session, p *provision.Prepared, o *deleteOptions) error {
	if !p.Plan.Empty() {
		if !a.streams.Quiet {
			ui.PlanView{Identity: p.Observed.Identity, Plan: p.Plan}.Human(a.streams.Err)
		}
		if !o.yes {
			ok, err := a.streams.Confirm("Go on?")
			if err != nil {
				return err
			}
			if !ok {
				return &ui.ExitError{Code: ui.ExitFailed, Err: errors.New("not done, as you said; nothing was touched")}
			}
		}
		a.note("\n")
		s.progress.Expect(p.Plan)
	}
	out, err := s.Delete(cmd.Context(), p)
	if left := (*provision.LeftError)(nil); err != nil && !errors.As(err, &left) {
		return err
	}
	if showErr := a.show(cmd, ui.DeleteView{Group: p.Plan.Group, Outcome: out}); showErr != nil {
		return showErr
	}
	if err != nil {
		return &ui.ExitError{Code: ui.ExitLeft} // the result lists it
	}
	return nil
}

func isLeft(err error) bool {
	var left *provision.LeftError
	return errors.As(err, &left)
}
