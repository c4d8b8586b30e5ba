package vip

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of ifa_cacheinfo.tstamp (cstamp_delta in the kernel's
// include/net/addrconf.h) and of times(2): 1/USER_HZ.
const tick = 10 * time.Millisecond

// LastRenewal returns when the lease of the VIPs was last renewed, by this
// agent or by an earlier one; of several, the oldest. It is false when not all
// VIPs are there, or when one is there without a lease: no agent put it there.
// The time is good to two ticks and has a monotonic reading.
func (s *Set) LastRenewal() (time.Time, bool, error) {
	all, err := readAddresses()
	if err != nil {
		return time.Time{}, false, err
	}
	now := time.Now()
	clock, err := stampClock()
	if err != nil {
		return time.Time{}, false, err
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
		oldest = max(oldest, age(clock, a.stamp))
	}
	return now.Add(-oldest), true, nil
}

// age is the time from a stamp to now, both in ticks on the kernel's clock of
// stamps. They are 32 bits and come round after 497 days; the difference is taken
// in those 32 bits. A stamp that is a tick ahead is one of this instant.
func age(now, stamp uint32) time.Duration {
	return max(0, time.Duration(int32(now-stamp))*tick)
}

// stampClock reads the clock that stamps are on: jiffies since boot. It is not
// CLOCK_MONOTONIC, which starts at another moment (120 ms apart on one virtual
// machine).
func stampClock() (uint32, error) {
	var unused unix.Tms
	jiffies, err := unix.Times(&unused)
	if err != nil {
		return 0, fmt.Errorf("read the clock of ticks: %w", err)
	}
	var monotonic unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &monotonic); err != nil {
		return 0, fmt.Errorf("read the monotonic clock: %w", err)
	}
	return uint32(sinceBoot(uint64(jiffies), monotonic.Nano()/int64(tick))), nil
}

// sinceBoot takes from times(2), which is jiffies in ticks, what jiffies had at
// boot: INITIAL_JIFFIES, 300 s before 32 bits come round. In ticks that depends on
// HZ, which a program cannot ask for. But the values for any two HZ are years
// apart, so the right one is that which comes out near the monotonic clock.
func sinceBoot(jiffies uint64, monotonic int64) int64 {
	best := monotonic // an HZ that no distribution has: tens of ms off
	nearest := int64(time.Hour / tick)
	for _, hz := range []int64{100, 250, 300, 1000} { // kernel/Kconfig.hz
		initial := (1<<32 - 300*hz) * 100 / hz
		ticks := int64(jiffies) - initial
		if d := max(ticks-monotonic, monotonic-ticks); d < nearest {
			best, nearest = ticks, d
		}
	}
	return best
}
