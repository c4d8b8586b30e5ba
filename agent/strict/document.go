package strict

import "strings"

// Document remembers where the values of a decoded file stand.
type Document struct {
	file   string
	places map[string]place
	broken map[string]bool
}

type place struct{ line, column int }

func newDocument(file string) *Document {
	return &Document{file: file, places: map[string]place{}, broken: map[string]bool{}}
}

// At is where the value of field stands, or else that of its nearest parent:
// a missing key is missing somewhere. It is 0, 0 in an empty document.
func (d *Document) At(field string) (line, column int) {
	for {
		if p, ok := d.places[field]; ok {
			return p.line, p.column
		}
		if field == "" {
			return 0, 0
		}
		field = Parent(field)
	}
}

// Has tells whether the file gives field a value.
func (d *Document) Has(field string) bool {
	_, ok := d.places[field]
	return ok
}

// Broken tells that the value of field, or of a parent of it, could not be
// decoded: what stands in the Go value is not what the file says.
func (d *Document) Broken(field string) bool {
	for {
		if d.broken[field] {
			return true
		}
		if field == "" {
			return false
		}
		field = Parent(field)
	}
}

// Report adds to problems what is wrong with the decoded values, with the
// place in the file. Broken fields are passed over: they are reported already.
func (d *Document) Report(problems *Problems) Report {
	return func(field, message, hint string) {
		if d.Broken(field) {
			return
		}
		line, column := d.At(field)
		*problems = append(*problems, Problem{
			File: d.file, Line: line, Column: column, Field: field, Message: message, Hint: hint,
		})
	}
}

// Parent is the field above: a[1].b, a[1], a, "".
func Parent(field string) string {
	return field[:max(strings.LastIndexAny(field, ".["), 0)]
}
