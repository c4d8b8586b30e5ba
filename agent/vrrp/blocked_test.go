package vrrp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whichever of the ways between two members advertisements do not take, or whichever
// of three members are cut off, while announcements pass: one is active in the end,
// and stays. When the block ends better members may take their turn, and no more.
func TestMembersAgreeWhereAdvertisementsAreBlocked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var trace []string
		w := newWire(func(line string) { trace = append(trace, line) })
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(trace, "\n"))
		}

		preempt := rapid.Bool().Draw(t, "preempt")
		interval := rapid.SampledFrom([]time.Duration{100 * ms, 300 * ms, time.Second}).Draw(t, "interval")
		priorities := rapid.Permutation([]int{250, 249, 128}).Draw(t, "priorities")
		routers := rapid.IntRange(1, 2).Draw(t, "routers")
		members := rapid.IntRange(2, 3).Draw(t, "members")
		for i := range members {
			cfg := Config{Priority: priorities[i], Interval: interval, Preempt: preempt}
			w.add(string(rune('a'+i)), slices.Repeat([]Config{cfg}, routers)...)
		}
		for i, mac := range rapid.Permutation([]int{0, 1, 2}).Draw(t, "macs")[:members] {
			w.nodes[i].mac = mac
		}
		blocked := map[[2]*node]bool{}
		for i, from := range w.nodes {
			for _, to := range w.nodes[:i] {
				out, in := rapid.Bool().Draw(t, "out"), rapid.Bool().Draw(t, "in")
				if members > 2 {
					in = out
				}
				blocked[[2]*node{from, to}], blocked[[2]*node{to, from}] = out, in
				w.log(fmt.Sprintf("%s to %s is blocked: %t, back: %t", from.name, to.name, out, in))
			}
		}
		block := func(from, to *node, what kind, _ int) (time.Duration, bool) {
			return ms, what == announcement || !blocked[[2]*node{from, to}]
		}
		if rapid.Bool().Draw(t, "from the start") {
			w.deliver = block
		}
		for _, n := range w.nodes {
			w.all(n, Start{})
			w.run(time.Duration(rapid.IntRange(0, 2000).Draw(t, "apart")) * ms)
		}
		w.deliver = block
		if rapid.Bool().Draw(t, "sickness") {
			w.all(rapid.SampledFrom(w.nodes).Draw(t, "sick"), Health{OK: false})
		}

		w.run(time.Minute)
		actives := w.actives()
		if len(actives) != 1 {
			fail("%d are active", len(actives))
		}
		winner := actives[0]
		for _, n := range w.nodes {
			if w.holds(n) != (n == winner) {
				fail("%s holds the VIPs: %t, the active is %s", n.name, w.holds(n), winner.name)
			}
		}
		since := winner.m.Since()
		w.run(time.Minute)
		if got := w.actives(); len(got) != 1 || got[0] != winner || !winner.m.Since().Equal(since) {
			fail("%s did not stay active", winner.name)
		}

		moves := len(trace)
		w.log("the wire is whole")
		w.deliver = func(_, _ *node, _ kind, _ int) (time.Duration, bool) { return ms, true }
		w.run(20 * time.Second)
		if got := w.actives(); len(got) != 1 {
			fail("%d are active after the block", len(got))
		}
		flaps := 0
		for _, line := range trace[moves:] {
			if strings.Contains(line, "-> active") {
				flaps++
			}
		}
		if flaps/routers >= members {
			fail("the address moved %d times after the block", flaps)
		}
	})
}
