package pulse

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
)

// The bounds of the pace. Below, the asking would be a load of its own.
const (
	MinEvery = time.Millisecond
	MaxEvery = 10 * time.Second
)

// Limit is how long an answer may take before the question counts as lost. It
// is below a second, after which TCP asks again by itself (RFC 6298 section 2): a
// connection that needed that was not answered when it was asked for.
const Limit = 900 * time.Millisecond

// Asker asks once. It returns when the answer came, or soon after ctx has ended.
type Asker interface {
	Ask(ctx context.Context) error
}

// Run asks every so often until ctx ends, and hands over each beat when it is
// decided, not always in the order of Seq. Times count from start. deliver is called by one goroutine at
// a time. Run returns when the last beat is decided.
func Run(ctx context.Context, asker Asker, every time.Duration, start time.Time, deliver func(api.Beat)) error {
	if every < MinEvery || every > MaxEvery {
		return fmt.Errorf("a pace of %s: want %s to %s", every, MinEvery, MaxEvery)
	}
	began := time.Now()
	var mu sync.Mutex
	var asking sync.WaitGroup
	defer asking.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for slot, seq := 0, 0; ; seq++ {
		due := began.Add(time.Duration(slot) * every)
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		// A question that is late by a whole pace is the next one's.
		late := int(time.Since(due) / every)
		slot += late + 1
		b := api.Beat{Seq: seq, Skipped: late}
		asking.Go(func() {
			sent := time.Now()
			b.Sent = api.Duration(sent.Sub(start))
			// Not of ctx: what was asked is to be decided.
			limit, cancel := context.WithDeadlineCause(context.WithoutCancel(ctx), sent.Add(Limit), errNoAnswer)
			defer cancel()
			err := asker.Ask(limit)
			switch heard := time.Since(start); {
			case limit.Err() != nil:
				b.Err = errNoAnswer.Error()
			case err != nil:
				b.Err = err.Error()
			default:
				b.Heard = api.Duration(max(heard, 1))
			}
			mu.Lock()
			defer mu.Unlock()
			deliver(b)
		})
	}
}

var errNoAnswer = fmt.Errorf("no answer within %s", Limit)
