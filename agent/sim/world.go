package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// world is a run of a scenario: true time, what will happen, and who is there.
type world struct {
	scenario Scenario
	rng      *rand.Rand
	now      time.Duration // true time
	queue    queue
	members  []*member
	wire     *wire
	watch    *watch
	stats    Stats
	trace    *strings.Builder // nil: nobody wants to read it
}

// maxAtOnce bounds what may happen at one time, far above what does.
const maxAtOnce = 10000

// Stats is what a run counted.
type Stats struct {
	Takeovers int // drills in which the active was lost and several healthy backups were there
	Doubles   int // of these, in how many more than one took over
}

// Result is how a run went.
type Result struct {
	Violation *Violation // nil: every invariant held
	Stats     Stats
	Trace     string // empty unless asked for
}

// Violation is the first invariant that did not hold.
type Violation struct {
	Invariant Invariant
	At        time.Duration
	Detail    string
}

func (v *Violation) String() string {
	return fmt.Sprintf("%s violated at %.4fs: %s", v.Invariant, v.At.Seconds(), v.Detail)
}

// Run plays a scenario until its end or until an invariant is violated. The same
// scenario gives the same result.
func Run(s Scenario, trace bool) Result {
	w := &world{scenario: s, rng: rand.New(rand.NewPCG(s.Seed, 1))}
	if trace {
		w.trace = &strings.Builder{}
	}
	w.wire = newWire(w)
	w.watch = newWatch(w)
	for i, spec := range s.Members {
		w.members = append(w.members, newMember(w, i, spec))
	}
	for _, m := range w.members {
		w.at(m.spec.Start, m.start)
	}
	for _, f := range s.Faults {
		w.at(f.At, func() { w.begin(f) })
		if f.For > 0 {
			w.at(min(f.At+f.For, s.Storm), func() { w.end(f) })
		}
	}
	w.run(s.Storm)
	w.drill()
	r := Result{Violation: w.watch.violation, Stats: w.stats}
	if trace {
		r.Trace = w.trace.String()
	}
	return r
}

// at has something happen at a true time.
func (w *world) at(at time.Duration, do func()) { w.queue.push(max(at, w.now), do) }

// run lets time pass until end, or until an invariant is violated.
func (w *world) run(end time.Duration) {
	atOnce := 0 // steps that took no time
	for w.watch.violation == nil {
		at, ok := w.queue.next()
		if !ok || at > end {
			w.now = max(w.now, end)
			w.watch.waited()
			return
		}
		if atOnce++; at > w.now {
			atOnce = 0
		}
		if atOnce > maxAtOnce {
			w.watch.fail(Idle, "the members keep each other busy for ever")
			return
		}
		w.now = at
		w.watch.waited()
		w.queue.pop()()
		w.watch.look()
	}
}

// chance tells whether something of that many percent happens.
func (w *world) chance(percent int) bool { return percent > 0 && w.rng.IntN(100) < percent }

// upTo is a duration below d, or 0.
func (w *world) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(w.rng.Int64N(int64(d)))
}

// lateness of a wake-up: small as a rule, now and then as long as it can be.
func (w *world) lateness() time.Duration {
	if w.rng.IntN(8) == 0 {
		return w.upTo(w.scenario.Late)
	}
	return w.upTo(w.scenario.Late / 10)
}

// logf adds a line to the trace.
func (w *world) logf(format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%10.4fs  %s\n", w.now.Seconds(), fmt.Sprintf(format, args...))
	}
}
