package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"

	"github.com/havip/havip/agent/api"
)

// maxLine bounds a line of the agent: a status with many routers.
const maxLine = 1 << 20

// ErrNotRunning says that no agent answers on the socket.
var ErrNotRunning = errors.New("no agent is running there")

// RefusedError is the agent's own answer that it did not do what was asked.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Client asks the agent behind a socket. Each request is a connection.
type Client struct{ path string }

// NewClient returns a client of the socket at path.
func NewClient(path string) *Client { return &Client{path: path} }

// Status asks how the agent is.
func (c *Client) Status(ctx context.Context) (api.Status, error) {
	var status api.Status
	err := c.ask(ctx, request{Op: "status"}, func(line []byte) error {
		return json.Unmarshal(line, &status)
	})
	if err == nil && status.Version == 0 {
		err = errors.New("the agent closed the connection without an answer")
	}
	return status, wrap("ask for the status", err)
}

// Switchover asks the agent to become active. A refusal is a *RefusedError.
func (c *Client) Switchover(ctx context.Context) error {
	var r reply
	err := c.ask(ctx, request{Op: "switchover"}, func(line []byte) error {
		return json.Unmarshal(line, &r)
	})
	if err == nil && !r.OK {
		err = errors.New("the agent closed the connection without an answer")
	}
	return wrap("switch over", err)
}

// Events hands each kept event to fn, oldest first, and with follow each new
// one until ctx ends or fn returns an error.
func (c *Client) Events(ctx context.Context, follow bool, fn func(api.Event) error) error {
	err := c.ask(ctx, request{Op: "events", Follow: follow}, func(line []byte) error {
		var ev api.Event
		if err := json.Unmarshal(line, &ev); err != nil {
			return err
		}
		return fn(ev)
	})
	return wrap("read events", err)
}

// ask sends the request and hands each line of the answer to fn.
func (c *Client) ask(ctx context.Context, req request, fn func(line []byte) error) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w (%s)", ErrNotRunning, c.path)
	case err != nil:
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	// An agent with too many connections refuses before it reads and closes:
	// its reason is there to be read also when the write failed.
	unsent := writeLine(conn, req)
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var r reply
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("read the agent's answer: %w", err)
		}
		if r.Error != "" {
			return &RefusedError{Reason: r.Error}
		}
		if err := fn(lines.Bytes()); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if unsent != nil {
		return unsent
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// wrap says what was tried, once.
func wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", verb, err)
}
