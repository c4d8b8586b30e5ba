package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
)

// createOptions are the flags of create and plan.
type createOptions struct {
	groupFlags
	moveFloatingIP bool
	agentBinaries  []string

	yes       bool
	dryRun    bool
	strict    bool
	onFailure string
	exitCode  bool
}

func newCreate(a *app) *cobra.Command {
	o := &createOptions{}
	cmd := &cobra.Command{
		Use:     "create [GROUP]",
		Aliases: []string{"apply"},
		Short:   "Give servers a highly available virtual IP, or change a group that has one",
		Long: `Makes what the group file or the flags say: the VIP's port, its floating IP, the
security group, the allowed addresses on the servers' ports, and the agent on every
server. Shows what it will do and asks. Run again it makes only what differs.`,
		Example: `  havip create bastion --server bastion-1 --server bastion-2 --network internal --floating-ip 203.0.113.10
  havip create -f bastion.yaml --yes`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return runCreate(cmd, a, o, args) },
	}
	o.add(cmd)
	o.addPlanning(cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.dryRun, "dry-run", false, "only show what it would do, as plan does")
	f.BoolVar(&o.strict, "strict", false, "fail when the VIP or the floating IP does not answer from here")
	f.StringVar(&o.onFailure, "on-failure", "keep", "after a failure: keep what was made (create again goes on), or rollback")
	return cmd
}

func newPlan(a *app) *cobra.Command {
	o := &createOptions{dryRun: true}
	cmd := &cobra.Command{
		Use:   "plan [GROUP]",
		Short: "Show what create would do",
		Args:  args(cobra.MaximumNArgs(1)),
		RunE:  func(cmd *cobra.Command, args []string) error { return runCreate(cmd, a, o, args) },
	}
	o.add(cmd)
	o.addPlanning(cmd)
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with 3 when there is something to do")
	return cmd
}

func (o *createOptions) addPlanning(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.moveFloatingIP, "move-floating-ip", false, "take the floating IP away from where it is now")
	f.StringArrayVar(&o.agentBinaries, "agent-binary", nil, "agent to install instead of the built-in one; repeat it for each architecture")
}

func runCreate(cmd *cobra.Command, a *app, o *createOptions, args []string) error {
	group, err := o.group(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	if o.onFailure != "" && o.onFailure != "keep" && o.onFailure != "rollback" {
		return ui.Usage(fmt.Errorf("--on-failure: %q is not one of keep, rollback", o.onFailure))
	}
	if !o.dryRun && !o.yes && !a.streams.Interactive {
		return ui.Usage(needYes("create"))
	}
	release, err := bundle.Find(o.agentBinaries...)
	if err != nil {
		return err
	}
	s, err := a.connect(cmd, group.Cloud, group.SSH, release)
	if err != nil {
		return err
	}
	opt := provision.Options{MoveFloatingIP: o.moveFloatingIP, Rollback: o.onFailure == "rollback"}
	p, err := s.PrepareCreate(cmd.Context(), group, opt)
	if err != nil {
		return err
	}
	return errors.Join(a.create(cmd, s, p, o, opt), p.Close())
}

// create shows a prepared plan, asks, and executes it.
func (a *app) create(cmd *cobra.Command, s *session, p *provision.Prepared, o *createOptions, opt provision.Options) error {
	ui.PrintFindings(a.streams.Err, p.Warnings)
	verbose, _ := cmd.Flags().GetCount("verbose")
	view := ui.PlanView{Identity: p.Observed.Identity, Plan: p.Plan, Verbose: o.dryRun || verbose > 0}
	if o.dryRun {
		if err := a.show(cmd, view); err != nil {
			return err
		}
		if o.exitCode && !p.Plan.Empty() {
			return &ui.ExitError{Code: ui.ExitDiffers}
		}
		return nil
	}
	if !a.streams.Quiet {
		view.Human(a.streams.Err)
	}
	if !p.Plan.Empty() && !o.yes {
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
	out, err := s.Create(cmd.Context(), p, opt)
	if err != nil {
		return err
	}
	unreachable := a.reportReach(s, out)
	a.note("\n")
	if err := a.show(cmd, ui.CreateView{Group: p.Plan.Group, Outcome: out}); err != nil {
		return err
	}
	if out.Changed {
		a.note("Next: havip status %s\n", p.Plan.Group)
	}
	if unreachable && o.strict {
		return errors.New("not every address answers from here (--strict)")
	}
	return nil
}

// reportReach says which addresses answer from here. A VIP behind a floating
// IP that answers need not: it is rarely routed to where people work.
func (a *app) reportReach(s *session, out provision.Outcome) (unreachable bool) {
	outside := slices.ContainsFunc(out.Reachable, func(r provision.Reach) bool { return r.Floating && r.Err == nil })
	for _, r := range out.Reachable {
		switch {
		case r.Err == nil:
			s.progress.Step("verify", fmt.Sprintf("%s %s ok", r.Address, r.How), r.Took)
		case !r.Floating && outside:
			s.progress.Step("verify", fmt.Sprintf("%s is not routed from here", r.Address), r.Took)
		default:
			unreachable = true
			s.progress.Warn(fmt.Sprintf("%s does not answer from here to %s: %v", r.Address, r.How, r.Err), r.Hint)
		}
	}
	return unreachable
}

// note writes to stderr unless quiet.
func (a *app) note(format string, v ...any) {
	if !a.streams.Quiet {
		fmt.Fprintf(a.streams.Err, format, v...)
	}
}

// needYesError says that nobody is there to be asked.
type needYesError struct{ command string }

func needYes(command string) error { return &needYesError{command} }

func (e *needYesError) Error() string {
	return e.command + " asks before it touches anything, and there is no terminal to ask at"
}

// Hint is --yes.
func (e *needYesError) Hint() string {
	return "add --yes, or look first: havip plan"
}
