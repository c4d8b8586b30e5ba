package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The bound of the log for each message: a storm of one kind of event neither
// fills the disk nor hides the others. Two a second are 15 MB a day.
const (
	logRate  = rate.Limit(2)
	logBurst = 100
	// maxMessages bounds the memory, should messages ever be made of data.
	maxMessages = 64
)

// limited passes on as many records of each message as the bound allows, and
// says how many it left out.
type limited struct {
	slog.Handler
	shared *limits
}

// limits is shared by a handler and those made of it.
type limits struct {
	mu    sync.Mutex
	kinds map[string]*kindLimit
}

type kindLimit struct {
	limiter *rate.Limiter
	left    int // out since the last one that passed
}

func newLimited(h slog.Handler) limited {
	return limited{h, &limits{kinds: map[string]*kindLimit{}}}
}

// Handle implements slog.Handler.
func (l limited) Handle(ctx context.Context, r slog.Record) error {
	left, pass := l.shared.take(r.Message, r.Time)
	if !pass {
		return nil
	}
	if left > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out_before", left))
	}
	err := l.Handler.Handle(ctx, r)
	if err != nil { // the next one that passes tells of it
		l.shared.leave(r.Message, left+1)
	}
	return err
}

// WithAttrs implements slog.Handler.
func (l limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	return limited{l.Handler.WithAttrs(attrs), l.shared}
}

// WithGroup implements slog.Handler.
func (l limited) WithGroup(name string) slog.Handler {
	return limited{l.Handler.WithGroup(name), l.shared}
}

// take asks for one more record of a message at a time, and returns how many
// were left out before it.
func (l *limits) take(message string, at time.Time) (left int, pass bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kind(message)
	if !k.limiter.AllowN(at, 1) {
		k.left++
		return 0, false
	}
	left, k.left = k.left, 0
	return left, true
}

// leave counts records of a message that passed and were not written.
func (l *limits) leave(message string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kind(message).left += n
}

// kind is the bound of a message.
func (l *limits) kind(message string) *kindLimit {
	k := l.kinds[message]
	if k == nil && len(l.kinds) >= maxMessages {
		message = "" // one bound for all that are left
		k = l.kinds[message]
	}
	if k == nil {
		k = &kindLimit{limiter: rate.NewLimiter(logRate, logBurst)}
		l.kinds[message] = k
	}
	return k
}
