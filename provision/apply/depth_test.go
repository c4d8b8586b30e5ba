package apply

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/provision/plan"
)

// span is when a request went on.
type span struct{ start, end time.Time }

// depth is the length of the longest chain of requests of which each began
// after the one before had ended: no fewer round trips than that in a row.
func depth(all []span) int {
	slices.SortFunc(all, func(a, b span) int { return a.end.Compare(b.end) })
	n, last := 0, time.Time{}
	for _, s := range all {
		if s.start.After(last) || s.start.Equal(last) {
			n, last = n+1, s.end
		}
	}
	return n
}

// However long each request takes, the branches of a creation wait for each
// other: group, rules, port, then the members' ports with the floating IP, tags.
func TestTheLongestChainOfACreationDoesNotDependOnLatency(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			latency := rand.New(rand.NewPCG(seed, 0))
			var mu sync.Mutex
			var all []span
			c, s := members(), &fakeServers{}
			c.before = func(string) {
				mu.Lock()
				d := time.Duration(1+latency.IntN(400)) * time.Millisecond
				mu.Unlock()
				start := time.Now()
				time.Sleep(d)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, span{start, time.Now()})
			}
			p := creation(c)
			attach := &p.Actions[len(p.Actions)-1]
			op := attach.Op.(plan.AttachFloatingIP)
			op.From, c.fips["f1"].PortID = "", ""
			attach.Op, attach.Needs = op, []string{"vip"}
			if _, err := runner(c, s).Run(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if got := depth(all); got != 5 || len(s.calls) != 2 {
				t.Errorf("seed %d: %d requests one after the other, want 5; %v", seed, got, s.calls)
			}
		})
	}
}
