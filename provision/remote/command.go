package remote

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"
)

// commandConn is a byte stream through a ProxyCommand.
type commandConn struct {
	name    string
	cmd     *exec.Cmd
	in, out *os.File // our ends of its pipes
	once    sync.Once
}

// dialCommand starts a ProxyCommand. It lives until the connection is closed;
// ctx only bounds the start, which takes no time.
func dialCommand(ctx context.Context, command string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cmd := proxyCommand(command)
	// Pipes of our own: those of exec must not be read while it waits, and a
	// connection is closed while it is read.
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	defer theirOut.Close()
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	cmd.Stderr = os.Stderr // what the user's own command has to say
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	return &commandConn{name: command, cmd: cmd, in: in, out: out}, nil
}

func (c *commandConn) Read(b []byte) (int, error)  { return c.out.Read(b) }
func (c *commandConn) Write(b []byte) (int, error) { return c.in.Write(b) }

// Close ends the command; how it ended then says nothing.
func (c *commandConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = errors.Join(c.in.Close(), c.out.Close())
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	})
	return err
}

func (c *commandConn) LocalAddr() net.Addr  { return commandAddr(c.name) }
func (c *commandConn) RemoteAddr() net.Addr { return commandAddr(c.name) }

// Deadlines are not used by x/crypto/ssh; the stopwatch closes instead.
func (c *commandConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *commandConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *commandConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

type commandAddr string

func (commandAddr) Network() string  { return "ProxyCommand" }
func (a commandAddr) String() string { return string(a) }
