package main

import (
	"errors"
	"io"
	"slices"
	"time"
)

const (
	// queueLines is how many lines wait for who reads the log: more than the bound of
	// the log lets through at once of all kinds of events.
	queueLines = 1024
	// flushLimit is how long the agent's end waits for them.
	flushLimit = time.Second
)

// errUnread says that a line was lost, since too many wait already.
var errUnread = errors.New("nobody reads the log")

// queue writes lines from a goroutine of its own: who logs waits for nobody, should
// the reader of a pipe or a syslog daemon hang. It lasts as long as the process.
type queue chan func()

func newQueue() queue {
	q := make(queue, queueLines)
	go func() {
		for act := range q {
			act()
		}
	}()
	return q
}

// sink is a sink whose lines go through the queue.
func (q queue) sink(s sink) sink {
	return sink{queued{q, s.debug}, queued{q, s.info}, queued{q, s.warning}, queued{q, s.err}, s.ownTime}
}

// flush waits until what stands in the queue is written, for a while.
func (q queue) flush(limit time.Duration) {
	late := time.After(limit)
	written := make(chan struct{})
	select {
	case q <- func() { close(written) }:
	case <-late:
		return
	}
	select {
	case <-written:
	case <-late:
	}
}

// queued is a writer behind a queue.
type queued struct {
	q queue
	w io.Writer
}

// Write implements io.Writer. It fails when the queue is full; what the writer says
// later reaches nobody.
func (d queued) Write(line []byte) (int, error) {
	line = slices.Clone(line) // slog uses its buffer again
	select {
	case d.q <- func() { _, _ = d.w.Write(line) }:
		return len(line), nil
	default:
		return 0, errUnread
	}
}
