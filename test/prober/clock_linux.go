package prober

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// realtimePriority is above that of the agents that are measured.
const realtimePriority = 10

// onRealtimeThread runs f on a thread of its own that ends with it, with
// real-time priority where the kernel allows it. Threads and processes that it
// makes have ordinary priority again.
func onRealtimeThread(f func(realtime bool) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.SchedSetAttr(0, &unix.SchedAttr{
			Size:     unix.SizeofSchedAttr,
			Policy:   unix.SCHED_FIFO,
			Priority: realtimePriority,
			Flags:    unix.SCHED_FLAG_RESET_ON_FORK,
		}, 0)
		done <- f(err == nil)
	}()
	return <-done
}

// stopwatch sleeps by the kernel's clock, without the runtime's timers.
type stopwatch struct {
	began time.Time
	zero  int64 // CLOCK_MONOTONIC at began, in ns
}

func newStopwatch() (stopwatch, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return stopwatch{}, fmt.Errorf("read the monotonic clock: %w", err)
	}
	return stopwatch{began: time.Now(), zero: now.Nano()}, nil
}

// sleepUntil sleeps until so long after the beginning; not at all when that is over.
func (s stopwatch) sleepUntil(d time.Duration) error {
	at := unix.NsecToTimespec(s.zero + int64(d))
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil)
		if err != unix.EINTR {
			return err
		}
	}
}
