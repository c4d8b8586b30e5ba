// Package ui is what a person or a pipeline sees of havip: streams, tables,
// progress, views for people and for machines, errors, exit codes.
package ui

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// Streams are where a command reads and writes: the result on Out, all else
// on Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Interactive tells that a person is there to be asked: In and Err are
	// terminals.
	Interactive bool
	// Width of the terminal that Out is, 0 when it is none.
	Width int
	// Cursor tells that the terminals can erase what they show.
	Cursor bool
	// Quiet drops progress, not questions, warnings or errors.
	Quiet bool
}

// System are the streams of the process.
func System() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	s.Interactive = isTerminal(os.Stdin) && isTerminal(os.Stderr)
	s.Cursor = os.Getenv("TERM") != "dumb"
	if isTerminal(os.Stdout) {
		s.Width = defaultWidth
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
			s.Width = w
		}
	}
	return s
}

// defaultWidth is that of a terminal which does not tell its own.
const defaultWidth = 80

func isTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// ErrNoReader says that whoever read the result has gone away ("| head"). It
// has what it wanted, so this is no failure.
var ErrNoReader = errors.New("nobody reads the result any more")

// Write writes a result. The error is ErrNoReader when nobody reads it.
func Write(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		return ErrNoReader
	}
	return err
}
