package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Format is how a result is written.
type Format string

// The formats of -o.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// ParseFormat reads the value of -o.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Table, JSON, YAML:
		return f, nil
	}
	return "", fmt.Errorf("--output: %q is not one of table, json, yaml", s)
}

// View is a result that people and machines can read.
type View interface {
	// Human writes it for people.
	Human(w io.Writer)
	// Object is it for machines: a versioned value for encoding/json.
	Object() any
}

// Show writes v in the format.
func Show(w io.Writer, f Format, v View) error {
	switch f {
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v.Object())
	case YAML:
		return showYAML(w, v.Object())
	default:
		var b bytes.Buffer
		v.Human(&b)
		_, err := w.Write(b.Bytes())
		return err
	}
}

// showYAML goes through JSON, so that both formats have the same names. JSON
// is a subset of YAML, so the YAML parser keeps the order of the fields.
func showYAML(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(b, &node); err != nil {
		return err
	}
	plainStyle(&node)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&node); err != nil {
		return err
	}
	return enc.Close()
}

// plainStyle takes JSON's quotes and braces off.
func plainStyle(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plainStyle(c)
	}
}
