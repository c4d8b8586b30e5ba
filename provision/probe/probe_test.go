package probe

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/provision/spec"
)

var loopback = netip.MustParseAddr("127.0.0.1")

func TestHTTPAsksForTheHostOfTheURLAtTheAddress(t *testing.T) {
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Host, "vip.example:") || r.URL.Path != "/health" {
			t.Errorf("asked for %s%s", r.Host, r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	how := spec.Verify{Kind: spec.VerifyHTTP, URL: "http://vip.example:" + port + "/health"}
	if err := Once(t.Context(), how, loopback); err != nil {
		t.Error(err)
	}
	status = http.StatusServiceUnavailable
	if err := Once(t.Context(), how, loopback); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("an error of the server: got %v", err)
	}
}

func TestUntilWaitsForAnAnswerAndTellsTheLastFailure(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	how := spec.Verify{Kind: spec.VerifyTCP, Port: l.Addr().(*net.TCPAddr).Port}
	if err := Until(t.Context(), how, loopback); err != nil {
		t.Error(err)
	}
	l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := Until(ctx, how, loopback); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a closed port: got %v", err)
	}
}
