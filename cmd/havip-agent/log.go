package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/havip/havip/agent/api"
)

// sink is where a line of the log goes: its severity is the message's own, so
// that `journalctl -p warning` and the rules of a syslog daemon find it.
type sink struct {
	debug, info, warning, err io.Writer
	ownTime                   bool // it stamps each line itself
}

// newLogger writes text lines to a sink, bounded in their number.
func newLogger(s sink) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if s.ownTime {
		options.ReplaceAttr = withoutTime
	}
	text := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }
	return slog.New(newLimited(severities{text(s.debug), text(s.info), text(s.warning), text(s.err)}))
}

// stderrSink writes to one writer. journald, which JOURNAL_STREAM says reads
// it, takes a severity in front of each line (sd-daemon(3)).
func stderrSink(w io.Writer) sink {
	if os.Getenv("JOURNAL_STREAM") == "" {
		return sink{debug: w, info: w, warning: w, err: w}
	}
	return sink{prefixed{w, "<7>"}, prefixed{w, "<6>"}, prefixed{w, "<4>"}, prefixed{w, "<3>"}, true}
}

// prefixed puts a prefix before each line; slog writes one at a time.
type prefixed struct {
	w      io.Writer
	prefix string
}

// Write implements io.Writer.
func (p prefixed) Write(line []byte) (int, error) {
	if _, err := p.w.Write(append([]byte(p.prefix), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// severities hands a record to the handler of its level.
type severities struct{ debug, info, warning, err slog.Handler }

func (s severities) of(level slog.Level) slog.Handler {
	switch {
	case level >= slog.LevelError:
		return s.err
	case level >= slog.LevelWarn:
		return s.warning
	case level >= slog.LevelInfo:
		return s.info
	}
	return s.debug
}

// Enabled implements slog.Handler.
func (s severities) Enabled(ctx context.Context, level slog.Level) bool {
	return s.of(level).Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (s severities) Handle(ctx context.Context, r slog.Record) error {
	return s.of(r.Level).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s severities) WithAttrs(attrs []slog.Attr) slog.Handler {
	return severities{s.debug.WithAttrs(attrs), s.info.WithAttrs(attrs), s.warning.WithAttrs(attrs), s.err.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (s severities) WithGroup(name string) slog.Handler {
	return severities{s.debug.WithGroup(name), s.info.WithGroup(name), s.warning.WithGroup(name), s.err.WithGroup(name)}
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// eventSource is the engine's journal.
type eventSource interface {
	Events(after uint64) (events []api.Event, more <-chan struct{})
}

// logEvents writes each event to the log until ctx ends, and then those that
// are left. It runs beside the engine, so that a log that blocks does not hold
// up the protocol.
func logEvents(ctx context.Context, source eventSource, log *slog.Logger) {
	var last uint64
	for {
		ended := ctx.Err() != nil
		events, more := source.Events(last)
		for _, ev := range events {
			if lost := ev.Seq - last - 1; lost > 0 {
				log.Warn("events were lost: the log is slower than they came", "count", lost)
			}
			last = ev.Seq
			logEvent(log, ev)
		}
		if ended {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}

func logEvent(log *slog.Logger, ev api.Event) {
	var attrs []slog.Attr
	if ev.VRID != 0 {
		attrs = append(attrs, slog.Int("vrid", ev.VRID), slog.String("family", string(ev.Family)))
	}
	if ev.To != "" {
		attrs = append(attrs, slog.String("from", string(ev.From)), slog.String("to", string(ev.To)))
	}
	if ev.Reason != "" {
		attrs = append(attrs, slog.String("reason", ev.Reason))
	}
	if ev.Detail != "" {
		attrs = append(attrs, slog.String("detail", ev.Detail))
	}
	log.LogAttrs(context.Background(), level(ev.Kind), ev.Kind, attrs...)
}

// level is how much an event matters to who reads the log.
func level(kind string) slog.Level {
	switch kind {
	case "announce":
		return slog.LevelDebug // each has a transition, or is one of a schedule
	case "fault", "rival", "vip", "drop", "link", "blocked", "conflict", "mismatch":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
