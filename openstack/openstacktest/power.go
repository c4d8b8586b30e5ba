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

// powerAction is one thing to do with a server's machine.
type powerAction struct {
	task string // task_state while it lasts
	to   string // vm_state afterwards; "": the server is gone
	do   func(context.Context, Machines, Server) error
}

// The actions.
var (
	powerOn     = powerAction{"spawning", "active", func(ctx context.Context, m Machines, v Server) error { return m.Start(ctx, v) }}
	powerStart  = powerAction{"powering-on", "active", powerOn.do}
	powerStop   = powerAction{"powering-off", "stopped", func(ctx context.Context, m Machines, v Server) error { return m.Stop(ctx, v.ID, true) }}
	powerPause  = powerAction{"pausing", "paused", func(ctx context.Context, m Machines, v Server) error { return m.Pause(ctx, v.ID) }}
	powerResume = powerAction{"unpausing", "active", func(ctx context.Context, m Machines, v Server) error { return m.Resume(ctx, v.ID) }}
	powerDelete = powerAction{"deleting", "", func(ctx context.Context, m Machines, v Server) error { return m.Delete(ctx, v.ID) }}
	powerReboot = powerAction{"rebooting", "active", func(ctx context.Context, m Machines, v Server) error { return restart(ctx, m, v, true) }}
	powerReset  = powerAction{"rebooting_hard", "active", func(ctx context.Context, m Machines, v Server) error { return restart(ctx, m, v, false) }}
)

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
	v.TaskState = a.task
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
	case a.to == "":
		s.unplug(v, now)
		return
	default:
		v.VMState = a.to
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
