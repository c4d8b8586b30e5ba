package track

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxComm is the longest name that the kernel keeps of a process (proc(5)).
const maxComm = 15

// probeProcess looks for a process with this name or, when it is a path, with
// this executable. The one that was found is looked at first the next time.
func probeProcess(wanted string) Probe {
	is := named(wanted)
	if strings.HasPrefix(wanted, "/") {
		is = executes(wanted)
	}
	last := 0
	return func(ctx context.Context) error {
		if last > 0 && is(last) {
			return nil
		}
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err == nil && is(pid) {
				last = pid
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return fmt.Errorf("no process %s runs", wanted)
	}
}

// named tells of a process whether it has this name and is alive.
func named(wanted string) func(pid int) bool {
	wanted = wanted[:min(len(wanted), maxComm)]
	return func(pid int) bool {
		name, alive := stat(pid)
		return alive && name == wanted
	}
}

// executes tells of a process whether it runs this file and is alive. Where the
// kernel does not show which file another user's process runs, the first word
// of its command line counts.
func executes(path string) func(pid int) bool {
	return func(pid int) bool {
		if _, alive := stat(pid); !alive {
			return false
		}
		exe, err := os.Readlink(procPath(pid, "exe"))
		if err == nil {
			return strings.TrimSuffix(exe, " (deleted)") == path // replaced by an upgrade
		}
		if !os.IsPermission(err) {
			return false
		}
		line, err := os.ReadFile(procPath(pid, "cmdline"))
		word, _, _ := bytes.Cut(line, []byte{0})
		return err == nil && string(word) == path
	}
}

// stat reads a process's name and whether it lives: a zombie does not.
func stat(pid int) (name string, alive bool) {
	data, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return "", false
	}
	// "12 (a name) S 1 ...": the name may hold parentheses itself.
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open || end+2 >= len(data) {
		return "", false
	}
	return string(data[open+1 : end]), !bytes.ContainsAny(data[end+2:end+3], "ZXx")
}

func procPath(pid int, file string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), file)
}
