package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// realtimePriority is the lowest of real time: before all ordinary threads,
// behind every real-time thread that the server has for a reason.
const realtimePriority = 1

// goRealtime has the kernel run the threads of this process before ordinary
// ones. All of them: the Go runtime fires timers and polls sockets on whichever
// thread is free, so one real-time thread would wait for an ordinary one.
// Measured with 4 busy loops on 2 processors, lateness of a 10 ms timer: none
// 50 ms at most, one locked thread 7 ms, all 0.3 ms; a locked thread without
// real time, 244 ms. Threads that are made later inherit it.
//
// Go code runs on one thread at a time. The runtime has places where a thread
// spins until another of the process goes on; in real time the other may never run,
// since nothing ordinary takes the processor from the one that spins. Measured: two
// agents on 2 processors stood still for 30 s in the garbage collector's sweep
// (runtime.bgsweep), each spinning on the processor that the other's thread waited
// for. A daemon that sleeps most of the time loses nothing by it. SCHED_RR and not
// SCHED_FIFO, for the same reason: agents of several groups take turns.
//
// It needs CAP_SYS_NICE or a real-time limit (LimitRTPRIO). Without them the
// agent works, with later wake-ups under load.
func goRealtime() error {
	attr := &unix.SchedAttr{
		Size:     unix.SizeofSchedAttr,
		Policy:   unix.SCHED_RR,
		Priority: realtimePriority,
	}
	runtime.GOMAXPROCS(1)
	done := map[int]bool{}
	for {
		before := len(done)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list threads: %w", err)
		}
		for _, entry := range threads {
			id, err := strconv.Atoi(entry.Name())
			if err != nil || done[id] {
				continue
			}
			if err := unix.SchedSetAttr(id, attr, 0); err != nil {
				return fmt.Errorf("set real-time priority: %w", err)
			}
			done[id] = true
		}
		if len(done) == before { // none was made by an ordinary thread meanwhile
			return nil
		}
	}
}
