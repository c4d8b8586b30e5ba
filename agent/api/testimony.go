package api

import (
	"net/netip"
	"time"
)

// Testimony is one line of what `havip-agent witness` sees on a server while a
// failover is tested. At most one of its pointers is set.
type Testimony struct {
	// Time is the server's wall clock, carried on by its monotonic one: a step of
	// the clock during the test does not show.
	Time time.Time `json:"time"`
	// Echo answers a line of stdin with its text: by it the other side learns how
	// far the clocks are apart.
	Echo  string `json:"echo,omitempty"`
	Event *Event `json:"event,omitempty"` // of the agent; its Time is the event's own
	Held  *Held  `json:"held,omitempty"`  // a VIP came or went
	Beat  *Beat  `json:"beat,omitempty"`  // a question that this server asked
	// Trouble is what the witness could not do, such as to ask an agent that is
	// not there. It goes on.
	Trouble string `json:"trouble,omitempty"`
}

// Held tells whether a VIP is on the server.
type Held struct {
	Address netip.Addr `json:"address"`
	Held    bool       `json:"held"`
}

// Beat is one question to an address and what came of it. Its times are since
// the start of the run that it belongs to.
type Beat struct {
	Run  string   `json:"run,omitempty"` // which of several
	Seq  int      `json:"seq"`
	Sent Duration `json:"sent"`
	// Heard is when the answer came; zero: none came in time.
	Heard Duration `json:"heard,omitempty"`
	// Skipped counts the questions before this one that could not be asked in
	// time, for the machine was busy. They are neither answered nor lost.
	Skipped int    `json:"skipped,omitempty"`
	Err     string `json:"error,omitempty"`
}

// Answered tells whether an answer came in time.
func (b Beat) Answered() bool { return b.Heard > 0 }
