package sim

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/vrrp"
)

// maxRouters bounds the routers of a member: one for each address family.
const maxRouters = 2

// brain is the protocol of one agent.
type brain struct {
	group   *vrrp.Group
	routers int
}

func newBrain(cfg vrrp.Config, routers int, seed uint64) *brain {
	var cfgs []vrrp.Config
	for r := range routers {
		cfgs = append(cfgs, ofRouter(cfg, r))
	}
	return &brain{vrrp.NewGroup(cfgs, seed), routers}
}

// ofRouter is the configuration of one of a member's routers, IPv4 and IPv6.
func ofRouter(cfg vrrp.Config, router int) vrrp.Config {
	cfg.VRID += router
	if router > 0 {
		cfg.Source = source6(cfg.Source)
	}
	return cfg
}

// source6 is the IPv6 address of the member with this IPv4 address.
func source6(a netip.Addr) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfd, 15: a.As4()[3]})
}

// forAll tells whether an event is one of all routers together.
func forAll(ev vrrp.Event) bool {
	switch ev.(type) {
	case vrrp.Start, vrrp.Tick, vrrp.Health, vrrp.TakeOver, vrrp.Shutdown:
		return true
	}
	return false
}

func (b *brain) handle(now time.Time, router int, ev vrrp.Event) []vrrp.Act {
	if forAll(ev) {
		return b.group.HandleAll(now, ev)
	}
	return b.group.Handle(now, router, ev)
}

func (b *brain) deadline() time.Time { return b.group.Deadline() }

func (b *brain) state(router int) api.State { return b.group.Router(router).State() }

// all tells whether every router is in a state.
func (b *brain) all(s api.State) bool {
	for r := range b.routers {
		if b.state(r) != s {
			return false
		}
	}
	return true
}
