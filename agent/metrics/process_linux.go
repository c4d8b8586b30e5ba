package metrics

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// process is what a page says of the agent's own process, under the names that
// the client libraries of Prometheus use.
type process struct {
	goVersion  string
	goroutines int
	resident   int // bytes
	cpu        time.Duration
	started    time.Time
}

// readProcess reads it. What cannot be read is 0.
func readProcess(started time.Time) process {
	p := process{goVersion: runtime.Version(), goroutines: runtime.NumGoroutine(), started: started}
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) == nil {
		p.cpu = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	statm, _ := os.ReadFile("/proc/self/statm")
	if fields := bytes.Fields(statm); len(fields) > 1 {
		pages, _ := strconv.Atoi(string(fields[1]))
		p.resident = pages * os.Getpagesize()
	}
	return p
}

func (p process) add(t *text) {
	t.add("go_goroutines", gauge, "Number of goroutines that currently exist.", float64(p.goroutines))
	t.add("process_cpu_seconds_total", counter, "Total user and system CPU time spent in seconds.", p.cpu.Seconds())
	t.add("process_resident_memory_bytes", gauge, "Resident memory size in bytes.", float64(p.resident))
	t.add("process_start_time_seconds", gauge, "Start time of the process since unix epoch in seconds.", seconds(p.started))
}
