package ui

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAScreenShowsOneRoundAfterTheOther(t *testing.T) {
	v := DeleteView{Group: "bastion"}
	const time, line = "2026-11-22 12:00:00\n", "bastion  nothing to delete\n"
	object := `{"version":1,"kind":"delete","group":"bastion","changed":false,"left":[],"took_ms":0}` + "\n"
	cases := map[string]struct {
		streams Streams
		format  Format
		want    string
	}{
		"in place at a terminal":                 {Streams{Width: 80, Cursor: true}, Table, clearScreen + time + line + clearScreen + time + line},
		"one below the other at a dumb terminal": {Streams{Width: 80}, Table, time + line + "\n" + time + line},
		"one below the other in a pipe":          {Streams{Cursor: true}, Table, time + line + "\n" + time + line},
		"one JSON object a line":                 {Streams{}, JSON, object + object},
		"JSON is never cleared":                  {Streams{Width: 80, Cursor: true}, JSON, object + object},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			c.streams.Out = &b
			s := NewScreen(c.streams, c.format)
			for range 2 {
				if err := s.Show(v, noon()); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestYAMLRoundsAreDocuments(t *testing.T) {
	var b bytes.Buffer
	s := NewScreen(Streams{Out: &b}, YAML)
	for range 3 {
		if err := s.Show(ListView{}, noon()); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(b.String(), "---\n"); n != 2 {
		t.Errorf("%d separators between 3 documents:\n%s", n, b.String())
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestAReaderThatWentAwayIsToldFromAFailure(t *testing.T) {
	gone := &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	for err, want := range map[error]error{gone: ErrNoReader, syscall.ENOSPC: syscall.ENOSPC} {
		if got := Show(failing{err}, Table, ListView{}); !errors.Is(got, want) {
			t.Errorf("writing fails with %v: got %v, want %v", err, got, want)
		}
	}
}

func TestAFormatIsOneOfThree(t *testing.T) {
	for _, s := range []string{"table", "json", "yaml"} {
		if f, err := ParseFormat(s); err != nil || string(f) != s {
			t.Errorf("%s: got %v, %v", s, f, err)
		}
	}
	for _, s := range []string{"", "JSON", "xml"} {
		_, err := ParseFormat(s)
		if want := fmt.Sprintf("--output: %q is not one of table, json, yaml", s); err == nil || err.Error() != want {
			t.Errorf("%q: got %v", s, err)
		}
	}
}
