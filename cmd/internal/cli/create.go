package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"

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

	dryRun    bool
	strict    bool
	onFailure string
	wait      time.Duration
	exitCode  bool
}

// What becomes of what a failed run made.
const (
	keep     = "keep"
	rollback = "rollback"
)

func newCreate(a *app) *cobra.Command {
	o := &createOptions{}
	cmd := &cobra.Command{
		Use:     "create [GROUP]",
		Aliases: []string{"apply"},
		Short:   "Give servers a highly available virtual IP, or change a group that has one",
		Long: `Makes what the group file or the flags say: the VIP's port, its floating IP, the
security group, the allowed addresses on the servers' ports, and the agent on every
server. Shows what it will do and asks. Run again it makes only what differs.

A flag goes over what the group file says.`,
		Example: `  havip create bastion --server bastion-1 --server bastion-2 --network internal --floating-ip 203.0.113.10
  havip create -f bastion.yaml --yes`,
		Args:              oneGroup,
		ValidArgsFunction: a.completeGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runCreate(cmd, a, o, args) },
	}
	o.add(cmd)
	o.addPlanning(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "only show what it would do, as plan does")
	f.DurationVar(&o.wait, "wait", 0, "wait for `TIME` at most until servers that were just made have booted, such as 5m")
	f.BoolVar(&o.strict, "strict", false, "fail when the VIP or the floating IP does not answer from here")
	f.StringVar(&o.onFailure, "on-failure", keep, "`ACTION` after a failure: keep what was made (create again goes on), or rollback")
	choose(cmd, "on-failure", keep, rollback)
	return cmd
}

func newPlan(a *app) *cobra.Command {
	o := &createOptions{dryRun: true, onFailure: keep}
	cmd := &cobra.Command{
		Use:   "plan [GROUP]",
		Short: "Show what create would do",
		Long: `Looks at the cloud and at every server and shows, with before and after, what create
would do. Touches nothing.`,
		Example: `  havip plan -f bastion.yaml
  havip plan -f bastion.yaml --exit-code || echo "something differs, or failed"`,
		Args:              oneGroup,
		ValidArgsFunction: a.completeGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runCreate(cmd, a, o, args) },
	}
	o.add(cmd)
	o.addPlanning(cmd)
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with 3 when there is something to do")
	return cmd
}

func (o *createOptions) addPlanning(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.moveFloatingIP, "move-floating-ip", false, "take the floating IP away from where it is now")
	f.StringArrayVar(&o.agentBinaries, "agent-binary", nil, "agent `FILE` to install instead of the built-in one; repeat it for each architecture")
	_ = cmd.MarkFlagFilename("agent-binary")
}

func (o *createOptions) check(cmd *cobra.Command, a *app) error {
	var errs []error
	if o.onFailure != keep && o.onFailure != rollback {
		errs = append(errs, fmt.Errorf("--on-failure: %q is not one of keep, rollback", o.onFailure))
	}
	if o.wait < 0 {
		errs = append(errs, fmt.Errorf("--wait: want a time such as 5m, got %s", o.wait))
	}
	if !o.dryRun {
		errs = append(errs, a.canAsk(cmd))
	}
	return ui.Usage(errors.Join(errs...))
}

func runCreate(cmd *cobra.Command, a *app, o *createOptions, args []string) error {
	group, err := o.group(cmd, a.streams.In, args)
	if err := errors.Join(err, o.check(cmd, a)); err != nil {
		return err
	}
	release, err := bundle.Find(o.agentBinaries...)
	if err != nil {
		return err
	}
	return a.with(cmd, target{group.Cloud, group.SSH, release}, func(s *session) error {
		opt := provision.Options{MoveFloatingIP: o.moveFloatingIP, Rollback: o.onFailure == rollback, Wait: o.wait}
		done := a.working(cmd)
		p, err := s.PrepareCreate(cmd.Context(), group, opt)
		done()
		if err != nil {
			return err
		}
		return errors.Join(a.create(cmd, s, p, o, opt), p.Close())
	})
}

// create shows a prepared plan, asks, and executes it.
func (a *app) create(cmd *cobra.Command, s *session, p *provision.Prepared, o *createOptions, opt provision.Options) error {
	ui.PrintFindings(a.streams.Err, p.Warnings)
	view := ui.PlanView{
		Identity: p.Observed.Identity, Plan: p.Plan, Warnings: p.Warnings,
		Verbose: o.dryRun || verbosity(cmd) > 0,
	}
	if o.dryRun {
		if err := a.show(view); err != nil {
			return err
		}
		if o.exitCode && (!p.Plan.Empty() || len(p.Plan.Left) > 0) {
			return &ui.ExitError{Code: ui.ExitDiffers}
		}
		return nil
	}
	if err := a.approve(cmd, view); err != nil {
		return err
	}
	a.note("\n")
	s.progress.Expect(p.Plan)
	out, err := s.Create(cmd.Context(), p, opt)
	left, failed := onlyLeft(err)
	if failed && out.Changed && !opt.Rollback {
		return &ui.NotedError{Err: err, Note: fmt.Sprintf(
			"What was made so far stays. The same command again goes on; havip delete %s takes it away.", p.Plan.Group)}
	}
	if failed {
		return err
	}
	unreachable := a.reportReach(s, out)
	a.note("\n")
	if err := a.show(ui.CreateView{Group: p.Plan.Group, Outcome: out}); err != nil {
		return err
	}
	if out.Changed {
		a.note("Next: havip failover-test %s\n", o.again(cmd, p.Plan.Group))
	}
	if unreachable && o.strict {
		left = errors.Join(errors.New("not every address answers from here (--strict)"), left)
	}
	return left
}

// onlyLeft tells the news that something stayed behind, with a result to be
// shown, from a failure.
func onlyLeft(err error) (left error, failed bool) {
	l := (*provision.LeftError)(nil)
	if errors.As(err, &l) && l.Err == nil {
		return err, false
	}
	return nil, err != nil
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
			s.progress.Step("verify", fmt.Sprintf("%s not routed from here", r.Address), r.Took)
		default:
			unreachable = true
			s.progress.Warn(fmt.Sprintf("%s does not answer from here to %s: %v", r.Address, r.How, r.Err), r.Hint)
		}
	}
	return unreachable
}
