package bench

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// Result is a run, as it is written as JSON. Durations are in nanoseconds.
type Result struct {
	Machine  Machine       `json:"machine"`
	Begun    time.Time     `json:"begun"`
	Took     time.Duration `json:"took_ns"`
	Each     int           `json:"rounds_each"`
	Rounds   []Round       `json:"rounds"`
	Costs    []Usage       `json:"costs"`
	LoadFrom string        `json:"load_from"` // /proc/loadavg at the beginning and the end
	LoadTo   string        `json:"load_to"`
	Stolen   float64       `json:"stolen"` // share of the processors' time that the hypervisor gave to others

	from ticks
	mu   sync.Mutex
}

// Round is what one fault did.
type Round struct {
	Contender string        `json:"contender"`
	Fault     string        `json:"fault"`
	Interval  time.Duration `json:"interval_ns"`
	// Probes left after the fault; Unsent could not, Lost were not answered.
	Probes int `json:"probes"`
	Unsent int `json:"unsent"`
	Lost   int `json:"lost"`
	// Silence is the longest; Blind is how wrong it may be for probes that
	// could not be sent.
	Silence time.Duration `json:"silence_ns"`
	Blind   time.Duration `json:"blind_ns"`
	// Pause is the longest time before the address had moved in which no probe left.
	Pause time.Duration `json:"pause_ns"`
	Tries int           `json:"tries"` // how often the round was made
	// SinceAdvert is from the old owner's last advertisement to the new owner's
	// first answer.
	SinceAdvert time.Duration `json:"since_advert_ns"`
	// TwoOwners is for how long both nodes had the address, of Watched.
	TwoOwners time.Duration `json:"two_owners_ns"`
	StillTwo  bool          `json:"still_two"`
	Watched   time.Duration `json:"watched_ns"`
}

// Usage is what one daemon costs.
type Usage struct {
	Contender string        `json:"contender"`
	Interval  time.Duration `json:"interval_ns"`
	Routers   int           `json:"routers"`
	Active    bool          `json:"active"`
	CPU       float64       `json:"cpu_percent"` // of one processor
	PSS       int           `json:"pss_kib"`
	Threads   int           `json:"threads"`
}

func newResult(plan Plan) *Result {
	return &Result{Machine: thisMachine(), Begun: time.Now(), Each: plan.Rounds, LoadFrom: load(), from: processors()}
}

func (r *Result) finish() {
	r.Took, r.LoadTo, r.Stolen = time.Since(r.Begun), load(), processors().since(r.from)
}

func (r *Result) addRound(t testing.TB, round Round) {
	t.Logf("%s: silent %v, two owners %v", round.Fault, round.Silence.Round(time.Millisecond/10), round.TwoOwners.Round(time.Millisecond))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Rounds = append(r.Rounds, round)
}

func (r *Result) addUsage(t testing.TB, both []Usage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range both {
		t.Logf("%+v", u)
	}
	r.Costs = append(r.Costs, both...)
}

// of are the rounds of one cell of a table.
func (r *Result) of(contender, fault string, interval time.Duration) []Round {
	return slices.DeleteFunc(slices.Clone(r.Rounds), func(x Round) bool {
		return x.Contender != contender || x.Fault != fault || x.Interval != interval
	})
}

// cost is that of one daemon; a zero one when it was not measured.
func (r *Result) cost(contender string, c Cost, active bool) Usage {
	for _, u := range r.Costs {
		if u.Contender == contender && u.Interval == c.Interval && u.Routers == c.Routers && u.Active == active {
			return u
		}
	}
	return Usage{}
}

func (c Cost) String() string { return fmt.Sprintf("%d routers at %v", c.Routers, c.Interval) }

// spread is the least, the middle and the greatest of some values.
type spread struct{ min, median, max time.Duration }

func spreadOf(rounds []Round, value func(Round) time.Duration) spread {
	if len(rounds) == 0 {
		return spread{}
	}
	values := make([]time.Duration, len(rounds))
	for i, r := range rounds {
		values[i] = value(r)
	}
	slices.Sort(values)
	n := len(values)
	return spread{values[0], (values[(n-1)/2] + values[n/2]) / 2, values[n-1]}
}
