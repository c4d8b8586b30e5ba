package mishap

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vrrp"
	"github.com/havip/havip/test/field"
)

// dual gives a member a second router: the same in IPv6.
func dual(c *config.Config) {
	six := func(a netip.Addr) netip.Addr {
		return netip.MustParseAddr(fmt.Sprintf("fd00:99::%d", a.As4()[3]))
	}
	r := c.Routers[0]
	r.Source = six(r.Source)
	r.Addresses = []netip.Prefix{netip.MustParsePrefix("fd00:99::100/128")}
	r.Peers = slices.Clone(r.Peers)
	for i, p := range r.Peers {
		r.Peers[i] = six(p)
	}
	c.Routers = append(c.Routers, r)
}

// A server has the addresses of both families or none. Under one VRID events tell the
// two apart.
func TestBothFamiliesMoveTogether(t *testing.T) {
	t.Parallel()
	g := newGroup(t, field.IPv4, 2, dual)
	first, second := g.members[0], g.members[1]
	vip6 := first.Config().Routers[1].Addresses[0].Addr()

	// The IPv6 address of the server goes: in IPv4 nothing is wrong.
	own := netip.PrefixFrom(first.node.Addr(field.IPv6), 64)
	first.node.Remove(own)
	second.Becomes(api.Active)
	if owner := g.active(first); owner != second {
		t.Errorf("%s has the IPv4 address", owner.node.Name)
	}
	if owner := g.field.Owner(vip6); owner != second.node {
		t.Errorf("%s has the IPv6 address", owner.Name)
	}
	last := map[api.Family]api.Event{}
	for _, ev := range first.Events() {
		if ev.Kind == "transition" && ev.From == api.Active {
			last[ev.Family] = ev
		}
	}
	if why := last[api.IPv4]; why.VRID != 51 || !strings.HasPrefix(why.Detail, "router 51/ipv6: ") {
		t.Errorf("in IPv4 the member left because of %+v, want the other router named", why)
	}
	if why := last[api.IPv6]; why.VRID != 51 || why.Reason == string(vrrp.Together) {
		t.Errorf("in IPv6 the member left because of %+v", why)
	}

	first.node.Add(own)
	first.Switchover()
	if owner := g.field.Owner(vip6); owner != first.node || g.active() != first {
		t.Errorf("%s has the IPv6 address after the switchover, want both with %s", owner.Name, first.node.Name)
	}
}
