package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
)

const patience = 30 * time.Second

// fakeAgent has a status, a refusal and events.
type fakeAgent struct {
	status  api.Status
	refusal error

	mu     sync.Mutex
	events []api.Event
	more   chan struct{}
}

func (a *fakeAgent) Status(context.Context) (api.Status, error) { return a.status, nil }
func (a *fakeAgent) Switchover(context.Context) error           { return a.refusal }

func (a *fakeAgent) Events(after uint64) ([]api.Event, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]api.Event(nil), a.events[after:]...), a.more
}

func (a *fakeAgent) happen(kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, api.Event{Seq: uint64(len(a.events) + 1), Kind: kind})
	close(a.more)
	a.more = make(chan struct{})
}

// serve runs a server for the agent and returns its socket.
func serve(t *testing.T, agent Agent) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run", "control.sock")
	s, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		s.Serve(ctx, agent)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the server did not end with its context")
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
	return path
}

func newAgent() *fakeAgent { return &fakeAgent{more: make(chan struct{})} }

func TestAStatusArrivesAsItWasGiven(t *testing.T) {
	agent := newAgent()
	agent.status = api.Status{
		Version: api.Version,
		Group:   "bastion",
		Routers: []api.Router{{VRID: 51, State: api.Active, Interval: api.Duration(300 * time.Millisecond)}},
		Checks:  []api.Check{{Name: "ssh", OK: true}},
	}
	got, err := NewClient(serve(t, agent)).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(agent.status)
	if err != nil {
		t.Fatal(err)
	}
	have, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestASwitchoverIsDoneOrRefusedWithAReason(t *testing.T) {
	agent := newAgent()
	client := NewClient(serve(t, agent))
	if err := client.Switchover(t.Context()); err != nil {
		t.Error(err)
	}
	agent.refusal = errors.New("health check \"web\" fails")
	err := client.Switchover(t.Context())
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Reason != agent.refusal.Error() {
		t.Errorf("error %v, want a *RefusedError with the agent's reason", err)
	}
}

func TestEventsComeInOrderAndGoOnWhenFollowed(t *testing.T) {
	agent := newAgent()
	agent.happen("transition")
	agent.happen("announce")
	client := NewClient(serve(t, agent))

	var kept []uint64
	err := client.Events(t.Context(), false, func(ev api.Event) error {
		kept = append(kept, ev.Seq)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{1, 2}, kept); diff != "" {
		t.Errorf("kept events (-want +got):\n%s", diff)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var followed []uint64
	err = client.Events(ctx, true, func(ev api.Event) error {
		followed = append(followed, ev.Seq)
		switch ev.Seq {
		case 2, 3:
			agent.happen("vip")
		case 4:
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("following ended with %v, want that it was cancelled", err)
	}
	if diff := cmp.Diff([]uint64{1, 2, 3, 4}, followed); diff != "" {
		t.Errorf("followed events (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoRequestIsAnswered(t *testing.T) {
	path := serve(t, newAgent())
	for _, tt := range []struct{ name, line, want string }{
		{"unknown operation", `{"op":"explode"}`, `unknown operation "explode"`},
		{"not JSON", `status`, "read request"},
		{"too long", `{"op":"` + strings.Repeat("x", maxRequest) + `"}`, "read request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			// A server that has seen enough closes, and the write may fail.
			_, _ = conn.Write([]byte(tt.line + "\n"))
			answer, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			var r reply
			if err := json.Unmarshal([]byte(answer), &r); err != nil || !strings.Contains(r.Error, tt.want) {
				t.Errorf("answer %q (%v), want an error with %q", answer, err, tt.want)
			}
		})
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	agent := newAgent()
	agent.happen("transition")
	client := NewClient(serve(t, agent))
	ctx, cancel := context.WithCancel(t.Context())
	var followers sync.WaitGroup
	defer followers.Wait()
	defer cancel()
	connected := make(chan struct{})
	for range maxConnections {
		followers.Go(func() {
			_ = client.Events(ctx, true, func(api.Event) error {
				connected <- struct{}{}
				return nil
			})
		})
		<-connected
	}
	// Often, because the agent's refusal races with the client's request.
	for range 500 {
		var refused *RefusedError
		if _, err := client.Status(t.Context()); !errors.As(err, &refused) {
			t.Fatalf("connection %d: %v, want a refusal", maxConnections+1, err)
		}
	}
}

func TestASocketIsTakenOverFromTheDeadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	var inUse *InUseError
	if _, err := Listen(path); !errors.As(err, &inUse) {
		t.Errorf("Listen on a socket that is answered: %v, want an *InUseError", err)
	}
	l.SetUnlinkOnClose(false) // as after kill -9
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := NewClient(path).Switchover(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("switchover through a dead socket: %v, want %v", err, ErrNotRunning)
	}
	s, err := Listen(path)
	if err != nil {
		t.Fatalf("Listen on a dead socket: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("mode of the socket: %v (%v), want %o", info.Mode(), err, socketMode)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := NewClient(path).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status of no socket: %v, want %v", err, ErrNotRunning)
	}
}

// What is in the socket's place and is no socket is not ours to remove.
func TestAFileInTheSocketsPlaceIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("Listen replaced a file that is no socket")
	}
	if text, err := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
}
