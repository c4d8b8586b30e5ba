package plan

import (
	"math"
	"time"
)

// The band that members' priorities are taken from. Below it is the band of
// unhealthy members, above it the target of a switchover (agent/vrrp).
const (
	priorityFirst = 250
	priorityLast  = 10
)

// skewGap is how far apart the skews of two backups should be, so that they
// do not take over at once: wake-ups were measured up to 7 ms late under load.
const skewGap = 20 * time.Millisecond

// Priorities are those of n members, the first one's highest. With two there
// is one backup and nothing to keep apart. With more, neighbours differ by as
// many points as make skewGap; RFC 9568 section 6.1 makes one point worth
// Active_Adver_Interval / 256.
func Priorities(n int, interval time.Duration) []int {
	step := 1
	if n > 2 {
		want := int(math.Round(float64(skewGap) * 256 / float64(interval)))
		step = max(1, min(want, (priorityFirst-priorityLast)/(n-1)))
	}
	all := make([]int, n)
	for i := range all {
		all[i] = max(priorityLast, priorityFirst-i*step)
	}
	return all
}
