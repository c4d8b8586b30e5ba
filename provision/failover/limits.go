package failover

import (
	"fmt"
	"time"
)

// Limits are what the worst round is held to.
type Limits struct {
	Downtime  time.Duration // longest silence, outside and inside
	Lost      int           // questions without an answer on one path; negative: any
	TwoOwners time.Duration // time with the VIP on two servers; negative: any
}

// Theory is how long an active's silence may last until the worst backup has
// taken over: Active_Down_Interval of RFC 9568 section 6.1.
func Theory(interval time.Duration, lowestPriority int) time.Duration {
	return 3*interval + time.Duration(256-lowestPriority)*interval/256
}

// Usual limits of a group: theory, and a second for everything around it.
func UsualLimits(theory time.Duration) Limits {
	return Limits{Downtime: theory + time.Second, Lost: -1, TwoOwners: -1}
}

// Check refuses limits that the pace of asking cannot tell from nothing.
func (l Limits) Check(every time.Duration) error {
	if least := 4 * every; l.Downtime < least {
		return fmt.Errorf("a limit of %s is tighter than four questions at one each %s: want %s or more, or ask more often", l.Downtime, every, least)
	}
	return nil
}
