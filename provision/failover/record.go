package failover

import (
	"time"

	"github.com/havip/havip/agent/api"
)

// Record is all that was seen in one round. Its times are since the start of
// the test, on the clock of the machine that tests; those of servers are moved
// there by the offset that was measured.
type Record struct {
	Fault  Fault
	Number int // of the round, from 1

	Before string // the active member's name when the round began
	After  string // when the fault had had its effect; "" where there was none

	Began    time.Duration
	Injected time.Duration // when the fault was ordered
	Settled  time.Duration // when one was active again, as the agents said
	Undoing  time.Duration // when putting back what the fault did began
	Undone   time.Duration // when everything was put back
	Ended    time.Duration

	// Answers is who answered outside when the fault had had its effect: a
	// member's name; "" when that is not known. Says is then what it said of itself,
	// and Silent why nobody said anything.
	Answers, Says, Silent string
	Asked                 Span // when it was asked
	Session               Session
	Paths                 []Path
	Members               []Witnessed
	Trouble               []string // what could not be seen
	Unwell                string   // how the group was when it was not well again in the end
}

// Session is what became of one long TCP connection to the VIP.
type Session string

// What became of it. That it breaks when the VIP moves is in the nature of TCP.
const (
	NoSession Session = ""
	Kept      Session = "kept"
	Broken    Session = "broken"
)

// Path is one way on which an address was asked.
type Path struct {
	Name    string // outside, inside
	From    string // where it was asked, for people
	To      string // target and address
	Control bool   // asks what is not failed over, on the way of the same name
	LeftOut bool   // it did not answer before the fault either
	Every   time.Duration
	Beats   []api.Beat
}

// Witnessed is what a member's server told.
type Witnessed struct {
	Name       string
	Was        api.State     // when the round began
	Told       bool          // its witness was heard at all
	ClockError time.Duration // half of the quickest round trip: the offset is off by no more
	Events     []Stamped
	Held       []Span // when the VIP was on the server
	// Found are the times at whose end the server was found to hold it, after it had not
	// been watched: it got it within.
	Found []Span
	// Blind are the spans in which the server told nothing.
	Blind []Span
}

// Stamped is an event with its time.
type Stamped struct {
	At    time.Duration
	Event api.Event
}

// Span is a time from From to To.
type Span struct {
	From, To time.Duration
}

// Length is how long it is.
func (s Span) Length() time.Duration { return max(0, s.To-s.From) }

// cut is the part of it within another.
func (s Span) cut(o Span) Span { return Span{max(s.From, o.From), min(s.To, o.To)} }
