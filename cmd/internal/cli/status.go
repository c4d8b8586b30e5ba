package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
)

// statusOptions are the flags of status.
type statusOptions struct {
	groupFlags
	watch bool
	every time.Duration
	all   bool
}

func newStatus(a *app) *cobra.Command {
	o := &statusOptions{}
	cmd := &cobra.Command{
		Use:   "status [GROUP]",
		Short: "Show how a group is: who is active since when and why, and what differs",
		Long: `Looks at the cloud and at every server, and compares them with the group file (-f) or,
without one, with what the group's marks record. Exits with 3 when something differs.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return runStatus(cmd, a, o, args) },
	}
	o.addWay(cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.watch, "watch", "w", false, "show it again and again until Ctrl-C")
	f.DurationVar(&o.every, "every", 2*time.Second, "with --watch: how often")
	f.BoolVar(&o.all, "all", false, "every group of the project")
	return cmd
}

func runStatus(cmd *cobra.Command, a *app, o *statusOptions, args []string) error {
	if o.all {
		return a.statusAll(cmd, o, args)
	}
	sel, cloud, err := o.selection(cmd, a.streams.In, args)
	if err != nil {
		return err
	}
	release, err := optionalRelease()
	if err != nil {
		return err
	}
	s, err := a.connect(cmd, cloud, sel.SSH, release)
	if err != nil {
		return err
	}
	return a.statusOf(cmd, s, o, sel)
}

// optionalRelease is the built-in agent, or none: status compares with it
// where there is one.
func optionalRelease() (bundle.Release, error) {
	release, err := bundle.Find()
	if missing := (*bundle.MissingError)(nil); errors.As(err, &missing) {
		return bundle.Release{}, nil
	}
	return release, err
}

func (a *app) statusOf(cmd *cobra.Command, s *session, o *statusOptions, sel provision.Selection) error {
	w := s.Watch(sel)
	for {
		st, err := w.Status(cmd.Context())
		if err != nil {
			return errors.Join(err, w.Close())
		}
		if err := a.show(cmd, ui.StatusView{Status: st, Now: a.now()}); err != nil {
			return errors.Join(err, w.Close())
		}
		if !o.watch {
			if !st.Healthy() {
				return errors.Join(&ui.ExitError{Code: ui.ExitDiffers}, w.Close())
			}
			return w.Close()
		}
		select {
		case <-cmd.Context().Done():
			return w.Close() // Ctrl-C is how a watch ends
		case <-time.After(o.every):
		}
	}
}

// statusAll shows every group of the project; the exit code is the worst.
func (a *app) statusAll(cmd *cobra.Command, o *statusOptions, args []string) error {
	if len(args) > 0 || o.file != "" {
		return ui.Usage(errors.New("--all goes without GROUP and -f"))
	}
	sel, _, err := o.selection(cmd, a.streams.In, []string{"all"})
	if err != nil {
		return err
	}
	release, err := optionalRelease()
	if err != nil {
		return err
	}
	s, err := a.connect(cmd, "", sel.SSH, release)
	if err != nil {
		return err
	}
	groups, err := s.List(cmd.Context())
	if err != nil {
		return err
	}
	var errs []error
	for _, g := range groups {
		sel.Name = g.Name
		errs = append(errs, a.statusOf(cmd, s, &statusOptions{}, sel))
	}
	return errors.Join(errs...)
}
