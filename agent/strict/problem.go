package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File    string // "" when it is not about a file
	Line    int    // from 1; 0 when the place is not known
	Column  int    // in characters, from 1; 0 when the place is not known
	Field   string // such as servers[1].ssh.host; "" is the file as a whole
	Message string
	Hint    string // what to do about it; "" when the message says it all
}

// String is the problem without its hint, on one line:
// "bastion.yaml:3:5: vrrp.interval: want a duration ...".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	for _, s := range []string{p.Field, p.Message} {
		if s == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(s)
	}
	return b.String()
}

// Problems is an error made of everything that is wrong.
type Problems []Problem

// Error has one line for each problem, and one below it for its hint.
func (ps Problems) Error() string {
	lines := make([]string, 0, len(ps))
	for _, p := range ps {
		lines = append(lines, p.String())
		if p.Hint != "" {
			lines = append(lines, "  hint: "+p.Hint)
		}
	}
	return strings.Join(lines, "\n")
}

// Err is the problems as an error, nil when there are none: a Problems in an
// error variable would not be nil even when empty.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Sort puts the problems in the order in which a reader of the file meets
// them; those without a place come last, as they were found.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Report takes one problem of the value of a field. A function that checks
// values calls it as often as it finds something; hint may be "".
type Report func(field, message, hint string)

// Add is a Report for values that come from no file.
func (ps *Problems) Add(field, message, hint string) {
	*ps = append(*ps, Problem{Field: field, Message: message, Hint: hint})
}

// Under is report for fields below prefix.
func (report Report) Under(prefix string) Report {
	return func(field, message, hint string) { report(join(prefix, field), message, hint) }
}

// join puts a field below another: "vrrp" and "id" make "vrrp.id".
func join(parent, field string) string {
	if parent == "" || field == "" || strings.HasPrefix(field, "[") {
		return parent + field
	}
	return parent + "." + field
}
