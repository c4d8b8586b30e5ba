package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Stop powers a server off.
func (h *Host) Stop(ctx context.Context, id string, soft bool) error {
	m := h.server(id)
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.init == nil {
		return nil
	}
	if soft && !m.paused {
		h.Reaper.Signal(m.init, syscall.SIGPWR)
		select {
		case <-m.init.Done():
		case <-time.After(patience):
		case <-ctx.Done():
		}
	}
	// A server that loses its power is silent at once: its processes need a
	// moment to die.
	var errs []error
	for _, p := range m.ports {
		errs = append(errs, h.Fabric.Cut(p, true))
	}
	h.Reaper.Signal(m.init, syscall.SIGKILL)
	<-m.init.Done()
	return errors.Join(append(errs, h.off(m))...)
}

// off takes away what a server needs only while it runs.
func (h *Host) off(m *server) error {
	var errs []error
	for _, p := range m.ports {
		errs = append(errs, h.Fabric.Unplug(p))
	}
	if m.space != nil {
		errs = append(errs, m.space.Close())
	}
	m.ports, m.space, m.init, m.paused = nil, nil, nil, false
	return errors.Join(errs...)
}

// Delete powers a server off and forgets it with its disk.
func (h *Host) Delete(ctx context.Context, id string) error {
	if err := h.Stop(ctx, id, false); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.servers[id]
	if m == nil {
		return nil
	}
	delete(h.servers, id)
	if err := os.RemoveAll(m.dir); err != nil {
		return fmt.Errorf("delete the disk of server %q: %w", m.name, err)
	}
	return nil
}
