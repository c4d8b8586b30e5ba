package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/havip/havip/cmd/internal/ui"
)

// show writes a result to stdout in the format that was asked for.
func (a *app) show(v ui.View) error {
	a.shown = true
	return unlessNoReader(ui.Show(a.streams.Out, a.format, v))
}

// unlessNoReader forgets that nobody reads the result: the command goes on.
func unlessNoReader(err error) error {
	if errors.Is(err, ui.ErrNoReader) {
		return nil
	}
	return err
}

// note writes to stderr unless quiet.
func (a *app) note(format string, v ...any) {
	if !a.streams.Quiet {
		fmt.Fprintf(a.streams.Err, format, v...)
	}
}

// end says what went wrong, if anything did, and gives the exit code. With
// -o json or yaml stdout gets the error as an object, unless a result is there
// already: it is never two.
func (a *app) end(err error, args []string) int {
	f := ui.NewFailure(err)
	if f.Empty() {
		return f.Code
	}
	f.Human(a.streams.Err)
	if a.format == "" {
		a.format = wantedFormat(args)
	}
	if a.format == ui.Table || a.shown {
		return f.Code
	}
	// Should stdout fail too, stderr has the error all the same.
	if a.lines {
		_ = ui.NewScreen(a.streams, a.format).Show(f, a.now())
	} else {
		_ = ui.Show(a.streams.Out, a.format, f)
	}
	return f.Code
}

// wantedFormat finds -o in a command line that could not be parsed.
func wantedFormat(args []string) ui.Format {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.ParseErrorsAllowlist.UnknownFlags = true
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.BoolP("help", "h", false, "")
	output := f.StringP("output", "o", os.Getenv("HAVIP_OUTPUT"), "")
	_ = f.Parse(args) // it is known to be wrong
	format, err := ui.ParseFormat(*output)
	if err != nil {
		return ui.Table
	}
	return format
}
