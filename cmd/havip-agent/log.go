package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/havip/havip/agent/api"
)

// newLogger writes text lines to w. journald has a time of its own.
func newLogger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if os.Getenv("JOURNAL_STREAM") != "" {
		options.ReplaceAttr = withoutTime
	}
	return slog.New(slog.NewTextHandler(w, options))
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
		attrs = append(attrs, slog.Int("vrid", ev.VRID))
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
	case "fault", "rival", "vip", "drop":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
