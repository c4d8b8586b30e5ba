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

// reload applies the file as a whole or, when it is wrong, not at all. The address
// must not depend on the metrics: when their new place is taken, the rest holds.
func (r reloader) reload(ctx context.Context) error {
	cfg, sha, err := loadConfig(r.path)
	if err != nil {
		return err
	}
	routers := r.prober.SetRouters(cfg.Routers) // before a check could ask for a new VIP
	if err := r.agent.Reload(ctx, cfg, sha); err != nil {
		r.prober.SetRouters(routers)
		return err
	}
	if err := r.metrics.Move(cfg.Metrics); err != nil { // the next reload tries again
		r.log.Error("metrics are not served where the configuration says", "error", err)
	}
	return nil
}
