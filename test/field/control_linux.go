package field

import (
	"context"
	"fmt"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/control"
)

// Control asks an agent over its socket.
type Control struct {
	n      *Node
	socket string
}

// Client asks the agent.
func (a Control) Client() *control.Client { return control.NewClient(a.socket) }

// Status is what the agent says of itself; one that does not answer says
// nothing.
func (a Control) Status() api.Status {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	status, err := a.Client().Status(ctx)
	if err != nil {
		return api.Status{}
	}
	return status
}

// Router is the agent's first router; a zero value is no answer.
func (a Control) Router() api.Router {
	if all := a.Status().Routers; len(all) > 0 {
		return all[0]
	}
	return api.Router{}
}

// Transitions counts the changes of state of all routers since the start.
func (a Control) Transitions() (count uint64) {
	for _, r := range a.Status().Routers {
		for _, n := range r.Transitions {
			count += n
		}
	}
	return count
}

// Becomes waits until all routers of the agent are in a state.
func (a Control) Becomes(s api.State) {
	a.n.f.t.Helper()
	var last api.Status
	EventuallyOr(a.n.f.t, func() bool {
		last = a.Status()
		for _, r := range last.Routers {
			if r.State != s {
				return false
			}
		}
		return len(last.Routers) > 0
	}, func() string { return fmt.Sprintf("the agent of %s becomes %s: %+v", a.n.Name, s, last.Routers) })
}

// Switchover makes this agent the active one.
func (a Control) Switchover() {
	a.n.f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(a.n.f.t, a.Client().Switchover(ctx))
	a.Becomes(api.Active)
}

// Events are those that the agent keeps.
func (a Control) Events() []api.Event {
	a.n.f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all []api.Event
	must(a.n.f.t, a.Client().Events(ctx, false, func(e api.Event) error {
		all = append(all, e)
		return nil
	}))
	return all
}
