package failover

import (
	"time"
)

// clock learns how far a server's clock is from ours, by asking it for the time
// and taking the answer that came quickest (RFC 5905 section 8, with the server's
// own time taken as none).
type clock struct {
	start  time.Time // of the test: zero of its timeline
	known  bool
	offset time.Duration // the server's clock minus ours
	err    time.Duration // half of the round trip: it is off by no more
}

// learn takes the server's time that was asked for at sent and came at received.
func (c *clock) learn(sent, received, server time.Time) {
	half := received.Sub(sent) / 2
	if c.known && half >= c.err {
		return
	}
	c.known, c.err = true, half
	// Both wall clocks, ours carried on by the monotonic one since the start.
	ours := c.start.Round(0).Add(sent.Add(half).Sub(c.start))
	c.offset = server.Sub(ours)
}

// at is a time of the server on the test's timeline.
func (c *clock) at(server time.Time) time.Duration {
	return server.Round(0).Add(-c.offset).Sub(c.start.Round(0))
}
