package ui

import (
	"fmt"
	"io"
	"strings"

	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
)

// PrintError writes what went wrong and what to do about it: "error:", details
// below, then "hint:".
func PrintError(w io.Writer, err error) { NewFailure(err).Human(w) }

// Human implements View.
func (f Failure) Human(w io.Writer) {
	for _, one := range f.Findings {
		one.print(w)
	}
	PrintLeft(w, f.Left)
	for _, last := range []string{f.summary, f.Note} {
		if last != "" {
			fmt.Fprintf(w, "\n%s\n", last)
		}
	}
}

// PrintFindings writes what preflight found, errors first.
func PrintFindings(w io.Writer, all preflight.Findings) {
	for _, f := range preflightFindings(all) {
		f.print(w)
	}
}

// PrintWarning writes what is no error.
func PrintWarning(w io.Writer, message, hint string) {
	Finding{Severity: string(preflight.Warning), Message: message, Hint: hint}.print(w)
}

func (f Finding) print(w io.Writer) {
	first, rest, _ := strings.Cut(f.String(), "\n")
	fmt.Fprintf(w, "%s: %s\n", f.Severity, first)
	indented(w, append(lines(rest), f.Details...))
	if f.Hint != "" {
		first, rest, _ := strings.Cut(f.Hint, "\n")
		fmt.Fprintf(w, "hint: %s\n", first)
		indented(w, lines(rest))
	}
}

// PrintLeft lists what stayed behind.
func PrintLeft(w io.Writer, left []plan.Left) {
	for _, l := range left {
		why, rest, _ := strings.Cut(l.Why, "\n")
		fmt.Fprintf(w, "left: %s: %s\n", l.What, why)
		indented(w, lines(rest))
		if l.Hint != "" {
			fmt.Fprintf(w, "hint: %s\n", l.Hint)
		}
	}
}

func indented(w io.Writer, text []string) {
	for _, l := range text {
		fmt.Fprintf(w, "  %s\n", l)
	}
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimRight(s, "\n"), "\n")
}

// errorObject is an error for machines; docs/json.md describes it.
type errorObject struct {
	Header
	Code     int         `json:"code"`
	Message  string      `json:"message"`
	Details  []string    `json:"details,omitempty"`
	Hint     string      `json:"hint,omitempty"`
	Note     string      `json:"note,omitempty"`
	Findings []Finding   `json:"findings"`
	Left     []plan.Left `json:"left,omitempty"`
}

// Object implements View. What one finding alone says stands also on top.
func (f Failure) Object() any {
	o := errorObject{
		Header: NewHeader("error"), Code: f.Code, Message: f.Message(),
		Note: f.Note, Findings: f.Findings, Left: f.Left,
	}
	if len(f.Findings) == 1 {
		o.Details, o.Hint = f.Findings[0].Details, f.Findings[0].Hint
	}
	if o.Findings == nil {
		o.Findings = []Finding{}
	}
	return o
}
