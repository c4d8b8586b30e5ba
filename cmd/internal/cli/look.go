package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/spec"
)

// watcher looks at groups, again and again over the same connections.
type watcher interface {
	// look gives nil when nothing could be seen, and both when only a part.
	look(ctx context.Context) (*seen, error)
	Close() error
}

// seen is what a look at groups gave.
type seen struct {
	view    ui.View
	healthy bool
}

// groupWatch looks at one group.
type groupWatch struct {
	*provision.Watcher
	width int
}

func (g *groupWatch) look(ctx context.Context) (*seen, error) {
	st, err := g.Status(ctx)
	if err != nil {
		return nil, err
	}
	return &seen{ui.StatusView{Status: st, Width: g.width}, st.Healthy()}, nil
}

// projectWatch looks at every group of the project.
type projectWatch struct {
	*session
	ssh      spec.SSH
	width    int
	watchers map[string]*provision.Watcher // by group
}

// atOnce is how many groups are looked at at the same time.
const atOnce = 4

func (g *projectWatch) look(ctx context.Context) (*seen, error) {
	groups, err := g.List(ctx)
	if err != nil {
		return nil, err
	}
	states := make([]*provision.GroupStatus, len(groups))
	var mu sync.Mutex
	var errs []error
	var eg errgroup.Group
	eg.SetLimit(atOnce)
	for i, sum := range groups {
		w := g.watcher(sum.Name)
		eg.Go(func() error {
			st, err := w.Status(ctx)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("look at group %q: %w", sum.Name, err))
				return nil // the others are looked at all the same
			}
			states[i] = &st
			return nil
		})
	}
	_ = eg.Wait() // errs has them all
	view, healthy := ui.StatusAllView{Err: errors.Join(errs...)}, true
	for _, st := range states {
		if st != nil {
			view.Groups = append(view.Groups, ui.StatusView{Status: *st, Width: g.width})
			healthy = healthy && st.Healthy()
		}
	}
	return &seen{view, healthy}, view.Err
}

func (g *projectWatch) watcher(group string) *provision.Watcher {
	w, ok := g.watchers[group]
	if !ok {
		w = g.Watch(provision.Selection{Name: group, SSH: g.ssh})
		g.watchers[group] = w
	}
	return w
}

// Close ends the connections to every server.
func (g *projectWatch) Close() error {
	var errs []error
	for _, w := range g.watchers {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}
