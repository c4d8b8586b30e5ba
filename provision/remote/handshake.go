package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// handshake makes an SSH connection out of a byte stream.
func (d *Dialer) handshake(ctx context.Context, conn net.Conn, s settings, console consoleKeys) (*ssh.Client, error) {
	// ssh.NewClientConn knows no context: closing the stream ends it.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	limit := newStopwatch(d.opts.HopTimeout, func() { conn.Close() })
	defer limit.stop()

	hosts := &hostKeys{
		ctx: ctx, settings: s, policy: d.opts.HostKeys, console: console, limit: limit, mu: &d.trustMu,
	}
	algorithms, err := hosts.algorithms()
	if err != nil {
		return nil, err
	}
	offer := &offer{ctx: ctx, settings: s, identity: d.opts.Identity, keys: d.keys, limit: limit}
	config := &ssh.ClientConfig{
		User:              s.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeysCallback(offer.signers)},
		HostKeyCallback:   hosts.check,
		HostKeyAlgorithms: algorithms,
	}
	c, channels, requests, err := ssh.NewClientConn(conn, s.knownAs(), config)
	switch {
	case err == nil:
		return ssh.NewClient(c, channels, requests), nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case hosts.err != nil: // x/crypto/ssh hides the cause behind a text
		return nil, hosts.err
	case offer.err != nil:
		return nil, offer.err
	case limit.expired():
		return nil, &UnreachableError{Address: s.address(), Timeout: true, Err: err}
	case hosts.trusted && refused(err):
		return nil, &AuthError{Address: s.address(), User: s.user, Tried: offer.tried, Skipped: offer.skipped, Err: err}
	}
	if _, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
		return nil, fmt.Errorf("talk SSH with %s: %w", s.address(), err)
	}
	return nil, &UnreachableError{Address: s.address(), Err: err}
}

// refused tells whether the server let none of the keys in. The package has no
// type for it, nor for a server that hangs up after too many keys.
func refused(err error) bool {
	return strings.Contains(err.Error(), "unable to authenticate") ||
		strings.Contains(err.Error(), "Too many authentication failures")
}

// stopwatch calls fire when it ran for limit, pauses not counted.
type stopwatch struct {
	mu      sync.Mutex
	timer   *time.Timer
	left    time.Duration
	since   time.Time
	pauses  int
	fired   bool
	stopped bool
}

func newStopwatch(limit time.Duration, fire func()) *stopwatch {
	w := &stopwatch{left: limit, since: time.Now()}
	w.timer = time.AfterFunc(limit, func() {
		w.mu.Lock()
		due := w.pauses == 0 && !w.stopped
		w.fired = w.fired || due
		w.mu.Unlock()
		if due {
			fire()
		}
	})
	return w
}

// pause stops the watch until the returned function is called.
func (w *stopwatch) pause() (resume func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pauses == 0 {
		w.timer.Stop()
		w.left -= time.Since(w.since)
	}
	w.pauses++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.pauses--
		if w.pauses == 0 && !w.stopped {
			w.since = time.Now()
			w.timer.Reset(max(w.left, time.Second))
		}
	}
}

func (w *stopwatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}

func (w *stopwatch) expired() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fired
}
