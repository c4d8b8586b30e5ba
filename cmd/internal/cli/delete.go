package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
)

func newDelete(a *app) *cobra.Command {
	o := &groupFlags{}
	cmd := &cobra.Command{
		Use:   "delete [GROUP]",
		Short: "Take a group away: agents, allowed addresses, security group, VIP port",
		Long: `Takes away what create made, and nothing else. Shows what it will do and asks. Safe to
repeat. Works when a server is gone or cannot be reached; what stays behind is listed,
and the exit code is 6.`,
		Example:           `  havip delete bastion`,
		Args:              oneGroup,
		ValidArgsFunction: a.completeGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runDelete(cmd, a, o, args) },
	}
	o.addWay(cmd)
	return cmd
}

func runDelete(cmd *cobra.Command, a *app, o *groupFlags, args []string) error {
	sel, t, err := o.selection(cmd, a.streams.In, args)
	if err := errors.Join(err, ui.Usage(a.canAsk(cmd))); err != nil {
		return err
	}
	return a.with(cmd, t, func(s *session) error {
		done := a.working(cmd)
		p, err := s.PrepareDelete(cmd.Context(), sel)
		done()
		if err != nil {
			return err
		}
		return errors.Join(a.delete(cmd, s, p), p.Close())
	})
}

func (a *app) delete(cmd *cobra.Command, s *session, p *provision.Prepared) error {
	if !p.Plan.Empty() {
		if err := a.approve(cmd, ui.PlanView{Identity: p.Observed.Identity, Plan: p.Plan}); err != nil {
			return err
		}
		a.note("\n")
		s.progress.Expect(p.Plan)
	}
	out, err := s.Delete(cmd.Context(), p)
	left, failed := onlyLeft(err)
	if failed {
		if out.Changed {
			err = &ui.NotedError{Err: err, Note: "The same command again goes on from here."}
		}
		return err
	}
	if err := a.show(ui.DeleteView{Group: p.Plan.Group, Outcome: out}); err != nil {
		return err
	}
	if left != nil {
		return &ui.ExitError{Code: ui.ExitLeft} // the result lists it
	}
	return nil
}
