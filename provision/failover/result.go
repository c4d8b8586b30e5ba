package failover

import "time"

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
	// or inside where outside was not asked. Zero where the VIP stayed.
	Layers []Share
	// Slowest is the layer with the greatest share.
	Slowest Layer

	TwoOwners time.Duration
	// NoOwner is the longest time in which no server that told held the VIP.
	NoOwner time.Duration
	// Failback is the longest silence after the fault was undone.
	Failback   time.Duration
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
}

// Silence is the longest on any way.
func (r Round) Silence() time.Duration {
	var longest time.Duration
	for _, p := range r.Paths {
		if !p.Control {
			longest = max(longest, p.Silence)
		}
	}
	return longest
}
