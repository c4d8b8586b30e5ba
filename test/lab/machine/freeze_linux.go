package machine

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// Pause stops all processes of a server and cuts its wires: the kernel, which
// goes on, would answer for it.
func (h *Host) Pause(_ context.Context, id string) error { return h.freeze(id, true) }

// Resume lets it go on.
func (h *Host) Resume(_ context.Context, id string) error { return h.freeze(id, false) }

func (h *Host) freeze(id string, frozen bool) error {
	m := h.server(id)
	if m == nil {
		return fmt.Errorf("pause server %s: it was never started", id)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.init == nil || m.paused == frozen {
		return nil
	}
	for _, p := range m.ports {
		if err := h.Fabric.Cut(p, frozen); err != nil {
			return err
		}
	}
	s := syscall.SIGCONT
	if frozen {
		s = syscall.SIGSTOP
	}
	if err := signalAll(m.init.PID, s); err != nil {
		return fmt.Errorf("pause server %q: %w", m.name, err)
	}
	m.paused = frozen
	return nil
}

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
