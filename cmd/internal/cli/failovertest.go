package cli

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/failover"
	"github.com/havip/havip/provision/failover/report"
)

// leastPause is OVN's back-off: a claim of the VIP that follows the last one
// within it is postponed, and the test would measure that.
const leastPause = 12 * time.Second

// failoverOptions are the flags of failover-test.
type failoverOptions struct {
	groupFlags
	faults                 []string
	all, degraded, restore bool
	rounds, lost           int
	pause, every           time.Duration
	undoAfter              time.Duration
	downtime, twoOwners    time.Duration
	probe, control         string
	identify               string
	junit, html            string
}

func newFailoverTest(a *app) *cobra.Command {
	o := &failoverOptions{}
	cmd := &cobra.Command{
		Use:   "failover-test [GROUP]",
		Short: "Prove that the group fails over, and measure it",
		Long: `Takes the VIP from its active member in several ways, watches from here and from inside the
subnet what becomes of it, puts everything back, and judges: exit code 5 when a limit was
exceeded, 4 when the group is not well and nothing was touched, 6 when something could not
be put back. It does not ask before it begins: servers are stopped and started again.

Should this run die, faults on a server end by a timer of the server's own within a minute;
those made through the cloud's API are noted there first, and --restore undoes them from
any workstation.`,
		Example: `  havip failover-test bastion
  havip failover-test bastion --all --rounds 3 --html bastion.html
  havip failover-test bastion --fault server-reboot --max-downtime 2s --junit failover.xml
  havip failover-test bastion --restore`,
		Args:              oneGroup,
		ValidArgsFunction: a.completeGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runFailoverTest(cmd, a, o, args) },
	}
	o.addWay(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.faults, "fault", nil, "`FAULT`s to make; switchover,server-stop,server-reboot when not given")
	f.BoolVar(&o.all, "all", false, "every fault that there is")
	f.IntVar(&o.rounds, "rounds", 1, "how often each fault is made, a `NUMBER`")
	f.DurationVar(&o.pause, "pause", leastPause, "`TIME` between two faults, 12s or more")
	f.DurationVar(&o.undoAfter, "undo-after", time.Minute, "`TIME` after which a server undoes a fault by itself, should this run have died; 15s to 1h")
	f.DurationVar(&o.every, "every", 50*time.Millisecond, "`PACE` of the questions, 1ms to 1s")
	f.StringVar(&o.probe, "probe", "", "`WHAT` is asked: icmp, tcp:PORT or a URL; icmp where it is answered")
	f.StringVar(&o.control, "control", "", "an `IP` on the same way that is not failed over, to tell a bad line from a bad failover")
	f.StringVar(&o.identify, "identify", "", "`HOW` to learn who answers: ssh:PORT, header:NAME=URL or body:URL; by the SSH host key when not given")
	f.DurationVar(&o.downtime, "max-downtime", 0, "longest silence that passes, a `TIME`; what the interval allows and a second when not given")
	f.IntVar(&o.lost, "max-lost", 0, "most questions without an answer that pass, a `NUMBER`")
	f.DurationVar(&o.twoOwners, "max-two-owners", 0, "longest `TIME` with the VIP on two servers that passes")
	f.BoolVar(&o.degraded, "allow-degraded", false, "test a group that is not well")
	f.BoolVar(&o.restore, "restore", false, "put back what a test that died has left, and test nothing")
	f.StringVar(&o.junit, "junit", "", "write a JUnit report to `FILE`")
	f.StringVar(&o.html, "html", "", "write a page with the timeline of each round to `FILE`")
	choose(cmd, "fault", failover.Names()...)
	_ = cmd.MarkFlagFilename("junit", "xml")
	_ = cmd.MarkFlagFilename("html", "html")
	return cmd
}

