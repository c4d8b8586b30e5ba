package bench

import (
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is where a run was made, and what was compared.
type Machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	Keepalived string `json:"keepalived"`
	Go         string `json:"go"`
	Commit     string `json:"commit"`
}

func thisMachine() Machine {
	m := Machine{
		Processors: runtime.NumCPU(),
		Go:         runtime.Version(),
		Keepalived: firstLine(output("keepalived", "--version")),
		Commit:     output("git", "describe", "--always", "--abbrev=12", "--dirty"),
	}
	for line := range strings.Lines(read("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.Processor = strings.TrimSpace(value)
		}
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = fmt.Sprintf("%d GiB", (uint64(info.Totalram)*uint64(info.Unit)+1<<29)>>30)
	}
	m.Kernel = read("/proc/sys/kernel/osrelease")
	return m
}

func load() string { return read("/proc/loadavg") }

// ticks are the time of all processors since the start, and how much of it the
// hypervisor gave to others meanwhile (proc(5): steal, the eighth of a line "cpu").
type ticks struct{ all, stolen uint64 }

func processors() ticks { return parseTicks(firstLine(read("/proc/stat"))) }

func parseTicks(line string) ticks {
	var t ticks
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil || i > 8 { // the name; times of guests, which are counted already
			continue
		}
		t.all += n
		if i == 8 {
			t.stolen = n
		}
	}
	return t
}

// since is the share that was stolen from then till now.
func (t ticks) since(then ticks) float64 {
	return float64(t.stolen-then.stolen) / float64(max(1, t.all-then.all))
}

// output is what a program says, wherever it says it; nothing if it fails.
func output(argv ...string) string {
	text, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
