package vrrp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"pgregory.net/rapid"
)

// Whatever loss, delay, pauses, checks, links and switchovers did to two or three
// members: once the wire is whole for a few down intervals exactly one is active,
// it alone has the VIPs, it is healthy when any member is, and it stays.
func TestMembersConvergeOnceTheWireIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var trace []string
		w := newWire(func(line string) { trace = append(trace, line) })
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(trace, "\n"))
		}

		preempt := rapid.Bool().Draw(t, "preempt")
		intervals := []time.Duration{100 * ms, 300 * ms, time.Second}
		routers := rapid.IntRange(1, 2).Draw(t, "routers")
		for i := range rapid.IntRange(2, 3).Draw(t, "members") {
			cfg := Config{
				Priority: rapid.SampledFrom([]int{10, 100, 249, 250, 253}).Draw(t, "priority"),
				Interval: rapid.SampledFrom(intervals).Draw(t, "interval"),
				Preempt:  preempt,
			}
			w.add(string(rune('a'+i)), slices.Repeat([]Config{cfg}, routers)...)
		}
		for _, n := range w.nodes {
			w.all(n, Start{})
		}

		// The chaos draws few values itself, so that rapid can shrink what it did.
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		loss := rapid.Float64Range(0, 1).Draw(t, "loss")
		w.deliver = func(_, _ *node, _ kind, _ int) (time.Duration, bool) {
			return time.Duration(rng.Int64N(int64(200 * ms))), rng.Float64() >= loss
		}
		for range rapid.IntRange(0, 20).Draw(t, "faults") {
			n := rapid.SampledFrom(w.nodes).Draw(t, "node")
			w.fault(n, rapid.SampledFrom(faults).Draw(t, "fault"))
			w.run(time.Duration(rapid.IntRange(0, 2000).Draw(t, "wait")) * ms)
			for _, n := range w.nodes {
				for i := range n.routers {
					s := n.g.Router(i).State()
					if s != n.m.State() {
						fail("the routers of %s are %s and %s", n.name, n.m.State(), s)
					}
					if s != api.Active && w.holds(n) {
						fail("%s is %s and holds the VIPs", n.name, s)
					}
				}
			}
		}

		w.log("the wire is whole")
		w.deliver = func(_, _ *node, _ kind, _ int) (time.Duration, bool) { return ms, true }
		healthy := false
		for _, n := range w.nodes {
			w.fault(n, "resume")
			w.fault(n, "linkup")
			healthy = healthy || n.m.Healthy()
		}
		const few = 5 * 4 * time.Second // the longest down interval is below 4 s
		w.run(few)

		actives := w.actives()
		if len(actives) != 1 {
			fail("%d are active", len(actives))
		}
		winner := actives[0]
		if healthy && !winner.m.Healthy() {
			fail("%s is active and unhealthy, another is healthy", winner.name)
		}
		for _, n := range w.nodes {
			if w.holds(n) != (n == winner) {
				fail("%s holds the VIPs: %t, the active is %s", n.name, w.holds(n), winner.name)
			}
			if preempt && n.m.Healthy() && n.m.Priority() > winner.m.Priority() {
				fail("%s is active, %s should have preempted it", winner.name, n.name)
			}
		}
		since := winner.m.Since()
		w.run(few)
		if got := w.actives(); len(got) != 1 || got[0] != winner || !winner.m.Since().Equal(since) {
			fail("%s did not stay active", winner.name)
		}
	})
}

var faults = []string{"pause", "resume", "linkdown", "linkup", "sick", "well", "takeover", "restart"}

func (w *wire) fault(n *node, fault string) {
	w.log(n.name + " " + fault)
	switch fault {
	case "pause":
		n.paused = true
	case "resume":
		n.paused = false
		w.wake(n)
	case "restart":
		// Killed and started again: the kernel tells whether the lease still runs.
		var cfgs []Config
		for i := range n.routers {
			cfgs = append(cfgs, n.g.Router(i).Config())
		}
		n.boot(cfgs, 1)
		n.paused = false
		w.all(n, Start{Resume: w.holds(n)})
	case "linkdown", "linkup":
		if !n.paused {
			w.tell(n, len(n.routers)-1, Link{Up: fault == "linkup", Why: "no carrier"})
		}
	default:
		if ev, ok := event(fault); ok && !n.paused {
			w.all(n, ev)
		}
	}
}
