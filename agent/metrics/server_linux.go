package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/api"
)

// The bounds of a server: whoever reaches it costs the agent no more than this.
const (
	maxConnections = 8
	maxHeader      = 4096
	readTimeout    = 5 * time.Second
	writeTimeout   = 10 * time.Second
	statusTimeout  = 5 * time.Second
	contentType    = "text/plain; version=0.0.4; charset=utf-8"
)

// Source is asked once for each scrape.
type Source func(context.Context) (api.Status, error)

// Server serves /metrics at one address, or at none.
type Server struct {
	source  Source
	serving sync.WaitGroup

	mu      sync.Mutex
	address string
	http    *http.Server // nil without an address
}

// NewServer makes a server that does not listen yet.
func NewServer(source Source) *Server { return &Server{source: source} }

// Address is where the server listens; empty when it is off.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// Move has the server listen at another address; an empty one switches it off.
// On an error it goes on where it was.
func (s *Server) Move(address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if address == s.address {
		return nil
	}
	next, err := s.listen(address)
	if errors.Is(err, unix.EADDRINUSE) && s.http != nil {
		// By this server perhaps: the port may be the same, and the host another.
		_ = s.http.Close()
		if next, err = s.listen(address); err != nil {
			var again error
			if s.http, again = s.listen(s.address); again != nil {
				s.address = ""
			}
			return errors.Join(err, again)
		}
	}
	if err != nil {
		return err
	}
	if s.http != nil {
		_ = s.http.Close() // ends its connections; nothing of it is left to fail
	}
	s.http, s.address = next, address
	return nil
}

// listen begins to serve at an address; the server is nil for an empty one.
func (s *Server) listen(address string) (*http.Server, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(s.get),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		MaxHeaderBytes:    maxHeader,
		// What clients do wrong is not the agent's log's concern.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server.SetKeepAlivesEnabled(false) // one request for each connection, which are paced
	s.serving.Go(func() { _ = server.Serve(netutil.LimitListener(&paced{Listener: l}, maxConnections)) })
	return server, nil
}

// Close switches the server off and waits for what it was doing.
func (s *Server) Close() error {
	err := s.Move("")
	s.serving.Wait()
	return err
}

// get answers one request.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), statusTimeout, errors.New("the agent does not answer"))
	defer cancel()
	status, err := s.source(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(page(status, readProcess(status.Started))) // a client that left is no one's error
}
