package failover

import (
	"cmp"
	"time"
)

// Verdict is what a round or a test comes to.
type Verdict string

// The verdicts, the best first.
const (
	Passed Verdict = "passed"
	// Inconclusive: the limits were exceeded, and what is not failed over was as
	// silent on the same way: the line was bad, not the group. Of a test: it was
	// broken off as well.
	Inconclusive Verdict = "inconclusive"
	Failed       Verdict = "failed"
	// NotPossible: the place does not allow the fault; Why says why.
	NotPossible Verdict = "not possible"
)

// Layer is what a failover passes through, in this order.
type Layer string

// The layers.
const (
	Detection  Layer = "detection"       // until a backup knows
	Takeover   Layer = "takeover"        // until it holds the VIP and has announced it
	Neighbours Layer = "neighbour cache" // until the subnet sends there
	NAT        Layer = "floating IP"     // until the world does
)

// Round is one round as it is reported.
type Round struct {
	Number  int
	Fault   Fault
	Verdict Verdict
	Why     []string // every limit that was exceeded, or what was not as expected

	Before, After string
	Moved         bool
	Answers       string // who answered outside in the end
	Session       Session
	Paths         []PathResult

	// The layers' shares of the time from the fault to the first answer outside,
	// or inside where outside was not asked. None where the VIP stayed or nobody
	// took it over; one that is not known is not among them.
	Layers []Share
	// Slowest is the layer with the greatest share.
	Slowest Layer

	TwoOwners time.Duration
	// NoOwner is the longest time in which no server that told held the VIP.
	NoOwner    time.Duration
	ClockError time.Duration // the largest of the members'
	Trouble    []string

	Record Record // what it was made from
}

// Share is the time that a layer took.
type Share struct {
	Layer Layer
	Took  time.Duration
}

// PathResult is what a way showed.
type PathResult struct {
	Name, From, To string
	Control        bool
	Asked          int
	Lost           int
	Skipped        int
	Silence        time.Duration // the longest
	Since, Until   time.Duration // when it was
	// Failover is the longest silence that began before the fault was undone, and
	// Failback the longest that began then.
	Failover, Failback time.Duration
	// Open is the silence that was not over when the round ended.
	Open time.Duration
}

// Stayed tells whether the active member still was when the fault had had its effect.
func (r Round) Stayed() bool { return r.Before != "" && r.After == r.Before }

// Then is who was active when the fault had had its effect, for people; nothing where none
// was made.
func (r Round) Then() string {
	if r.Before == "" {
		return ""
	}
	return cmp.Or(r.After, "nobody")
}

// Silence is the longest on any way.
func (r Round) Silence() time.Duration {
	return r.longest(func(p PathResult) time.Duration { return p.Silence })
}

// Failover is the longest silence that began before the fault was undone.
func (r Round) Failover() time.Duration {
	return r.longest(func(p PathResult) time.Duration { return p.Failover })
}

// Failback is the longest silence that began when the fault was undone.
func (r Round) Failback() time.Duration {
	return r.longest(func(p PathResult) time.Duration { return p.Failback })
}

// Open is the longest silence that was not over when the round ended.
func (r Round) Open() time.Duration {
	return r.longest(func(p PathResult) time.Duration { return p.Open })
}

func (r Round) longest(of func(PathResult) time.Duration) time.Duration {
	var longest time.Duration
	for _, p := range r.Paths {
		if !p.Control {
			longest = max(longest, of(p))
		}
	}
	return longest
}

// Silences are those of all ways, in words.
func (r Round) Silences(word func(time.Duration) string) string {
	return PathResult{Failover: r.Failover(), Failback: r.Failback(), Open: r.Open()}.Silences(r.Fault, word)
}

// noise is how much longer a silence may be than another one without being worth a
// word: a busy machine makes as much.
const noise = 100 * time.Millisecond

// Silences is, in words, the longest silence of the failover, and that of the failback
// where it was longer.
func (p PathResult) Silences(f Fault, word func(time.Duration) string) string {
	text := word(p.Failover)
	if p.Failback > p.Failover+noise {
		text += ", " + word(p.Failback) + " " + f.later()
	}
	if p.Open > 0 {
		text += ", and still silent at the end"
	}
	return text
}
