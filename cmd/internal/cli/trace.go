package cli

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/remote"
)

// What -v says, by how often it is given.
const (
	traceAPI = 1
	traceSSH = 2
)

func verbosity(cmd *cobra.Command) int {
	n, _ := cmd.Flags().GetCount("verbose")
	return n
}

// requestLine is one API request as -v writes it: people read it, and tests
// count with it.
type requestLine struct {
	Request string    `json:"request"`
	Query   string    `json:"query,omitempty"`
	Status  int       `json:"status"`
	Start   time.Time `json:"start"`
	MS      float64   `json:"ms"`
	ID      string    `json:"id,omitempty"`
}

func traceRequests(w io.Writer) func(openstack.Request) {
	write := lineWriter(w)
	return func(r openstack.Request) {
		write(requestLine{r.Method + " " + r.Path, r.Query, r.Status, r.Start, milliseconds(r.End.Sub(r.Start)), r.RequestID})
	}
}

// sshCommand is one command on a server as -vv writes it.
type sshCommand struct {
	SSH     string    `json:"ssh"` // user@address
	Command string    `json:"command"`
	Start   time.Time `json:"start"`
	MS      float64   `json:"ms"`
	Error   string    `json:"error,omitempty"`
}

func traceCommands(w io.Writer) func(sshCommand) {
	write := lineWriter(w)
	return func(c sshCommand) { write(c) }
}

// lineWriter writes one JSON object a line, from any goroutine.
func lineWriter(w io.Writer) func(any) {
	var mu sync.Mutex
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(v any) {
		mu.Lock()
		defer mu.Unlock()
		_ = enc.Encode(v) // a trace that cannot be written is no failure
	}
}

// tracedConn is a connection whose commands are told to trace.
type tracedConn struct {
	*remote.Conn
	trace func(sshCommand)
	now   func() time.Time
}

// Run implements remote.Runner.
func (c *tracedConn) Run(ctx context.Context, command string, stdin io.Reader) ([]byte, error) {
	began := c.now()
	out, err := c.Conn.Run(ctx, command, stdin)
	line := sshCommand{
		SSH: c.User() + "@" + c.Address(), Command: shorten(command),
		Start: began, MS: milliseconds(c.now().Sub(began)),
	}
	if err != nil {
		line.Error = err.Error()
	}
	c.trace(line)
	return out, err
}

// shorten is the beginning of a command, which may be a script of many lines.
func shorten(command string) string {
	const most = 100
	command = strings.Join(strings.Fields(command), " ")
	if r := []rune(command); len(r) > most {
		return string(r[:most]) + " ..."
	}
	return command
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
