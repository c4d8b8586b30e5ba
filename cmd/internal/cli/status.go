package cli

import (
	"context"
	"errors"
	"fmt"
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
without one, with what the group's marks record. Exits with 3 when something differs.

With --watch it looks again and again until Ctrl-C; at a terminal the screen is
redrawn, elsewhere one round follows the other, with -o json as one object a line.`,
		Example: `  havip status bastion
  havip status --all -o json
  havip status -f bastion.yaml --watch`,
		Args:              oneGroup,
		ValidArgsFunction: a.completeGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runStatus(cmd, a, o, args) },
	}
	o.addWay(cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.watch, "watch", "w", false, "show it again and again until Ctrl-C")
	f.DurationVar(&o.every, "every", 2*time.Second, "with --watch: `TIME` from one round to the next")
	f.BoolVar(&o.all, "all", false, "every group of the project")
	return cmd
}

func runStatus(cmd *cobra.Command, a *app, o *statusOptions, args []string) error {
	a.lines = o.watch
	sel, t, err := o.which(cmd, a, args)
	if err != nil {
		return err
	}
	if t.release, err = optionalRelease(); err != nil {
		return err
	}
	return a.with(cmd, t, func(s *session) error {
		var w watcher = &groupWatch{s.Watch(sel), a.streams.Width}
		if o.all {
			w = &projectWatch{session: s, ssh: sel.SSH, width: a.streams.Width, watchers: map[string]*provision.Watcher{}}
		}
		if o.watch {
			return errors.Join(a.watch(cmd.Context(), w, o.every), w.Close())
		}
		done := a.working(cmd)
		r, err := w.look(cmd.Context())
		done()
		return errors.Join(a.round(r, err), w.Close())
	})
}

// which says what to look at. With --all the selection has only the way to the
// servers.
func (o *statusOptions) which(cmd *cobra.Command, a *app, args []string) (provision.Selection, target, error) {
	const least = 100 * time.Millisecond
	if o.every < least {
		return provision.Selection{}, target{}, ui.Usage(fmt.Errorf("--every: want %v or more, got %v", least, o.every))
	}
	if !o.all {
		return o.selection(cmd, a.streams.In, args)
	}
	if len(args) > 0 || o.file != "" {
		return provision.Selection{}, target{}, ui.Usage(&usageError{
			err: errors.New("--all goes without GROUP and -f"), hint: "take one of them away",
		})
	}
	return o.selection(cmd, a.streams.In, []string{"all"})
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

// round shows what was seen once. What could be seen is shown also with an
// error.
func (a *app) round(r *seen, err error) error {
	if r == nil {
		return err
	}
	if err := a.show(r.view); err != nil {
		return err
	}
	if !r.healthy {
		err = errors.Join(err, &ui.ExitError{Code: ui.ExitDiffers})
	}
	return err
}

// watch shows one round after the other until ctx ends, which is how a watch
// ends well. Once it runs, a round that fails is shown and does not end it.
func (a *app) watch(ctx context.Context, w watcher, every time.Duration) error {
	screen := ui.NewScreen(a.streams, a.format)
	for first := true; ; first = false {
		r, err := w.look(ctx)
		var view ui.View
		switch {
		case ctx.Err() != nil:
			return nil
		case r != nil:
			view = r.view
		case first:
			return err
		default:
			view = ui.NewFailure(err)
		}
		a.shown = true
		if err := screen.Show(view, a.now()); err != nil {
			return unlessNoReader(err)
		}
		if r != nil && err != nil {
			ui.PrintError(a.streams.Err, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}
