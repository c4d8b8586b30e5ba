package failover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/server"
)

const (
	// powerTime bounds how long a server takes to be off or on: Nova gives a
	// guest 60 s to shut down.
	powerTime = 5 * time.Minute
	pollEvery = 200 * time.Millisecond
	// makeTime bounds how long it takes to make a fault: an API's answer, or a
	// script that lets a network manager work.
	makeTime = time.Minute
	// mendTime bounds one try to undo a fault on a server.
	mendTime = 20 * time.Second
	// updateTries bounds how often a port is read and written again because
	// somebody else was faster.
	updateTries = 5
)

// inject makes a fault on the active member. Once begun it is not broken off: what
// may still be on its way cannot be undone.
func (t *Test) inject(ctx context.Context, f Fault, active, next Member) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTime)
	defer cancel()
	switch f.Place {
	case ByAgent:
		g, err := t.Guests.Guest(ctx, next.ServerID)
		if err != nil {
			return err
		}
		return g.Switchover(ctx, t.Group)
	case InGuest:
		if f.Name == Service && t.CheckPort == 0 {
			return &server.NotPossibleError{Why: "the group has no check of a TCP port or URL on the server itself"}
		}
		g, err := t.Guests.Guest(ctx, active.ServerID)
		if err != nil {
			return err
		}
		return g.Provoke(ctx, server.Provocation{
			Group: t.Group, Fault: string(f.Name), Limit: t.UndoAfter,
			VIP: netip.PrefixFrom(t.VIP, t.VIP.BitLen()), NIC: active.NIC, Port: t.CheckPort,
		})
	default:
		u := Undo{f.Name, active.ServerID}
		if f.Name == PortDown {
			u.Object = active.PortID
		}
		// The journal first: who dies after this line is found.
		if err := t.Cloud.AddTag(ctx, openstack.SecurityGroups, t.SecurityGroup, u.Tag()); err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
		return t.strike(ctx, u)
	}
}

// strike makes a fault in the cloud.
func (t *Test) strike(ctx context.Context, u Undo) error {
	switch u.Fault {
	case ServerStop:
		return t.Cloud.StopServer(ctx, u.Object)
	case ServerReboot:
		return t.Cloud.ResetServer(ctx, u.Object)
	case ServerPause:
		return t.Cloud.PauseServer(ctx, u.Object)
	case PortDown:
		return t.setPort(ctx, u.Object, false)
	}
	return fmt.Errorf("%s is not made in the cloud", u.Fault)
}

// undo puts a fault back and takes it out of the journal. It may be done again.
func (t *Test) undo(ctx context.Context, f Fault, active Member) error {
	switch f.Place {
	case ByAgent:
		return nil
	case InGuest:
		return t.mend(ctx, active)
	default:
		u := Undo{f.Name, active.ServerID}
		if f.Name == PortDown {
			u.Object = active.PortID
		}
		return t.Restore(ctx, u)
	}
}

// mend undoes a fault on a server, which may not be reached at the first try: the
// fault may have ended the connection.
func (t *Test) mend(ctx context.Context, m Member) error {
	ctx, cancel := context.WithTimeout(ctx, effectTime)
	defer cancel()
	for {
		limit, cancel := context.WithTimeout(ctx, mendTime)
		g, err := t.Guests.Guest(limit, m.ServerID)
		if err == nil {
			_, err = g.Mend(limit, t.Group)
		}
		cancel()
		if err == nil {
			return nil
		}
		t.Guests.Forget(m.ServerID)
		if sleep(ctx, pollEvery) != nil {
			return err
		}
	}
}

// Restore undoes what the journal says, and then takes the line out of it.
func (t *Test) Restore(ctx context.Context, u Undo) error {
	var err error
	switch u.Fault {
	case PortDown:
		err = t.setPort(ctx, u.Object, true)
	case ServerStop, ServerReboot, ServerPause:
		err = t.run(ctx, u.Object)
	}
	if errors.Is(err, openstack.ErrNotFound) {
		err = nil // deleted since: nothing is left to put back
	}
	if err != nil {
		return err
	}
	return t.Cloud.RemoveTag(ctx, openstack.SecurityGroups, t.SecurityGroup, u.Tag())
}

// run waits until a server has nothing more to do, and makes it run.
func (t *Test) run(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, powerTime)
	defer cancel()
	for {
		s, err := t.Cloud.Server(ctx, id)
		if err != nil {
			return err
		}
		if s.TaskState == "" {
			switch s.Status {
			case "ACTIVE":
				return nil
			case "SHUTOFF":
				err = t.Cloud.StartServer(ctx, id)
			case "PAUSED":
				err = t.Cloud.UnpauseServer(ctx, id)
			case "ERROR":
				return fmt.Errorf("server %s is in ERROR", s.Name)
			}
			// Nova may have begun something since it was asked.
			if err != nil && !errors.Is(err, openstack.ErrInUse) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("server %s is %s (task %q), and does not come back", s.Name, s.Status, s.TaskState)
		case <-time.After(pollEvery):
		}
	}
}

// setPort sets a port's admin state under its revision.
func (t *Test) setPort(ctx context.Context, id string, up bool) error {
	var err error
	for range updateTries {
		var p openstack.Port
		if p, err = t.Cloud.Port(ctx, id); err != nil {
			return err
		}
		if p.AdminUp == up {
			return nil
		}
		if _, err = t.Cloud.UpdatePort(ctx, id, p.Revision, openstack.PortUpdate{AdminUp: &up}); !errors.Is(err, openstack.ErrConflict) {
			return err
		}
	}
	return err
}
