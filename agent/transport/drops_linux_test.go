package transport_test

import (
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/agent/vrrp"
)

func TestWhatIsNotAValidAdvertOfAPeerIsDroppedAndCounted(t *testing.T) {
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		nsB.Do(t, func() { netnstest.LittleRoomForFilters(t) })
		few := []netip.Addr{w.a}
		many := slices.Clone(few) // more than a filter has room for
		for i := range 250 {
			b := w.a.AsSlice()
			b[len(b)-2], b[len(b)-1] = 100, byte(i)
			other, _ := netip.AddrFromSlice(b)
			many = append(many, other)
		}
		good := w.forged(t, func([]byte) {})
		badChecksum := w.forged(t, func([]byte) {})
		badChecksum[2]++
		elsewhere := w.b // where a router in multicast takes none, and one in unicast does
		if !w.multicast {
			elsewhere = netip.MustParseAddr("10.99.0.3")
			if w.b.Is6() {
				elsewhere = netip.MustParseAddr("fd00:99::3")
			}
			nsB.Do(t, func() {
				netnstest.AddAddress(t, netnstest.Device, netip.PrefixFrom(elsewhere, elsewhere.BitLen()).String())
			})
		}
		tests := map[string]struct {
			from    netip.Addr
			to      netip.Addr
			ttl     byte
			payload []byte
			want    vrrp.DropReason
		}{
			"a sender that is no peer":     {from: w.stranger, payload: good, want: vrrp.DropPeer},
			"garbage of no peer":           {from: w.stranger, payload: make([]byte, 100), want: vrrp.DropPeer},
			"not addressed to us":          {to: elsewhere, payload: good, want: vrrp.DropDestination},
			"a TTL of 3":                   {ttl: 3, payload: good, want: vrrp.DropTTL},
			"a wrong checksum":             {payload: badChecksum, want: vrrp.DropChecksum},
			"another virtual router":       {payload: w.forged(t, func(b []byte) { b[1]++ }), want: vrrp.DropVRID},
			"an interval of zero":          {payload: w.forged(t, func(b []byte) { b[4], b[5] = 0, 0 }), want: vrrp.DropZero},
			"an address list cut short":    {payload: good[:len(good)-4], want: vrrp.DropTruncated},
			"a header cut short":           {payload: good[:7], want: vrrp.DropTruncated},
			"nothing behind the IP header": {want: vrrp.DropTruncated},
			"version 2":                    {payload: w.forged(t, func(b []byte) { b[0] = 0x21 }), want: vrrp.DropVersion},
			"a version that is not known":  {payload: w.forged(t, func(b []byte) { b[0] = 0x41 }), want: vrrp.DropVersion},
			"no address":                   {payload: w.forged(t, func(b []byte) { b[3] = 0 }), want: vrrp.DropCount},
			"a type that is no advert":     {payload: w.forged(t, func(b []byte) { b[0] = 0x32 }), want: vrrp.DropType},
			"a right one, to be accepted":  {payload: good, want: vrrp.Accepted},
		}
		if w.multicast && w.a.Is6() {
			tests["a global address first"] = struct {
				from    netip.Addr
				to      netip.Addr
				ttl     byte
				payload []byte
				want    vrrp.DropReason
			}{payload: w.forged(t, func(b []byte) { b[8] = 0xfd }), want: vrrp.DropLinkLocal}
		}
		test := func(t *testing.T, peers []netip.Addr) {
			for name, tt := range tests {
				t.Run(name, func(t *testing.T) {
					a, b := open(t, nsA, w.config(w.a, w.b)), open(t, nsB, w.config(w.b, peers...))
					from, to, ttl := w.a, w.destination(), byte(255)
					if tt.from.IsValid() {
						from = tt.from
					}
					if tt.to.IsValid() {
						to = tt.to
					}
					if tt.ttl != 0 {
						ttl = tt.ttl
					}
					newForger(t, nsA, to).send(from, ttl, tt.payload)
					// What comes after on the same cable shows that it was dropped.
					send(t, a, 1)
					priority, want := 1, map[string]uint64{string(tt.want): 1}
					if tt.want == vrrp.Accepted {
						priority, want = 250, map[string]uint64{}
					}
					if got := receive(t, b); got.Priority != priority {
						t.Errorf("got %+v, want the advert with priority %d", got, priority)
					}
					// It may come later: the kernel asks for its neighbour first.
					var diff string
					netnstest.EventuallyOr(t, func() bool {
						diff = cmp.Diff(want, b.Drops())
						return diff == ""
					}, func() string { return "drops (-want +got):\n" + diff })
				})
			}
		}
		t.Run("of one peer", func(t *testing.T) { test(t, few) })
		t.Run("of many peers", func(t *testing.T) { test(t, many) })
	})
}

func TestAFloodNeitherGrowsMemoryNorHidesTheAdverts(t *testing.T) {
	const flood = 20000
	each(t, func(t *testing.T, w way, nsA, nsB *netnstest.Namespace) {
		a, b := open(t, nsA, w.config(w.a, w.b)), open(t, nsB, w.config(w.b, w.a))
		forge := newForger(t, nsA, w.destination())
		garbage := make([]byte, 1400)
		badChecksum := append(w.forged(t, func([]byte) {}), garbage...)
		badChecksum[2]++
		otherRouter := w.forged(t, func(b []byte) { b[1]++ })
		floods := map[string]struct {
			from    netip.Addr
			payload []byte
			reasons []string // those that it may count by
		}{
			"of a stranger":                        {w.stranger, garbage, []string{"peer"}},
			"of a stranger, well made":             {w.stranger, badChecksum, []string{"peer"}},
			"of other routers":                     {w.stranger, otherRouter, []string{"vrid"}},
			"with a peer's address":                {w.a, garbage, []string{"version", "malformed"}},
			"with a peer's address, well made":     {w.a, badChecksum, []string{"checksum", "overflow"}},
			"with a peer's address, other routers": {w.a, otherRouter, []string{"vrid"}},
		}
		send(t, a, 1) // the neighbour is known then: until it is, the kernel queues only a few
		receive(t, b)

		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for name, tt := range floods {
			old := b.Drops()
			for range flood {
				forge.send(tt.from, 255, tt.payload)
			}
			// All have come when none is added any more: the cable keeps the order.
			var drops map[string]uint64
			netnstest.EventuallyOr(t, func() bool {
				drops = b.Drops()
				return sum(drops)-sum(old) >= flood
			}, func() string { return "the count of the flood " + name })
			var counted uint64
			for _, reason := range tt.reasons {
				counted += drops[reason] - old[reason]
			}
			// What comes while a buffer is full counts with what fills it.
			if counted < flood || counted > flood+1 {
				t.Errorf("%s: got %v after %v, want %d more by %v", name, drops, old, flood, tt.reasons)
			}
			send(t, a, 250)
			receive(t, b)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if after.HeapAlloc > before.HeapAlloc+1<<20 {
			t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, after.HeapAlloc)
		}
	})
}
