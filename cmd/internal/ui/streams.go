// Package ui is what a person or a pipeline sees of havip: streams, tables,
// progress, views for people and for machines, exit codes.
package ui

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

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
	// Quiet drops progress and hints, not warnings or errors.
	Quiet bool
}

// System are the streams of the process.
func System() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	s.Interactive = isTerminal(os.Stdin) && isTerminal(os.Stderr)
	if isTerminal(os.Stdout) {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			s.Width = w
		}
	}
	return s
}

func isTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// Confirm asks a question that is answered with y or n; anything but yes is no.
func (s Streams) Confirm(question string) (bool, error) {
	fmt.Fprintf(s.Err, "%s [y/N] ", question)
	line, err := bufio.NewReader(s.In).ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(s.Err)
		if err == io.EOF {
			return false, nil
		}
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

// Secret asks for something that must not be shown while it is typed.
func (s Streams) Secret(prompt string) (string, error) {
	f, ok := s.In.(*os.File)
	if !ok || !s.Interactive {
		return "", fmt.Errorf("%s: there is no terminal to ask at", strings.TrimSuffix(prompt, ": "))
	}
	fmt.Fprint(s.Err, prompt)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(s.Err)
	return string(b), err
}
