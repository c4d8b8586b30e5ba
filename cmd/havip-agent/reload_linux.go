package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/havip/havip/agent/engine"
	"github.com/havip/havip/agent/metrics"
	"github.com/havip/havip/agent/track"
)

// reloader applies the configuration file again.
type reloader struct {
	path    string
	agent   *engine.Engine
	metrics *metrics.Server
	prober  *track.Prober
	notify  *notifier
	log     *slog.Logger
}

// serve reloads at each signal until ctx ends.
func (r reloader) serve(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
		case <-ctx.Done():
			return
		}
		r.notify.reloading()
		if err := r.reload(ctx); err != nil {
			r.log.Error("the configuration was not reloaded, the old one goes on", "error", err)
		}
		r.notify.reloaded()
	}
}

// reload applies the file as a whole or, when it is wrong, not at all.
func (r reloader) reload(ctx context.Context) error {
	cfg, sha, err := loadConfig(r.path)
	if err != nil {
		return err
	}
	// What can fail goes first.
	before := r.metrics.Address()
	if err := r.metrics.Move(cfg.Metrics); err != nil {
		return err
	}
	routers := r.prober.SetRouters(cfg.Routers) // before a check could ask for a new VIP
	if err := r.agent.Reload(ctx, cfg, sha); err != nil {
		r.prober.SetRouters(routers)
		if undo := r.metrics.Move(before); undo != nil {
			r.log.Error("metrics are not served", "error", undo)
		}
		return err
	}
	return nil
}
