package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
)

// approved tells that nobody is to be asked: --yes.
func approved(cmd *cobra.Command) bool {
	yes, _ := cmd.Flags().GetBool("yes")
	return yes
}

// canAsk fails where an answer is needed and nobody is there to give it.
func (a *app) canAsk(cmd *cobra.Command) error {
	if approved(cmd) || a.streams.Interactive {
		return nil
	}
	return &needYesError{cmd.Name()}
}

// needYesError says that nobody is there to be asked.
type needYesError struct{ command string }

func (e *needYesError) Error() string {
	return e.command + " asks before it touches anything, and there is no terminal to ask at"
}

// Hint is --yes.
func (e *needYesError) Hint() string {
	if e.command == "create" {
		return "add --yes (or set HAVIP_YES=1), and look first with: havip plan"
	}
	return "add --yes (or set HAVIP_YES=1)"
}

// approve shows a plan and asks whether to go on. Who is asked sees the plan
// also with --quiet.
func (a *app) approve(cmd *cobra.Command, v ui.PlanView) error {
	ask := !v.Plan.Empty() && !approved(cmd)
	if ask || !a.streams.Quiet {
		v.Human(a.streams.Err)
	}
	if !ask {
		return nil
	}
	yes, err := a.streams.Confirm(cmd.Context(), "Go on?")
	if err == nil && !yes {
		err = errors.New("not done, as you said; nothing was touched")
	}
	return err
}
