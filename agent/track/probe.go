package track

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Probe asks once whether something is well; nil means that it is. It returns
// soon after ctx has ended.
type Probe func(ctx context.Context) error

// probeOnce gives a probe its time limit.
func probeOnce(ctx context.Context, probe Probe, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	err := probe(ctx)
	if err != nil && ctx.Err() != nil {
		// "context deadline exceeded" and "i/o timeout" say less.
		return context.Cause(ctx)
	}
	return err
}

// apart asks in a goroutine of its own and leaves that behind when it has not ended
// within grace after ctx: the kernel ends no call that hangs, as on a file system whose
// server is gone. There is one at a time; meanwhile the answer is unended.
func apart(grace time.Duration, unended string, ask Probe) Probe {
	running := make(chan struct{}, 1)
	return func(ctx context.Context) error {
		select {
		case running <- struct{}{}:
		default:
			return errors.New(unended)
		}
		done := make(chan error, 1)
		go func() {
			err := ask(ctx)
			<-running
			done <- err
		}()
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
		}
		select {
		case err := <-done:
			return err
		case <-time.After(grace):
			return context.Cause(ctx)
		}
	}
}
