package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/havip/havip/test/lab"
)

// footprint is what of a lab is seen on the machine.
type footprint struct {
	id        int
	processes map[int]string // with the time of their start: numbers are used again
	spaces    map[string]bool
	devices   map[string]bool // of the switch
	// end is when the lab was ended. The number of a namespace is used again,
	// so that of a process which is younger says nothing.
	end int64
}

func footprintOf(t *testing.T, launcher int) footprint {
	t.Helper()
	f := footprint{id: launcher, processes: map[int]string{}, spaces: map[string]bool{}, devices: map[string]bool{}}
	own := map[string]bool{}
	for _, s := range spacesOf(os.Getpid()) {
		own[s] = true
	}
	parents := map[int]int{}
	for _, pid := range pids() {
		if ppid, _, ok := stat(pid); ok {
			parents[pid] = ppid
		}
	}
	for pid := range parents {
		for p := pid; p > 1; p = parents[p] {
			if p != launcher || pid == launcher {
				continue
			}
			_, born, ok := stat(pid)
			if !ok {
				break
			}
			f.processes[pid] = born
			for _, s := range spacesOf(pid) {
				if !own[s] {
					f.spaces[s] = true
				}
			}
			if parents[pid] == launcher {
				f.addDevices(pid)
			}
		}
	}
	return f
}

// addDevices looks at each thread of the root: some are in another namespace.
func (f *footprint) addDevices(root int) {
	tables, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/net/dev", root))
	for _, table := range tables {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			for _, ours := range []string{"tap", "brq", "out"} {
				if strings.HasPrefix(name, ours) {
					f.devices[name] = true
				}
			}
		}
	}
}

// left says what of it is still there.
func (f footprint) left(t *testing.T) string {
	t.Helper()
	var out []string
	for _, pid := range pids() {
		_, born, ok := stat(pid)
		if !ok {
			continue
		}
		if f.processes[pid] == born {
			out = append(out, fmt.Sprintf("process %d", pid))
		}
		if at, err := strconv.ParseInt(born, 10, 64); err != nil || at > f.end {
			continue
		}
		for _, s := range spacesOf(pid) {
			if f.spaces[s] {
				out = append(out, fmt.Sprintf("namespace %s of process %d", s, pid))
			}
		}
	}
	here, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range here {
		if name := d.Name(); f.devices[name] {
			out = append(out, "device "+name)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, "havip-lab") || strings.Contains(line, "/.servers/") {
			out = append(out, "mount "+line)
		}
	}
	reports, err := lab.Running()
	if err != nil {
		out = append(out, err.Error())
	}
	if slices.ContainsFunc(reports, func(r lab.Report) bool { return r.ID == f.id }) {
		out = append(out, "its socket")
	}
	return strings.Join(out, "\n")
}

// ticks is the time in the unit of a process's start: a hundredth of a second
// on every system (USER_HZ).
func ticks(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	seconds, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseInt(strings.ReplaceAll(seconds, ".", ""), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func pids() []int {
	var out []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// stat reads the parent and the start of a process.
func stat(pid int) (ppid int, born string, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", false
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, "", false
	}
	ppid, err = strconv.Atoi(fields[1])
	return ppid, fields[19], err == nil
}

func spacesOf(pid int) []string {
	var out []string
	for _, kind := range []string{"net", "mnt", "pid"} {
		if s, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind)); err == nil {
			out = append(out, s)
		}
	}
	return out
}
