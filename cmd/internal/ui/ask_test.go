package ui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestOnlyYesIsYes(t *testing.T) {
	for answer, want := range map[string]bool{
		"y\n": true, "Y\n": true, "yes\n": true, " YES \r\n": true, "y": true,
		"\n": false, "n\n": false, "no\n": false, "yep\n": false, "": false,
	} {
		t.Run(answer, func(t *testing.T) {
			var b bytes.Buffer
			got, err := Streams{In: strings.NewReader(answer), Err: &b}.Confirm(t.Context(), "Go on?")
			if err != nil || got != want {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
			if !strings.HasPrefix(b.String(), "Go on? [y/N] ") {
				t.Errorf("it asked %q", b.String())
			}
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAnAnswerThatCannotBeReadIsAnError(t *testing.T) {
	_, err := Streams{In: broken{}, Err: io.Discard}.Confirm(t.Context(), "Go on?")
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestCtrlCEndsAQuestion(t *testing.T) {
	never, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Streams{In: never, Err: io.Discard}).Confirm(ctx, "Go on?"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestASecretNeedsATerminal(t *testing.T) {
	_, err := Streams{In: strings.NewReader("x\n"), Err: io.Discard}.Secret(t.Context(), "Passphrase: ")
	if err == nil || err.Error() != "Passphrase: there is no terminal to ask at" {
		t.Errorf("got %v", err)
	}
}

func TestWorkIsShownOnlyToAPerson(t *testing.T) {
	for name, c := range map[string]struct {
		streams Streams
		want    string
	}{
		"at a terminal":         {Streams{Interactive: true, Cursor: true}, "Looking ...\r\x1b[K"},
		"at a dumb terminal":    {Streams{Interactive: true}, ""},
		"without a terminal":    {Streams{Cursor: true}, ""},
		"when told to be quiet": {Streams{Interactive: true, Cursor: true, Quiet: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			c.streams.Err = &b
			c.streams.Working("Looking ...")()
			if b.String() != c.want {
				t.Errorf("got %q, want %q", b.String(), c.want)
			}
		})
	}
}
