package failover

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// patience is how long a way may be silent until it is given up. A neighbour cache
	// goes by what it knows for up to 45 s, and asks for 8 s before it drops it (RFC
	// 4861 section 10; Linux does the same for ARP).
	patience = time.Minute
	// closedAfter is how long a way inside is waited for that was never open: a
	// security group may close it.
	closedAfter = 5 * time.Second
)

// SilentError is an address that does not answer when a fault is to be made: what
// the fault does could not be told from what was before it.
type SilentError struct{ To string }

func (e *SilentError) Error() string {
	return fmt.Sprintf("%s did not answer from here for %s before the fault, and none was made", e.To, patience)
}

// answerBefore waits until the ways answer, so that a fault is made and its silence
// is not another's. A way inside that does not is left out of the round.
func (t *Test) answerBefore(ctx context.Context, o *observation) error {
	silent, err := o.answer(ctx, lead, func(p *Path) time.Duration {
		if p.Name == Inside && !t.insiders[p.From] {
			return closedAfter
		}
		return patience
	})
	if err != nil {
		return err
	}
	for _, p := range o.ways() {
		switch dumb := slices.Contains(silent, p); {
		case dumb && p.Name == Outside:
			return &SilentError{p.To}
		case dumb:
			p.LeftOut = true
		case p.Name == Inside:
			t.insiders[p.From] = true
		}
	}
	return nil
}

// answerAgain waits until the ways answer that answered before the fault. One that is
// given up is silent at the end of its beats, which is judged.
func (o *observation) answerAgain(ctx context.Context) error {
	_, err := o.answer(ctx, tail, func(*Path) time.Duration { return patience })
	return err
}

// answer waits until each way was answered all the while for so long, and gives up
// those that are silent beyond what one is waited for.
func (o *observation) answer(ctx context.Context, long time.Duration, limit func(*Path) time.Duration) (givenUp []*Path, err error) {
	began := time.Now()
	for since := began; time.Since(since) < long; {
		if err := sleep(ctx, pollEvery); err != nil {
			return nil, err
		}
		for _, p := range o.ways() {
			switch {
			case slices.Contains(givenUp, p) || !o.silent(p):
			case time.Since(began) >= limit(p):
				givenUp = append(givenUp, p)
			default:
				since = time.Now()
			}
		}
	}
	return givenUp, nil
}

// ways are those that are not left out, without controls.
func (o *observation) ways() []*Path {
	var ways []*Path
	for _, p := range o.paths {
		if !p.Control && !p.LeftOut {
			ways = append(ways, p)
		}
	}
	return ways
}

// silent tells whether a way was not answered lately.
func (o *observation) silent(p *Path) bool {
	return time.Since(o.start)-o.answered(p) > silentAfter(p.Every)
}
