package bench

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/test/field"
)

// agent is ours.
type agent struct{ *field.Agent }

func startAgent(_ testing.TB, c contender, nodes [2]*field.Node, s settings) [2]daemon {
	var both [2]daemon
	for i, n := range nodes {
		both[i] = agent{n.Agent(agentConfig(c, i, s))}
	}
	return both
}

func agentConfig(c contender, node int, s settings) config.Config {
	var cfg config.Config
	for _, r := range s.on(node) {
		cfg.Routers = append(cfg.Routers, config.Router{
			VRID: r.vrid, Version: 3, Priority: c.priority[node], Interval: api.Duration(s.interval), Preempt: s.preempt,
			Source: r.source, Peers: []netip.Addr{r.peer}, Addresses: []netip.Prefix{r.vip},
		})
	}
	return cfg
}

func (a agent) process() *field.Process { return a.Process }
func (a agent) restart()                { a.Start() }
func (a agent) backup() bool            { return a.Router().State == api.Backup }

// takeOver is what `havip-agent switchover` does, without the start of a program.
func (a agent) takeOver() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = a.Client().Switchover(ctx) // a refusal shows as an address that does not move
}
