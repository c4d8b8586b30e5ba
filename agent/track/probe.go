package track

import (
	"context"
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
