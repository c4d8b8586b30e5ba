package sim

import (
	"flag"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "the one seed that TestSeed runs")
	seedsFlag = flag.Uint64("seeds", seedsByDefault, "how many seeds TestSeeds runs")
	startFlag = flag.Uint64("start", 1, "the first of them")
)

// Whatever goes wrong, the invariants of doc.go hold.
func TestSeeds(t *testing.T) {
	began := time.Now()
	var mu sync.Mutex
	next, end, total := *startFlag, *startFlag+*seedsFlag, Stats{}
	take := func(last Stats) (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		total.Takeovers += last.Takeovers
		total.Doubles += last.Doubles
		next++
		if n := next - *startFlag; n%100000 == 0 {
			t.Logf("%d seeds in %v", n, time.Since(began).Round(time.Second))
		}
		return next - 1, next <= end && !t.Failed()
	}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed, more := take(Stats{}); more; {
				r := Run(Generate(seed), false)
				if r.Violation != nil {
					tell(t, seed)
				}
				seed, more = take(r.Stats)
			}
		})
	}
	workers.Wait()
	rate := float64(*seedsFlag) / time.Since(began).Seconds()
	t.Logf("%d seeds from %d, %.0f a second; an active lost with several backups: %d times, more than one took over: %d",
		*seedsFlag, *startFlag, rate, total.Takeovers, total.Doubles)
}

func TestSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("runs one seed: -seed=N")
	}
	tell(t, *seedFlag)
}

// tell runs a seed once more for its trace.
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

func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	for seed := range uint64(20) {
		if diff := cmp.Diff(Generate(seed).String(), Generate(seed).String()); diff != "" {
			t.Fatalf("scenario of seed %d (-first +second):\n%s", seed, diff)
		}
		first, second := Run(Generate(seed), true), Run(Generate(seed), true)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("run of seed %d (-first +second):\n%s", seed, diff)
		}
		if untraced := Run(Generate(seed), false); untraced.Stats != first.Stats {
			t.Fatalf("seed %d: %v without a trace, %v with one", seed, untraced.Stats, first.Stats)
		}
	}
}
