package demo

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// every is how often the caller connects. A call never waits for the one
	// before: a call that nobody answers must not hide the next.
	every = 20 * time.Millisecond
	// callTime is how long a call waits. It is shorter than the second after
	// which TCP would try once more by itself.
	callTime = 900 * time.Millisecond
	patience = 2 * time.Minute
)

// call is one connection and who answered it, by the greeting of the SSH
// server; empty: nobody.
type call struct {
	at time.Time
	by string
}

// watcher calls an address on a fixed schedule.
type watcher struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	calls []call // as they ended
	news  chan struct{}
}

func watch(ctx context.Context, address string) *watcher {
	ctx, cancel := context.WithCancel(ctx)
	w := &watcher{cancel: cancel, ended: make(chan struct{}), news: make(chan struct{})}
	go func() {
		defer close(w.ended)
		var open sync.WaitGroup
		defer open.Wait()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case at := <-tick.C:
				open.Go(func() {
					by := greeting(address)
					w.keep(call{at, by})
				})
			}
		}
	}()
	return w
}

// greeting is the name that an SSH server at the address gives itself.
func greeting(address string) string {
	c, err := net.DialTimeout("tcp", address, callTime)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(callTime))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return ""
	}
	// SSH-2.0-software comment (RFC 4253, section 4.2)
	_, name, _ := strings.Cut(strings.TrimSpace(line), " ")
	return name
}

func (w *watcher) keep(c call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
	close(w.news)
	w.news = make(chan struct{})
}

// stop ends the calls and waits for the open ones.
func (w *watcher) stop() {
	w.cancel()
	<-w.ended
}

// until waits until one of the calls is as wanted.
func (w *watcher) until(ctx context.Context, what string, wanted func(call) bool) (call, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	seen := 0
	for {
		w.mu.Lock()
		calls, news := w.calls[seen:], w.news
		seen = len(w.calls)
		w.mu.Unlock()
		if i := slices.IndexFunc(calls, wanted); i >= 0 {
			return calls[i], nil
		}
		select {
		case <-ctx.Done():
			return call{}, fmt.Errorf("wait until %s: %w", what, context.Cause(ctx))
		case <-news:
		}
	}
}

func (w *watcher) answeredBy(ctx context.Context, name string) error {
	_, err := w.until(ctx, name+" answers", func(c call) bool { return c.by == name })
	return err
}

func (w *watcher) answeredByAnother(ctx context.Context, name string) (string, error) {
	c, err := w.until(ctx, "another than "+name+" answers", func(c call) bool { return c.by != "" && c.by != name })
	return c.by, err
}

// inOrder are the calls in the order in which they were made.
func (w *watcher) inOrder() []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.SortedFunc(slices.Values(w.calls), func(a, b call) int { return a.at.Compare(b.at) })
}

func (w *watcher) made() int { return len(w.inOrder()) }

func (w *watcher) lost() int {
	n := 0
	for _, c := range w.inOrder() {
		if c.by == "" {
			n++
		}
	}
	return n
}

// silence is the longest time from a call that nobody answered to the next
// one that somebody did.
func (w *watcher) silence() time.Duration {
	var longest time.Duration
	var since time.Time
	for _, c := range w.inOrder() {
		switch {
		case c.by == "" && since.IsZero():
			since = c.at
		case c.by != "" && !since.IsZero():
			longest = max(longest, c.at.Sub(since))
			since = time.Time{}
		}
	}
	return longest
}
