// Package control is the agent's unix socket: one request per connection, a
// line of JSON each way, and for events a stream of lines. It has both sides.
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
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
)

// The bounds of a server. The socket's mode lets only root and the agent's
// group in; the bounds keep a broken client of theirs from holding the agent.
const (
	maxConnections = 16
	maxRequest     = 4096
	ioTimeout      = 5 * time.Second
	followTimeout  = 30 * time.Second // of a reader of events that does not read
	dialTimeout    = time.Second
	acceptRetry    = 100 * time.Millisecond
	socketMode     = 0o660
	directoryMode  = 0o755
)

// Agent is what the socket shows of an agent.
type Agent interface {
	Status(ctx context.Context) (api.Status, error)
	Switchover(ctx context.Context) error
	// Events returns the kept events whose Seq is greater than after, and a
	// channel that is closed when there are more.
	Events(after uint64) (events []api.Event, more <-chan struct{})
}

// request is the line that a client sends.
type request struct {
	Op     string `json:"op"` // status, events or switchover
	Follow bool   `json:"follow,omitempty"`
}

// reply is the line that answers a switchover and anything that failed.
type reply struct {
	OK    bool   `json:"ok,omitempty"`
	Error string `json:"error,omitempty"`
}

// InUseError says that another agent answers on the socket.
type InUseError struct{ Path string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("control socket %q is in use: another agent runs with this configuration", e.Path)
}

// Server answers on a unix socket.
type Server struct {
	listener net.Listener
	slots    chan struct{} // one token per open connection
}

// Listen makes the socket, and its folder if that is missing. A socket that
// an agent left behind when it was killed is replaced; one that is answered is
// an *InUseError.
func Listen(path string) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(path), directoryMode); err != nil {
		return nil, fmt.Errorf("make folder of control socket: %w", err)
	}
	if conn, err := net.DialTimeout("unix", path, dialTimeout); err == nil {
		return nil, errors.Join(&InUseError{Path: path}, conn.Close())
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove stale control socket: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on control socket: %w", err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("set mode of control socket: %w", err), l.Close())
	}
	return &Server{listener: l, slots: make(chan struct{}, maxConnections)}, nil
}

// Close removes the socket. A Serve that runs returns.
func (s *Server) Close() error { return s.listener.Close() }

// Serve answers until ctx ends or the server is closed, and waits for the
// connections that it has.
func (s *Server) Serve(ctx context.Context, agent Agent) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, say: that passes
			select {
			case <-time.After(acceptRetry):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case s.slots <- struct{}{}:
		default:
			refuse(conn)
			continue
		}
		wg.Go(func() {
			defer func() { <-s.slots }()
			serveConn(ctx, conn, agent)
		})
	}
}

// refuse tells a client that there are too many of them.
func refuse(conn net.Conn) {
	defer conn.Close()
	_ = writeLine(conn, reply{Error: fmt.Sprintf("more than %d connections to the agent", maxConnections)})
}

// serveConn answers the one request of a connection. A client that went away
// is no one's error.
func serveConn(ctx context.Context, conn net.Conn, agent Agent) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	req, err := readRequest(conn)
	if err != nil {
		_ = writeLine(conn, reply{Error: err.Error()})
		return
	}
	switch req.Op {
	case "status":
		status, err := agent.Status(ctx)
		if err != nil {
			_ = writeLine(conn, reply{Error: err.Error()})
			return
		}
		_ = writeLine(conn, status)
	case "switchover":
		if err := agent.Switchover(ctx); err != nil {
			_ = writeLine(conn, reply{Error: err.Error()})
			return
		}
		_ = writeLine(conn, reply{OK: true})
	case "events":
		// Nothing more is expected from the client: a read that ends means
		// that it left.
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			cancel()
		}()
		streamEvents(ctx, conn, agent, req.Follow)
	default:
		_ = writeLine(conn, reply{Error: fmt.Sprintf("unknown operation %q", req.Op)})
	}
}

// readRequest reads the request's line.
func readRequest(conn net.Conn) (request, error) {
	var req request
	if err := conn.SetReadDeadline(time.Now().Add(ioTimeout)); err != nil {
		return req, err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, maxRequest)).ReadBytes('\n')
	if err != nil {
		return req, fmt.Errorf("read request: %w", err)
	}
	if err := json.Unmarshal(line, &req); err != nil {
		return req, fmt.Errorf("read request: %w", err)
	}
	return req, conn.SetReadDeadline(time.Time{})
}

// streamEvents writes the kept events and, when follow is set, each new one.
// A client that reads too slowly loses events, which the gap in Seq shows.
func streamEvents(ctx context.Context, conn net.Conn, agent Agent, follow bool) {
	var last uint64
	for {
		events, more := agent.Events(last)
		for _, ev := range events {
			if err := writeLineWithin(conn, ev, followTimeout); err != nil {
				return
			}
			last = ev.Seq
		}
		if !follow {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

// writeLine writes v as one line.
func writeLine(conn net.Conn, v any) error { return writeLineWithin(conn, v, ioTimeout) }

func writeLineWithin(conn net.Conn, v any, limit time.Duration) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err = conn.Write(append(b, '\n'))
	return err
}
