// Package remote reaches servers through SSH: the user's configuration, jump
// hosts, agent keys and verified host keys. It runs commands and nothing else.
package remote

import (
	"context"
	"io"

	"golang.org/x/crypto/ssh"
)

// Runner runs a command on a server. *Conn has it, and so do test fakes.
type Runner interface {
	// Run runs command through the login shell with stdin (which may be nil)
	// and returns what it printed on stdout. A command that ends with another
	// code than 0 is an *ExitError with what it printed on stderr.
	Run(ctx context.Context, command string, stdin io.Reader) ([]byte, error)
}

// Target is a server to reach.
type Target struct {
	// Names to try in order against the user's SSH configuration, as the
	// group file gives them. The first one that the configuration maps to
	// another host wins.
	Names []string
	// ServerName is the server's own, tried after Names. Nova lets it be
	// anything, so one that SSH does not take is no error.
	ServerName string
	// Addresses to try when no name is mapped, best first.
	Addresses []string
	Port      int
	User      string
	// ConsoleKeys reads the host keys that the server printed at its first
	// boot; used with the policy "console".
	ConsoleKeys func(ctx context.Context) ([]ssh.PublicKey, error)
}
