package engine

import (
	"testing"
	"testing/synctest"

	"github.com/havip/havip/agent/api"
)

func TestTheServerIsReadOnceForAllRouters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer()
		r := beginOn(t, server.fakeNIC, server, twoRouters())
		r.pass(down)
		r.wantBoth(server, api.Active)

		for _, tt := range []struct {
			what   string
			change func(n *fakeNIC)
			want   int
		}{
			{"nothing has changed", func(*fakeNIC) {}, 1},
			{"a VIP is put back", func(n *fakeNIC) { n.held = false }, 1},
			{"a link goes, and all VIPs with it", func(n *fakeNIC) { n.usable = false }, 2},
			{"the link is back, and the routers begin anew", func(n *fakeNIC) { n.usable = true }, 2},
		} {
			before := server.looks
			server.fakeNIC.change(tt.change)
			if n := server.looks - before; n != tt.want {
				t.Errorf("%s: looked %d times, want %d", tt.what, n, tt.want)
			}
		}
	})
}
