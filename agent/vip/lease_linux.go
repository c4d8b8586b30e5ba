package vip

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of ifa_cacheinfo.tstamp (cstamp_delta in net/core).
const tick = 10 * time.Millisecond

// LastRenewal returns when the lease of the VIPs was last renewed, by this
// agent or by an earlier one; of several, the oldest. It is false when not all
// VIPs are there, or when one is there without a lease: no agent put it there.
// The time is good to about 10 ms and has a monotonic reading.
func (s *Set) LastRenewal() (time.Time, bool, error) {
	all, err := readAddresses()
	if err != nil {
		return time.Time{}, false, err
	}
	now := time.Now()
	var boot unix.Timespec
	// The stamp is of jiffies, which stand still in suspend as CLOCK_MONOTONIC
	// does and CLOCK_BOOTTIME does not.
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &boot); err != nil {
		return time.Time{}, false, fmt.Errorf("read monotonic clock: %w", err)
	}
	held := s.held(all)
	if len(held) == 0 || len(held) != len(s.addrs) {
		return time.Time{}, false, nil
	}
	var oldest time.Duration
	for _, a := range held {
		if a.flags&unix.IFA_F_PERMANENT != 0 {
			return time.Time{}, false, nil
		}
		oldest = max(oldest, age(time.Duration(boot.Nano()), a.stamp))
	}
	return now.Add(-oldest), true, nil
}

// age is the time from a stamp to now, both since boot. The stamp is 32 bits
// and comes round after 497 days; the difference is taken in those 32 bits. A
// stamp a little ahead of the clock is one of this instant: jiffies and the
// clock do not start at the very same moment.
func age(sinceBoot time.Duration, stamp uint32) time.Duration {
	ticks := int32(uint32(sinceBoot/tick) - stamp)
	return max(0, time.Duration(ticks)*tick)
}
