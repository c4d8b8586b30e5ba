package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// eraseLine takes an unfinished line off the terminal.
const eraseLine = "\r\x1b[K"

// Confirm asks a question that is answered with y or n; anything but yes is
// no, and so is the end of the input.
func (s Streams) Confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(s.Err, "%s [y/N] ", question)
	line, err := interruptible(ctx, func() (string, error) {
		return bufio.NewReader(s.In).ReadString('\n')
	})
	if err != nil && line == "" {
		fmt.Fprintln(s.Err)
		if errors.Is(err, io.EOF) {
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
func (s Streams) Secret(ctx context.Context, prompt string) (string, error) {
	f, ok := s.In.(*os.File)
	if !ok || !s.Interactive {
		return "", fmt.Errorf("%s: there is no terminal to ask at", strings.TrimSuffix(prompt, ": "))
	}
	fd := int(f.Fd())
	shown, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for a secret: %w", err)
	}
	fmt.Fprint(s.Err, s.erase()+prompt)
	secret, err := interruptible(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	fmt.Fprintln(s.Err)
	if ctx.Err() != nil {
		// The reader still waits, with the terminal's echo off.
		return "", errors.Join(ctx.Err(), term.Restore(fd, shown))
	}
	return secret, err
}

// interruptible reads from a terminal until ctx ends. A read cannot be called
// back, so it is left behind: the process ends soon.
func interruptible(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := read()
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Working tells a person at a terminal what takes a while; the returned
// function takes the line away again. Elsewhere nothing is shown.
func (s Streams) Working(text string) (done func()) {
	if !s.Interactive || !s.Cursor || s.Quiet {
		return func() {}
	}
	fmt.Fprint(s.Err, text)
	return func() { fmt.Fprint(s.Err, eraseLine) }
}

func (s Streams) erase() string {
	if !s.Cursor {
		return ""
	}
	return eraseLine
}
