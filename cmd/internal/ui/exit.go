package ui

import (
	"context"
	"errors"

	"github.com/havip/havip/provision"
)

// Exit codes; docs/exit-codes.md explains them.
const (
	ExitDone        = 0
	ExitFailed      = 1   // it was tried and failed
	ExitUsage       = 2   // the command line or the group file is wrong
	ExitDiffers     = 3   // plan has changes, status is degraded
	ExitPreflight   = 4   // refused by preflight, nothing was touched
	ExitTest        = 5   // the failover test is over its limits
	ExitLeft        = 6   // something was left behind, and is listed
	ExitInterrupted = 130 // Ctrl-C
)

// ExitError is an error that has its own exit code.
type ExitError struct {
	Code int
	Err  error // nil: what there is to say has been said
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// Usage makes err one of usage; nil stays nil.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return &ExitError{Code: ExitUsage, Err: err}
}

// Code is the exit code that an error leads to. Of joined errors the first
// one tells, but a failure comes before the news that something differs.
func Code(err error) int {
	parts, ok := joined(err)
	if !ok {
		return codeOf(err)
	}
	code := ExitDone
	for _, e := range parts {
		if c := Code(e); c != ExitDone && (code == ExitDone || code == ExitDiffers) {
			code = c
		}
	}
	return code
}

func codeOf(err error) int {
	var exit *ExitError
	var preflight *provision.PreflightError
	var left *provision.LeftError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &left): // also when it was Ctrl-C that led there
		return ExitLeft
	case errors.As(err, &exit):
		return exit.Code
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &preflight):
		return ExitPreflight
	default:
		return ExitFailed
	}
}