// options are what the flags say.
func (o *failoverOptions) options(cmd *cobra.Command) (provision.FailoverOptions, error) {
	opt := provision.FailoverOptions{
		Rounds: o.rounds, Pause: o.pause, Every: o.every, UndoAfter: o.undoAfter, Probe: pulse.Target(o.probe), AllowDegraded: o.degraded,
	}
	var wrong []error
	refuse := func(format string, v ...any) {
		wrong = append(wrong, &usageError{err: fmt.Errorf(format, v...), command: cmd.CommandPath()})
	}
	names := failover.Usual()
	switch {
	case o.all && len(o.faults) > 0:
		refuse("--all goes without --fault")
	case o.all:
		names = nil
		for _, n := range failover.Names() {
			names = append(names, failover.Name(n))
		}
	case len(o.faults) > 0:
		names = nil
		for _, n := range o.faults {
			names = append(names, failover.Name(n))
		}
	}
	var err error
	if opt.Faults, err = failover.Choose(names); err != nil {
		refuse("--fault: %w", err)
	}
	if o.rounds < 1 || o.rounds > 1000 {
		refuse("--rounds: want 1 to 1000, got %d", o.rounds)
	}
	if o.pause < leastPause {
		refuse("--pause: want %s or more, got %s: OVN postpones claims of the VIP that follow each other sooner", leastPause, o.pause)
	}
	if o.undoAfter < 15*time.Second || o.undoAfter > time.Hour {
		refuse("--undo-after: want 15s to 1h, got %s", o.undoAfter)
	}
	if o.every < time.Millisecond || o.every > time.Second {
		refuse("--every: want 1ms to 1s, got %s", o.every)
	}
	if o.control != "" {
		if opt.Control, err = netip.ParseAddr(o.control); err != nil {
			refuse("--control: want an IP address, got %q", o.control)
		}
	}
	if o.probe != "" {
		if err := opt.Probe.Check(); err != nil {
			refuse("--probe: %w", err)
		}
	}
	if err := writable(o.junit); err != nil {
		refuse("--junit: %w", err)
	}
	if err := writable(o.html); err != nil {
		refuse("--html: %w", err)
	}
	opt.Identify = failover.Identify(o.identify)
	if err := opt.Identify.Check(); err != nil {
		refuse("--identify: %w", err)
	}
	set := cmd.Flags().Changed
	for _, flag := range []string{"all", "fault", "rounds", "junit", "html"} {
		if o.restore && set(flag) {
			refuse("--restore tests nothing: it goes without --%s", flag)
		}
	}
	if set("max-downtime") {
		opt.Downtime = &o.downtime
	}
	if set("max-lost") {
		if opt.Lost = &o.lost; o.lost < 0 {
			refuse("--max-lost: want 0 or more, got %d", o.lost)
		}
	}
	if set("max-two-owners") {
		if opt.TwoOwners = &o.twoOwners; o.twoOwners < 0 {
			refuse("--max-two-owners: want 0s or more, got %s", o.twoOwners)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return opt, ui.Usage(err)
	}
	return opt, nil
}

func runFailoverTest(cmd *cobra.Command, a *app, o *failoverOptions, args []string) error {
	opt, err := o.options(cmd)
	if err != nil {
		return err
	}
	sel, t, err := o.selection(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	if t.release, err = optionalRelease(); err != nil {
		return err
	}
	return a.with(cmd, t, func(s *session) error {
		if o.restore {
			restored, err := s.Restore(cmd.Context(), sel)
			return errors.Join(a.show(ui.RestoreView{Group: sel.Name, Restored: restored}), err)
		}
		rep, err := s.FailoverTest(cmd.Context(), sel, opt)
		if rep.Began.IsZero() {
			return err // it did not begin
		}
		a.note("\n")
		err = errors.Join(a.show(ui.FailoverView{Report: rep}), err, o.write(rep))
		return judged(err, rep.Verdict())
	})
}

// judged is the error that the command ends with: a test that did not pass is one, and
// one that failed counts more than what broke it off. So does a group that was not well
// for its next round.
func judged(err error, v failover.Verdict) error {
	apart := (*failover.DisagreeError)(nil)
	switch code := ui.Code(err); {
	case code == ui.ExitDone && v != failover.Passed, code == ui.ExitFailed && (v == failover.Failed || errors.As(err, &apart)):
		return errors.Join(&ui.ExitError{Code: ui.ExitTest}, err)
	}
	return err
}

// write writes the reports that were asked for.
func (o *failoverOptions) write(rep failover.Report) error {
	var errs []error
	for _, r := range []struct {
		path  string
		write func(io.Writer, failover.Report) error
	}{{o.junit, report.JUnit}, {o.html, report.HTML}} {
		if r.path == "" {
			continue
		}
		f, err := os.Create(r.path)
		if err == nil {
			err = errors.Join(r.write(f, rep), f.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("write report: %w", err))
		}
	}
	return errors.Join(errs...)
}

// writable tells at once what would keep a report from being written in the end.
func writable(path string) error {
	if path == "" {
		return nil
	}
	if at, err := os.Stat(path); err == nil && at.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	if at, err := os.Stat(filepath.Dir(path)); err != nil || !at.IsDir() {
		return fmt.Errorf("there is no folder %s", filepath.Dir(path))
	}
	return nil
}
