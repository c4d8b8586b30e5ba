package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// What aliases of aliases can ask for is bounded by these two.
const (
	maxValues = 100_000
	maxScalar = 4096 // bytes
)

// Decode reads the YAML text data into the struct that into points to, and
// returns all problems, in the order of the file; file is its name in them.
//
// Keys are those of the yaml tags. Every key must be known, stand once and
// have a value. What could not be decoded is left as it was in into.
func Decode(data []byte, file string, into any) (*Document, Problems) {
	d := &decoder{doc: newDocument(file)}
	if root := d.parse(data); root != nil {
		d.value(root, "", reflect.ValueOf(into).Elem())
	}
	d.problems.Sort()
	return d.doc, d.problems
}

type decoder struct {
	doc      *Document
	problems Problems
	values   int
}

func (d *decoder) problem(at place, field, message, hint string) {
	d.problems = append(d.problems, Problem{
		File: d.doc.file, Line: at.line, Column: at.column, Field: field, Message: message, Hint: hint,
	})
}

// refuse reports a value that does not fit.
func (d *decoder) refuse(n *yaml.Node, field, message, hint string) {
	d.doc.broken[field] = true
	d.problem(place{n.Line, n.Column}, field, message, hint)
}

// value decodes n into v.
func (d *decoder) value(n *yaml.Node, field string, v reflect.Value) {
	d.doc.places[field] = place{n.Line, n.Column}
	if !d.spend(n, field, 1) {
		d.doc.broken[field] = true
		return
	}
	at := n
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case isNull(n):
		d.refuse(at, field, "has no value", "give it one or take the key away")
		return
	case len(n.Value) > maxScalar:
		d.refuse(at, field, fmt.Sprintf("is longer than %d bytes", maxScalar), "")
		return
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		d.refuse(at, field, "has the tag "+clip(n.Tag)+", which means nothing here", "take the tag away")
		return
	}
	switch into := v.Addr().Interface().(type) {
	case Unmarshaler:
		into.UnmarshalNode(Node{node: n, at: at, field: field, decoder: d})
		return
	case encoding.TextUnmarshaler:
		d.text(n, at, field, into)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		d.value(at, field, p.Elem())
		v.Set(p)
	case reflect.Struct:
		d.mapping(n, at, field, v)
	case reflect.Slice:
		d.list(n, at, field, v)
	default:
		d.scalar(n, at, field, v)
	}
}

// spend takes values from the budget, and tells whether there were any left.
// Running out is reported once.
func (d *decoder) spend(n *yaml.Node, field string, values int) bool {
	before := d.values
	d.values += values
	if before <= maxValues && d.values > maxValues {
		d.problem(place{n.Line, n.Column}, field, fmt.Sprintf("the file has more than %d values", maxValues), "is it the right file?")
	}
	return d.values <= maxValues
}

// list decodes a sequence. A bad item keeps its place, so that the indices of
// the Go slice are those of the file.
func (d *decoder) list(n, at *yaml.Node, field string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode {
			hint = "write [" + clip(n.Value) + "]"
		}
		d.refuse(at, field, "want a list, got "+describe(n), hint)
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, field+"["+strconv.Itoa(i)+"]", s.Index(i))
	}
	v.Set(s)
}

// scalar decodes what has no parts into the basic kinds of Go.
func (d *decoder) scalar(n, at *yaml.Node, field string, v reflect.Value) {
	want, hint, ok := "", "", false
	switch v.Kind() {
	case reflect.String:
		// An ID may look like a number: what is written counts.
		if want, ok = "text", n.Kind == yaml.ScalarNode; ok {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if want, ok = "true or false", err == nil && n.ShortTag() == "!!bool"; ok {
			v.SetBool(b)
		}
	case reflect.Int:
		want = "a whole number"
		i, err := strconv.Atoi(n.Value)
		// YAML 1.1 reads 010 as 8, YAML 1.2 as 10: neither is meant for sure.
		plain := strings.TrimLeft(n.Value, "+-")
		switch {
		case n.Kind != yaml.ScalarNode || err != nil:
		case n.ShortTag() == "!!str":
			hint = "take the quotes away"
		case len(plain) > 1 && plain[0] == '0':
			hint = "write it without the leading zero"
		default:
			ok = true
			v.SetInt(int64(i))
		}
	default:
		panic(fmt.Sprintf("strict: field %s has type %s, which no YAML is decoded into", field, v.Type()))
	}
	if !ok {
		d.refuse(at, field, "want "+want+", got "+describe(n), hint)
	}
}
