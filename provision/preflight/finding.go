package preflight

import (
	"fmt"
	"slices"
)

// Severity is what a finding means for the run.
type Severity string

// The severities: an Error refuses the run, a Warning is only said.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing that preflight found.
type Finding struct {
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // what it is about: "server bastion-1"
	Message  string   `json:"message"`
	Details  []string `json:"details,omitempty"` // e.g. the candidates, one a line
	Hint     string   `json:"hint,omitempty"`
	// Booting: it passes when a server has booted.
	Booting bool `json:"-"`
}

// String is the finding in one line.
func (f Finding) String() string { return fmt.Sprintf("%s: %s", f.Subject, f.Message) }

// Findings are all of them, in the order of the checks.
type Findings []Finding

// Refused tells whether one of them is an error.
func (f Findings) Refused() bool {
	return slices.ContainsFunc(f, func(f Finding) bool { return f.Severity == Error })
}

// Booting tells whether nothing stands in the way but servers that boot.
func (f Findings) Booting() bool {
	return f.Refused() && !slices.ContainsFunc(f, func(f Finding) bool { return f.Severity == Error && !f.Booting })
}

// Of are those of one severity.
func (f Findings) Of(s Severity) Findings {
	return slices.DeleteFunc(slices.Clone(f), func(f Finding) bool { return f.Severity != s })
}
