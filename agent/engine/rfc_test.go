package engine

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/transport"
)

// RFC 9568 section 7.1, of what a receiver should log: the advertisement counts all
// the same, and the order of the addresses does not matter (section 5.2.9).
func TestAnAdvertisementThatDiffersFromOursIsNamedAndCounts(t *testing.T) {
	other := netip.MustParsePrefix("10.99.0.101/32")
	for name, tt := range map[string]struct {
		change func(*transport.Advert)
		want   bool
	}{
		"the same":               {func(*transport.Advert) {}, false},
		"the same, turned round": {func(a *transport.Advert) { a.Addresses[0], a.Addresses[1] = a.Addresses[1], a.Addresses[0] }, false},
		"an address less":        {func(a *transport.Advert) { a.Addresses = a.Addresses[:1] }, true},
		"an address more":        {func(a *transport.Advert) { a.Addresses = append(a.Addresses, own) }, true},
		"another address":        {func(a *transport.Advert) { a.Addresses[1] = own }, true},
		"another interval":       {func(a *transport.Advert) { a.Interval = 2 * interval }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig()
				cfg.Routers[0].Addresses = []netip.Prefix{vip4, other}
				r := begin(t, newFakeNIC(), cfg)
				advert := r.nic.wire.advert(250)
				advert.Addresses = []netip.Addr{vip4.Addr(), other.Addr()}
				tt.change(&advert)
				time.Sleep(down / 2)
				advert.At = time.Now()
				r.nic.wire.deliver(advert)
				synctest.Wait()
				if p, got := r.problem(api.ProblemMismatch); got != tt.want {
					t.Errorf("a mismatch: %t (%s), want %t", got, p.Detail, tt.want)
				}
				if got := r.router().Peers[0]; got.Priority != 250 || !got.LastAdvert.Equal(advert.At.Round(0)) {
					t.Errorf("it did not count: %+v", got)
				}
				time.Sleep(down * 2 / 3) // the wait that began at the start is over
				r.want(api.Backup)
			})
		})
	}
}
