package machine

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// signalAll sends s to all processes of the PID namespace whose PID 1 is init,
// until no new ones appear. Not the freezer of cgroups: a lab makes none,
// since they would outlive it.
func signalAll(init int, s syscall.Signal) error {
	space, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", init))
	if err != nil {
		return fmt.Errorf("find its processes: %w", err)
	}
	var sent []int
	for {
		found := false
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return fmt.Errorf("find its processes: %w", err)
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || slices.Contains(sent, pid) {
				continue
			}
			// One that has ended meanwhile has no namespace.
			if its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid)); err != nil || its != space {
				continue
			}
			_ = syscall.Kill(pid, s)
			sent, found = append(sent, pid), true
		}
		if !found {
			return nil
		}
	}
}
