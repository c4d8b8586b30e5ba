package ui

import (
	"errors"
	"fmt"
	"strings"

	"github.com/havip/havip/agent/strict"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
)

// Failure is an error taken apart: a person reads it line by line, a machine
// field by field.
type Failure struct {
	Code     int
	Findings []Finding   // what is wrong, one by one
	Left     []plan.Left // what stayed behind
	Note     string      // what is to be known beside it; "" when there is nothing
	summary  string      // of all findings; "" when they have none
}

// Finding is one thing that is wrong.
type Finding struct {
	Severity string   `json:"severity"`
	Subject  string   `json:"subject,omitempty"` // what it is about: a server, a field, a flag
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Column   int      `json:"column,omitempty"`
	Message  string   `json:"message"`
	Details  []string `json:"details,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

// NewFailure takes an error apart. Nothing is found in one that has nothing
// more to say.
func NewFailure(err error) Failure {
	f := Failure{Code: Code(err)}
	if noted := (*NotedError)(nil); errors.As(err, &noted) {
		f.Note = noted.Note
	}
	for _, e := range flatten(err) {
		f.add(e)
	}
	return f
}

func (f *Failure) add(err error) {
	var problems strict.Problems
	var refused *provision.PreflightError
	var left *provision.LeftError
	if errors.As(err, &left) {
		f.Left = append(f.Left, left.Left...)
		if left.Err != nil {
			for _, e := range flatten(left.Err) {
				f.add(e)
			}
			return
		}
	}
	switch {
	case err.Error() == "":
	case errors.As(err, &problems):
		for _, p := range problems {
			f.Findings = append(f.Findings, Finding{
				Severity: string(preflight.Error), File: p.File, Line: p.Line, Column: p.Column,
				Subject: p.Field, Message: p.Message, Hint: p.Hint,
			})
		}
	case errors.As(err, &refused):
		f.summary = refused.Error()
		f.Findings = append(f.Findings, preflightFindings(refused.Findings)...)
	default:
		f.Findings = append(f.Findings, findingOf(err))
	}
}

// findingOf is an error that is one thing: its first line says what, further
// ones are details.
func findingOf(err error) Finding {
	first, rest, _ := strings.Cut(err.Error(), "\n")
	f := Finding{Severity: string(preflight.Error), Message: first, Details: lines(rest), Hint: hintOf(err)}
	var p *provision.Problem
	if errors.As(err, &p) {
		f.Details = append(f.Details, p.Details...)
	}
	return f
}

// hintOf is what to do about an error, "" when it does not say.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// preflightFindings are those of preflight, errors first.
func preflightFindings(all preflight.Findings) []Finding {
	var out []Finding
	for _, f := range append(all.Of(preflight.Error), all.Of(preflight.Warning)...) {
		out = append(out, Finding{
			Severity: string(f.Severity), Subject: f.Subject, Message: f.Message, Details: f.Details, Hint: f.Hint,
		})
	}
	return out
}

// Empty tells that there is nothing to say.
func (f Failure) Empty() bool { return len(f.Findings)+len(f.Left) == 0 }

// Message is the whole failure in one line.
func (f Failure) Message() string {
	switch {
	case f.summary != "":
		return f.summary
	case len(f.Findings) == 1:
		return f.Findings[0].String()
	case f.Code == ExitUsage:
		return fmt.Sprintf("%d problems in the command line or the group file", len(f.Findings))
	default:
		return fmt.Sprintf("%d errors", len(f.Findings))
	}
}

// String is the finding in one line, without its severity.
func (f Finding) String() string {
	place := f.File
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
	if place != "" {
		place += ": "
	}
	return place + sentence(f.Subject, f.Message)
}

// sentence puts a subject before a message: "--server is missing", but
// "--interval: want a duration".
func sentence(subject, message string) string {
	if subject == "" {
		return message
	}
	for _, verb := range []string{"is ", "has ", "run ", "matches ", "cannot "} {
		if strings.HasPrefix(message, verb) {
			return subject + " " + message
		}
	}
	return subject + ": " + message
}

// flatten takes joined errors apart, so that each gets its own hint.
func flatten(err error) []error {
	switch e := err.(type) {
	case *ExitError:
		return flatten(e.Err)
	case *NotedError:
		return flatten(e.Err)
	}
	parts, ok := joined(err)
	if !ok && err != nil {
		return []error{err}
	}
	var all []error
	for _, e := range parts {
		all = append(all, flatten(e)...)
	}
	return all
}

// joined are the errors that errors.Join put together. An error that wraps
// several to make one message of them stays whole.
func joined(err error) (parts []error, ok bool) {
	j, ok := err.(interface{ Unwrap() []error })
	if !ok || errors.Join(j.Unwrap()...).Error() != err.Error() {
		return nil, false
	}
	return j.Unwrap(), true
}

// NotedError is an error with something to be known beside it, which is said
// last: what became of what was made so far.
type NotedError struct {
	Err  error
	Note string
}

func (e *NotedError) Error() string { return e.Err.Error() }
func (e *NotedError) Unwrap() error { return e.Err }
