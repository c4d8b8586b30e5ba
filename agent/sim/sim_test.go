package sim

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "the one seed that TestSeed runs")
	seedsFlag = flag.Uint64("seeds", 2000, "how many seeds TestSeeds runs")
	startFlag = flag.Uint64("start", 1, "the first of them")
)

// Whatever goes wrong, the invariants of doc.go hold.
func TestSeeds(t *testing.T) {
	var next atomic.Uint64
	next.Store(*startFlag)
	end := *startFlag + *seedsFlag
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed := next.Add(1) - 1; seed < end && !t.Failed(); seed = next.Add(1) - 1 {
				if Run(Generate(seed), false).Violation != nil {
					tell(t, seed)
				}
			}
		})
	}
	all.Wait()
}

func TestSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("runs one seed: -seed=N")
	}
	tell(t, *seedFlag)
}

func tell(t *testing.T, seed uint64) {
	t.Helper()
	s := Generate(seed)
	r := Run(s, true)
	if r.Violation == nil {
		t.Logf("seed %d\n%s\n%s", seed, s, r.Trace)
		return
	}
	t.Errorf("seed %d: %s\n%s\n%s", seed, r.Violation, s, r.Trace)
}
