package track

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/havip/havip/agent/config"
)

// Prober makes the probes of a server's health checks.
type Prober struct {
	routers atomic.Pointer[[]config.Router]
	bus     bus
}

// NewProber makes a Prober for a server with these routers: a gateway is asked
// from their addresses and never for theirs.
func NewProber(routers []config.Router) *Prober {
	p := new(Prober)
	p.routers.Store(&routers)
	return p
}

// SetRouters has each probe, from its next time on, ask for these routers, which
// nobody writes to any more. It returns those before.
func (p *Prober) SetRouters(routers []config.Router) (before []config.Router) {
	return *p.routers.Swap(&routers)
}

func (p *Prober) current() []config.Router { return *p.routers.Load() }

const unendedLook = "the look before has not ended"

// Probe returns the probe that a check's configuration asks for. The
// configuration has been validated: exactly one kind is set.
func (p *Prober) Probe(c config.Check) Probe {
	switch {
	case c.TCP != "":
		return probeTCP(c.TCP)
	case c.HTTP != "":
		return probeHTTP(c.HTTP, c.Status, c.Insecure)
	case c.Process != "":
		return apart(0, unendedLook, probeProcess(c.Process))
	case c.File != "":
		return apart(0, unendedLook, probeFile(c.File, time.Duration(c.MaxAge)))
	case c.Unit != "":
		return p.bus.probeUnit(c.Unit)
	case c.Gateway != "":
		return probeGateway(c.Gateway, p.current)
	case len(c.Exec) > 0:
		return probeExec(c.Exec)
	}
	return func(context.Context) error {
		return fmt.Errorf("check %q has no kind that this agent knows", c.Name)
	}
}

// Close ends what the probes share. None may be used after it.
func (p *Prober) Close() error { return p.bus.close() }
