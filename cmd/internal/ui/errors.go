package ui

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
)

// PrintError writes what went wrong and what to do about it: "error:", details
// below, then "hint:".
func PrintError(w io.Writer, err error) {
	var pre *provision.PreflightError
	if errors.As(err, &pre) {
		PrintFindings(w, pre.Findings)
		fmt.Fprintf(w, "\n%s\n", pre.Error())
		return
	}
	for _, e := range flatten(err) {
		printOne(w, e)
	}
}

func printOne(w io.Writer, err error) {
	if err.Error() == "" {
		return
	}
	first, rest, _ := strings.Cut(err.Error(), "\n")
	fmt.Fprintf(w, "error: %s\n", first)
	indented(w, lines(rest))
	var p *provision.Problem
	if errors.As(err, &p) {
		indented(w, p.Details)
	}
	var left *provision.LeftError
	if errors.As(err, &left) {
		PrintLeft(w, left.Left)
	}
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		fmt.Fprintf(w, "hint: %s\n", h.Hint())
	}
}

// PrintFindings writes what preflight found, errors first.
func PrintFindings(w io.Writer, all preflight.Findings) {
	for _, f := range append(all.Of(preflight.Error), all.Of(preflight.Warning)...) {
		fmt.Fprintf(w, "%s: %s: %s\n", f.Severity, f.Subject, f.Message)
		indented(w, f.Details)
		if f.Hint != "" {
			fmt.Fprintf(w, "hint: %s\n", f.Hint)
		}
	}
}

// PrintLeft lists what stayed behind.
func PrintLeft(w io.Writer, left []plan.Left) {
	for _, l := range left {
		fmt.Fprintf(w, "  left: %s: %s\n", l.What, l.Why)
		if l.Hint != "" {
			fmt.Fprintf(w, "        %s\n", l.Hint)
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

// flatten takes joined errors apart, so that each gets its own hint.
func flatten(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range j.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}
