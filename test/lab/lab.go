// Package lab is a cloud on this machine: the API of openstacktest, and behind
// it servers, networks and routers that carry real packets.
//
// Run starts the program again as PID 1 of namespaces of its own (PIDs, mounts,
// network): the lab's root. Everything that the lab makes is in them, so that
// the kernel takes it away when the root ends, however it ends. The machine
// itself is never touched.
//
// A program that calls Run calls Stage first thing in its main, or its
// TestMain.
package lab

import (
	"errors"
	"os"
)

// Options are what a lab is made of.
type Options struct {
	Servers int      // how many bastion-N there are
	Backend string   // "linuxbridge" or "ovn"
	Command []string // what is run on the workstation

	In, Out, Err *os.File
	// Say reports what is being done; nil: nobody listens.
	Say func(string)
}

// Within tells whether this process runs on the workstation of a lab.
func Within() bool { return os.Getenv("HAVIP_LAB") != "" }

// Error is one that the user can do something about.
type Error struct {
	Err  error
	hint string
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is what to do.
func (e *Error) Hint() string { return e.hint }

// ErrSystem says that this system cannot run a lab.
var ErrSystem = errors.New("the lab needs Linux: its servers are network namespaces")
