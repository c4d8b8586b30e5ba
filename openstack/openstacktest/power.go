package openstacktest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// power is the work on servers that goes on after a request was answered. The
// work on one server is done in the order of the requests.
type power struct {
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	last   map[string]chan struct{} // by server: closed when its last work is done
}

// powerAction is one thing to do with a server's machine, named by the
// server's task_state while it lasts.
type powerAction string

const (
	powerOn     powerAction = "spawning"
	powerStart  powerAction = "powering-on"
	powerStop   powerAction = "powering-off"
	powerPause  powerAction = "pausing"
	powerResume powerAction = "unpausing"
	powerReboot powerAction = "rebooting"
	powerReset  powerAction = "rebooting_hard"
	powerDelete powerAction = "deleting"
)

// do has the machine do it.
func (a powerAction) do(ctx context.Context, m Machines, v Server) error {
	switch a {
	case powerStop:
		return m.Stop(ctx, v.ID, true)
	case powerPause:
		return m.Pause(ctx, v.ID)
	case powerResume:
		return m.Resume(ctx, v.ID)
	case powerReboot, powerReset:
		return restart(ctx, m, v, a == powerReboot)
	case powerDelete:
		return m.Delete(ctx, v.ID)
	}
	return m.Start(ctx, v)
}

// leads is the vm_state afterwards.
func (a powerAction) leads() string {
	switch a {
	case powerStop:
		return "stopped"
	case powerPause:
		return "paused"
	}
	return "active"
}

func restart(ctx context.Context, m Machines, v Server, soft bool) error {
	if err := m.Stop(ctx, v.ID, soft); err != nil {
		return err
	}
	return m.Start(ctx, v)
}

// power begins an action on a server: it ends at once when nobody runs the
// machines.
func (r *request) power(id string, a powerAction) {
	if r.cloud.config.Machines == nil {
		r.s.powered(id, a, nil, r.now)
		return
	}
	v := r.s.servers[id]
	v.TaskState = string(a)
	r.s.servers[id] = v
	r.cloud.queue(id, a)
}

// queue does an action after what is under way for the same server. The caller
// holds the lock, which the action needs at its end: so the request is
// committed before.
func (c *Cloud) queue(id string, a powerAction) {
	if c.power.last == nil {
		c.power.last = map[string]chan struct{}{}
	}
	before, mine := c.power.last[id], make(chan struct{})
	c.power.last[id] = mine
	c.power.work.Go(func() {
		defer close(mine)
		if before != nil {
			<-before
		}
		c.mu.Lock()
		v, found := c.state.servers[id]
		c.mu.Unlock()
		if !found {
			return
		}
		err := a.do(c.power.ctx, c.config.Machines, v.view())
		if c.power.ctx.Err() != nil {
			return
		}
		_ = c.change(func(s *state) error {
			s.powered(id, a, err, c.config.Now())
			return nil
		})
	})
}

// powered is the end of an action.
func (s *state) powered(id string, a powerAction, err error, now time.Time) {
	v, found := s.servers[id]
	if !found {
		return
	}
	v.TaskState, v.UpdatedAt, v.Fault = "", stamp(now), ""
	switch {
	case err != nil:
		v.VMState, v.Fault = "error", err.Error()
	case a == powerDelete:
		s.unplug(v, now)
		return
	default:
		v.VMState = a.leads()
	}
	s.servers[id] = v
}

// unplug forgets a server. The ports that Nova made go with it, others lose
// their device.
func (s *state) unplug(v server, now time.Time) {
	delete(s.servers, v.ID)
	for _, id := range v.Ports {
		if slices.Contains(v.Made, id) {
			s.dropPort(id, now)
		} else {
			s.release(id, now)
		}
	}
}

// release takes a port off its device.
func (s *state) release(id string, now time.Time) {
	p := s.ports[id]
	p.DeviceID, p.DeviceOwner, p.Host = "", "", ""
	p.bump(now)
	s.ports[id] = p
}

// view is a server as its machine is told.
func (v server) view() Server {
	return Server{ID: v.ID, Name: v.Name, Status: v.status(), PublicKey: v.PublicKey, UserData: v.UserData, Ports: slices.Clone(v.Ports)}
}
