package track

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/agent/config"
)

// verdict runs the probe of a check once, with patience. fails is part of the
// error that is wanted; empty: healthy.
func verdict(t *testing.T, c config.Check, fails string) {
	t.Helper()
	p := NewProber(nil)
	defer p.Close()
	want(t, probeOnce(t.Context(), p.Probe(c), 30*time.Second), fails)
}

func want(t *testing.T, err error, fails string) {
	t.Helper()
	switch {
	case fails == "" && err != nil:
		t.Errorf("unhealthy: %v", err)
	case fails != "" && (err == nil || !strings.Contains(err.Error(), fails)):
		t.Errorf("error %v, want one with %q", err, fails)
	}
}

func TestTCPAndHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/broken", http.StatusFound) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	server := httptest.NewServer(mux)
	defer server.Close()
	secure := httptest.NewTLSServer(mux)
	defer secure.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := gone.Addr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}

	tests := []struct {
		name  string
		check config.Check
		fails string
	}{
		{"tcp port that listens", config.Check{TCP: server.Listener.Addr().String()}, ""},
		{"tcp port of this server", config.Check{TCP: ":" + port}, ""},
		{"tcp port that is closed", config.Check{TCP: closed}, "refused"},
		{"http 200", config.Check{HTTP: server.URL + "/ok"}, ""},
		{"http redirect, not followed", config.Check{HTTP: server.URL + "/moved"}, ""},
		{"http 503", config.Check{HTTP: server.URL + "/broken"}, "status 503"},
		{"http 503 that is expected", config.Check{HTTP: server.URL + "/broken", Status: []int{200, 503}}, ""},
		{"http 200 that is not expected", config.Check{HTTP: server.URL + "/ok", Status: []int{204}}, "status 200"},
		{"http without server", config.Check{HTTP: "http://" + closed}, "refused"},
		{"https with a certificate of nobody", config.Check{HTTP: secure.URL + "/ok"}, "certificate"},
		{"https with any certificate", config.Check{HTTP: secure.URL + "/ok", Insecure: true}, ""},
		{"a kind that is not known", config.Check{Name: "new"}, "no kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { verdict(t, tt.check, tt.fails) })
	}
}
