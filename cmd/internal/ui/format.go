package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

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

// Show writes v in the format. The error is ErrNoReader when nobody reads.
func Show(w io.Writer, f Format, v View) error {
	b, err := render(f, v, "  ")
	if err != nil {
		return err
	}
	return Write(w, b)
}

// Screen shows a result again and again: on a terminal in place; elsewhere one
// below the other, with -o json one object a line.
type Screen struct {
	w      io.Writer
	format Format
	redraw bool
	shown  bool
}

// NewScreen is the screen that s.Out is.
func NewScreen(s Streams, f Format) *Screen {
	return &Screen{w: s.Out, format: f, redraw: s.Width > 0 && s.Cursor && f == Table}
}

// clearScreen takes the terminal's content away and goes to its upper left corner.
const clearScreen = "\x1b[H\x1b[2J"

// Show shows the next round.
func (s *Screen) Show(v View, now time.Time) error {
	b, err := render(s.format, v, "")
	if err != nil {
		return err
	}
	before := ""
	switch {
	case s.redraw:
		before = clearScreen
	case s.format == Table && s.shown:
		before = "\n"
	case s.format == YAML && s.shown:
		before = "---\n"
	}
	if s.format == Table {
		before += now.Format(time.DateTime) + "\n"
	}
	s.shown = true
	return Write(s.w, append([]byte(before), b...))
}

func render(f Format, v View, indent string) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch f {
	case JSON:
		enc := json.NewEncoder(&b)
		enc.SetIndent("", indent)
		enc.SetEscapeHTML(false)
		err = enc.Encode(v.Object())
	case YAML:
		err = encodeYAML(&b, v.Object())
	default:
		v.Human(&b)
	}
	return b.Bytes(), err
}

// encodeYAML goes through JSON, so that both formats have the same names. JSON
// is a subset of YAML, so the YAML parser keeps the order of the fields.
func encodeYAML(w io.Writer, v any) error {
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
