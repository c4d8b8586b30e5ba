package sim

import "time"

// epoch is what a clock without an offset shows when the simulation begins.
var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// clock is a server's own: it has an offset and a rate, and stands still while
// a guest is paused by a hypervisor that hides the pause.
type clock struct {
	offset time.Duration
	ppm    int64         // how much faster than true time it runs
	stood  time.Duration // how long it has stood still
	held   bool
	since  time.Duration // when it was held
}

// read is what the clock shows at the true time now.
func (c *clock) read(now time.Duration) time.Time {
	if c.held {
		now = c.since
	}
	run := now - c.stood
	return epoch.Add(c.offset + run + run*time.Duration(c.ppm)/1e6)
}

// when is the true time at which the clock will show t.
func (c *clock) when(t time.Time) time.Duration {
	shown := t.Sub(epoch) - c.offset
	now := c.stood + shown*1e6/time.Duration(1e6+c.ppm)
	for c.read(now).Before(t) && !c.held {
		now++
	}
	return now
}

func (c *clock) hold(now time.Duration) {
	if !c.held {
		c.held, c.since = true, now
	}
}

func (c *clock) release(now time.Duration) {
	if c.held {
		c.held = false
		c.stood += now - c.since
	}
}
