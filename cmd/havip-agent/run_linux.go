package main

import (
	"context"
	"flag"
	"fmt"
	"log/syslog"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/havip/havip/agent/control"
	"github.com/havip/havip/agent/engine"
	"github.com/havip/havip/agent/metrics"
	"github.com/havip/havip/agent/track"
)

func runCommand(args []string, s Streams) error {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	path := fs.String("config", "", "run with `FILE`")
	toSyslog := fs.Bool("syslog", false, "log to /dev/log rather than to stderr")
	if err := parse(fs, args, s); err != nil {
		return err
	}
	out := stderrSink(s.Err)
	if *toSyslog {
		w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, "havip-agent")
		if err != nil {
			return &hintError{fmt.Errorf("log to syslog: %w", err), "start a syslog daemon, or leave --syslog out"}
		}
		out = syslogSink(w) // not closed: that would wait for a daemon that hangs
	}
	lines := newQueue()
	defer lines.flush(flushLimit)
	return run(*path, lines.sink(out))
}

// severity writes with one severity of a syslog writer.
type severity func(line string) error

// Write implements io.Writer.
func (s severity) Write(line []byte) (int, error) {
	if err := s(string(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

func syslogSink(w *syslog.Writer) sink {
	return sink{severity(w.Debug), severity(w.Info), severity(w.Warning), severity(w.Err), true}
}

// run is the agent from its start to its end.
func run(path string, out sink) error {
	// From the first moment: a signal that is not caught would end the agent
	// without a handover.
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	// Nobody may be left who reads the log. The Go runtime ends the process by SIGPIPE
	// for it, unless the signal is asked for; to ignore it would be inherited by the
	// commands of checks (os/signal, "SIGPIPE"). Not stopped: the end has its lines too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	cfg, sha, err := loadConfig(path)
	if err != nil {
		return err
	}
	boundMemory()
	log := newLogger(out)
	log.Info("starting", "version", currentVersion(), "group", cfg.Group, "config", path)
	if err := goRealtime(); err != nil {
		log.Info("no real-time scheduling, wake-ups may be late under load", "error", err)
	}
	server, err := control.Listen(cfg.Control)
	if err != nil {
		return err
	}
	defer server.Close()

	prober := track.NewProber(cfg.Routers)
	defer prober.Close()
	n := newNotifier(log)
	agent := engine.New(cfg, sha, engine.Options{
		Host:     new(engine.Linux),
		Version:  currentVersion(),
		Probe:    prober.Probe,
		Seed:     rand.Uint64(),
		Notify:   n.notify,
		Watchdog: watchdogInterval(log),
	})
	page := metrics.NewServer(agent.Status)
	defer page.Close()
	if err := page.Move(cfg.Metrics); err != nil {
		// The address must not depend on it; a reload tries again.
		log.Error("metrics are not served", "error", err)
	}
	// What serves the engine ends after it: a client that follows the events
	// sees the handover to its end.
	serve, end := context.WithCancel(context.Background())
	defer end()
	var tasks sync.WaitGroup
	tasks.Go(func() { server.Serve(serve, agent) })
	tasks.Go(func() { logEvents(serve, agent, log) })
	tasks.Go(func() { reloader{path, agent, page, prober, n, log}.serve(serve, reload) })
	err = agent.Run(stop)
	end()
	tasks.Wait()
	log.Info("stopped")
	return err
}
