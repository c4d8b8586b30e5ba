package strict

import (
	"fmt"
	"reflect"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// mapping decodes a mapping into the struct v.
func (d *decoder) mapping(n, at *yaml.Node, field string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.refuse(at, field, "want a mapping (key: value), got "+describe(n), "")
		return
	}
	fields := fieldsOf(v.Type())
	for _, e := range d.entries(n, field, nil) {
		index, known := fields[e.key.Value]
		if !known {
			d.problem(place{e.key.Line, e.key.Column}, join(field, clip(e.key.Value)), "unknown key", suggest(e.key.Value, v.Type()))
			continue
		}
		d.value(e.value, join(field, e.key.Value), v.Field(index))
	}
}

type entry struct{ key, value *yaml.Node }

// entries are the keys and values of a mapping, each key once; those merged in
// by "<<" come after the mapping's own, and yield to them. Seen are the
// mappings that are being merged, since one may contain itself.
func (d *decoder) entries(n *yaml.Node, field string, seen []*yaml.Node) []entry {
	if !d.spend(n, field, len(n.Content)/2) {
		return nil
	}
	var own []entry
	var merged []*yaml.Node
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind == yaml.AliasNode:
			key = key.Alias
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.problem(place{key.Line, key.Column}, field, "want a plain key, got "+describe(key), "")
			continue
		}
		if before := first[key.Value]; before != nil {
			if len(seen) == 0 { // a merged mapping has been reported where it stands
				d.problem(place{key.Line, key.Column}, join(field, clip(key.Value)), fmt.Sprintf("stands twice, first in line %d", before.Line), "keep one of them")
			}
			continue
		}
		first[key.Value] = key
		own = append(own, entry{key, value})
	}
	for _, m := range merged {
		for _, e := range d.mergeable(m, field, append(seen, n)) {
			if first[e.key.Value] == nil {
				first[e.key.Value] = e.key
				own = append(own, e)
			}
		}
	}
	return own
}

// mergeable are the entries of the value of "<<": an alias of a mapping, or a
// list of them.
func (d *decoder) mergeable(n *yaml.Node, field string, seen []*yaml.Node) []entry {
	if !d.spend(n, field, 1) {
		return nil
	}
	at := n
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for _, s := range seen {
		if s == n {
			d.problem(place{at.Line, at.Column}, field, "merges a mapping into itself", "")
			return nil
		}
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.entries(n, field, seen)
	case yaml.SequenceNode:
		var all []entry
		for _, item := range n.Content {
			all = append(all, d.mergeable(item, field, append(seen, n))...)
		}
		return all
	}
	d.problem(place{at.Line, at.Column}, field, "<< wants an alias of a mapping, got "+describe(n), "")
	return nil
}

// fieldsOf maps the keys of a struct to the indices of its fields.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			fields[keyOf(f)] = i
		}
	}
	return fields
}

// keyOf is the YAML key of a struct field.
func keyOf(f reflect.StructField) string {
	if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" {
		return key
	}
	return strings.ToLower(f.Name)
}
