package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// commandConn is a byte stream through a ProxyCommand.
type commandConn struct {
	io.ReadCloser
	in   io.WriteCloser
	cmd  *exec.Cmd
	name string
}

// dialCommand starts a ProxyCommand. It lives until the connection is closed;
// ctx only bounds the start, which takes no time.
func dialCommand(ctx context.Context, command string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// "exec" as ssh does it, so that closing reaches the command itself.
	cmd := exec.Command("/bin/sh", "-c", "exec "+command)
	if runtime.GOOS == "windows" {
		cmd = exec.Command("cmd", "/c", command)
	}
	cmd.Stderr = os.Stderr // what the user's own command has to say
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &commandConn{ReadCloser: out, in: in, cmd: cmd, name: command}, nil
}

func (c *commandConn) Write(b []byte) (int, error) { return c.in.Write(b) }

// Close ends the command; how it ended then says nothing.
func (c *commandConn) Close() error {
	err := c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	if errors.Is(err, os.ErrClosed) {
		return net.ErrClosed
	}
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
