//go:build !linux

package lab

import "context"

// Stage does nothing here.
func Stage() {}

// Run refuses.
func Run(context.Context, Options) (int, error) {
	return 0, &Error{ErrSystem, "use a Linux machine, or a virtual one; havip itself runs here, against any OpenStack"}
}

// Running finds none here.
func Running() ([]Report, error) { return nil, &Error{ErrSystem, "ask on the machine that runs it"} }
