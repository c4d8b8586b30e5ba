package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// A connection on which nothing is answered for this long is taken for dead.
const keepAliveEvery = 15 * time.Second

// Conn is a connection to one server.
type Conn struct {
	client  *ssh.Client
	via     []string
	address string
	user    string
	gone    chan struct{}
}

// newConn is the connection to the last of the hops.
func newConn(client *ssh.Client, hops []settings) *Conn {
	last, before := hops[len(hops)-1], hops[:len(hops)-1]
	c := &Conn{client: client, address: last.hostName, user: last.user, gone: make(chan struct{})}
	for _, h := range before {
		c.via = append(c.via, h.hostName)
	}
	go func() {
		keepAlive(client)
		close(c.gone)
	}()
	return c
}

// Address is where the server was reached.
func (c *Conn) Address() string { return c.address }

// Via are the jump hosts on the way there, outermost first, as the SSH configuration
// names them in the end.
func (c *Conn) Via() []string { return c.via }

// User is who we are there.
func (c *Conn) User() string { return c.user }

// Alive tells whether the connection has not ended.
func (c *Conn) Alive() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// Close ends the connection.
func (c *Conn) Close() error {
	err := c.client.Close()
	<-c.gone
	return unlessEnded(err)
}

// unlessEnded drops the error of closing what had ended already.
func unlessEnded(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Run implements Runner.
func (c *Conn) Run(ctx context.Context, command string, stdin io.Reader) ([]byte, error) {
	var stdout bytes.Buffer
	if err := c.Stream(ctx, command, stdin, &stdout); err != nil {
		if _, ended := errors.AsType[*ExitError](err); !ended {
			return nil, err // what still writes to it does not matter
		}
		return stdout.Bytes(), err
	}
	return stdout.Bytes(), nil
}

// Stream is Run with the output handed over as it comes. When ctx ends, stdout
// may still be written to for a moment.
func (c *Conn) Stream(ctx context.Context, command string, stdin io.Reader, stdout io.Writer) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	// Opening the channel may hang as well, on a server that went silent.
	type opened struct {
		session *ssh.Session
		err     error
	}
	open := make(chan opened, 1)
	go func() {
		s, err := c.client.NewSession()
		open <- opened{s, err}
	}()
	var session *ssh.Session
	select {
	case o := <-open:
		if o.err != nil {
			return fmt.Errorf("run on %s: %w", c.address, o.err)
		}
		session = o.session
	case <-ctx.Done():
		go func() {
			if o := <-open; o.err == nil {
				o.session.Close()
			}
		}()
		return context.Cause(ctx)
	}
	defer session.Close()
	var stderr bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = stdin, stdout, &stderr
	if err := session.Start(command); err != nil {
		return fmt.Errorf("run on %s: %w", c.address, err)
	}
	done := make(chan error, 1)
	go func() { done <- session.Wait() }()
	select {
	case err := <-done:
		return result(command, stderr.String(), err)
	case <-ctx.Done():
		// Best effort: the server may be out of reach, or its sshd too old.
		_ = session.Signal(ssh.SIGTERM)
		return context.Cause(ctx)
	}
}

// result is the error of a command that ended.
func result(command, stderr string, err error) error {
	exit, ok := errors.AsType[*ssh.ExitError](err)
	switch {
	case err == nil:
		return nil
	case ok && exit.Signal() != "":
		return &ExitError{Command: command, Code: -1, Stderr: stderr}
	case ok:
		return &ExitError{Command: command, Code: exit.ExitStatus(), Stderr: stderr}
	default:
		return fmt.Errorf("run: the connection ended: %w", err)
	}
}

// keepAlive asks the other side for a sign of life now and then, closes the
// connection when none comes, and returns when it has ended.
func keepAlive(client *ssh.Client) {
	ended := make(chan struct{})
	go func() {
		_ = client.Wait() // however it ended
		close(ended)
	}()
	tick := time.NewTicker(keepAliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		answered := make(chan struct{})
		go func() {
			// Refused or granted, any answer is one (OpenSSH's own request).
			if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
				close(answered)
			}
		}()
		select {
		case <-answered:
		case <-ended:
			return
		case <-time.After(keepAliveEvery):
			client.Close()
		}
	}
}
