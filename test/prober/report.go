package prober

import (
	"slices"
	"time"
)

// Report is what a Prober has seen. Its times have a monotonic reading.
type Report struct {
	Every  time.Duration // the length of a slot
	Probes []Probe       // one for each slot, in order
	// Realtime tells whether the sender ran with real-time priority.
	Realtime bool
}

// Probe is one slot of the schedule.
type Probe struct {
	At      time.Time // when it left; zero when it did not leave in its slot
	Answers []Answer  // in the order of arrival; more than one: several servers answer
}

// Answer is one echo reply that came in time.
type Answer struct {
	At time.Time // when the kernel received it
	By string    // the Ethernet address that it came from
}

// Silence is a time in which every probe was lost.
type Silence struct {
	From, To time.Time // departures of the first lost probe and of the next answered one
	Lost     int       // how many were lost
	Open     bool      // no answer followed: To is the departure of the last probe
	// Blind is how much longer the silence may have been, or by how much it may
	// be told too long, because of probes next to it that did not leave.
	Blind time.Duration
}

// Length is how long it lasted, with an uncertainty of a slot plus Blind.
func (s Silence) Length() time.Duration { return s.To.Sub(s.From) }

// Sent counts the probes that left.
func (r Report) Sent() int {
	n := 0
	for _, p := range r.Probes {
		if !p.At.IsZero() {
			n++
		}
	}
	return n
}

// Unsent counts the probes that could not leave in their slot.
func (r Report) Unsent() int { return len(r.Probes) - r.Sent() }

// Lost counts the probes that left and were not answered in time.
func (r Report) Lost() int {
	n := 0
	for _, p := range r.Probes {
		if p.lost() {
			n++
		}
	}
	return n
}

// Duplicates counts the probes that were answered more than once.
func (r Report) Duplicates() int {
	n := 0
	for _, p := range r.Probes {
		if len(p.Answers) > 1 {
			n++
		}
	}
	return n
}

// Slowest is the longest that an answer took.
func (r Report) Slowest() time.Duration {
	var slowest time.Duration
	for _, p := range r.Probes {
		for _, a := range p.Answers {
			slowest = max(slowest, a.At.Sub(p.At))
		}
	}
	return slowest
}

func (p Probe) lost() bool { return !p.At.IsZero() && len(p.Answers) == 0 }

// Silences returns the silences in order.
func (r Report) Silences() []Silence {
	var all []Silence
	var current *Silence
	var last time.Time // departure of the last probe that left
	for _, p := range r.Probes {
		if p.At.IsZero() {
			continue
		}
		switch {
		case p.lost() && current == nil:
			current = &Silence{From: p.At, Blind: r.beyondSlot(last, p.At)}
			fallthrough
		case p.lost():
			current.Lost++
		case current != nil:
			current.To = p.At
			current.Blind += r.beyondSlot(last, p.At)
			all, current = append(all, *current), nil
		}
		last = p.At
	}
	if current != nil {
		current.To, current.Open = last, true
		all = append(all, *current)
	}
	return all
}

// beyondSlot is what the time between two departures has beyond a slot.
func (r Report) beyondSlot(a, b time.Time) time.Duration {
	if a.IsZero() {
		return 0
	}
	return max(0, b.Sub(a)-r.Every)
}

// Longest is the longest silence; zero when there was none.
func (r Report) Longest() Silence {
	var longest Silence
	for _, s := range r.Silences() {
		if s.Lost > 0 && (longest.Lost == 0 || s.Length() > longest.Length()) {
			longest = s
		}
	}
	return longest
}

// Span is a time in which one server answered and no other.
type Span struct {
	By       string
	From, To time.Time // arrivals of the first and the last answer
	Answers  int
}

// Timeline says who answered, in the order of arrival.
func (r Report) Timeline() []Span {
	var answers []Answer
	for _, p := range r.Probes {
		answers = append(answers, p.Answers...)
	}
	slices.SortStableFunc(answers, func(a, b Answer) int { return a.At.Compare(b.At) })
	var spans []Span
	for _, a := range answers {
		if n := len(spans); n > 0 && spans[n-1].By == a.By {
			spans[n-1].To = a.At
			spans[n-1].Answers++
			continue
		}
		spans = append(spans, Span{By: a.By, From: a.At, To: a.At, Answers: 1})
	}
	return spans
}

// Pause is the longest time between two moments in which no probe left: this machine stood
// still then.
func (r Report) Pause(from, to time.Time) time.Duration {
	var longest time.Duration
	last := from
	for _, p := range r.Probes {
		if p.At.IsZero() || p.At.Before(from) || p.At.After(to) {
			continue
		}
		longest, last = max(longest, p.At.Sub(last)), p.At
	}
	return max(longest, to.Sub(last))
}

// Since is the report of the probes that left at t or later.
func (r Report) Since(t time.Time) Report {
	first := slices.IndexFunc(r.Probes, func(p Probe) bool { return !p.At.IsZero() && !p.At.Before(t) })
	if first < 0 {
		first = len(r.Probes)
	}
	r.Probes = r.Probes[first:]
	return r
}
