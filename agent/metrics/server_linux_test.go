package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/havip/havip/agent/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// freeAddress is a port of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func start(t *testing.T, source Source) (*Server, string) {
	t.Helper()
	s := NewServer(source)
	address := freeAddress(t)
	if err := s.Move(address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, address
}

func healthy(context.Context) (api.Status, error) { return status(), nil }

// do asks without keeping the connection.
func do(t *testing.T, method, address, path string) (code int, body string, err error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	req, err := http.NewRequest(method, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

func TestOnlyThePageIsServed(t *testing.T) {
	_, address := start(t, healthy)
	for _, c := range []struct {
		method, path string
		code         int
		says         string
	}{
		{"GET", "/metrics", 200, `havip_router_state{group="bastion",vrid="51",family="ipv4",interface="ens3",state="active"} 1`},
		{"HEAD", "/metrics", 200, ""},
		{"POST", "/metrics", 405, "only GET and HEAD"},
		{"GET", "/", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
	} {
		code, body, err := do(t, c.method, address, c.path)
		if err != nil || code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %d %v, want %d and %q in\n%s", c.method, c.path, code, err, c.code, c.says, body)
		}
	}
}

func TestAnAgentThatDoesNotAnswerIsAnError(t *testing.T) {
	_, address := start(t, func(context.Context) (api.Status, error) { return api.Status{}, errors.New("the agent is stopping") })
	code, body, err := do(t, "GET", address, "/metrics")
	if err != nil || code != 503 || body != "the agent is stopping\n" {
		t.Errorf("%d %q %v", code, body, err)
	}
}

func TestAServerMoves(t *testing.T) {
	s, first := start(t, healthy)
	serves := func(address string) bool {
		code, _, err := do(t, "GET", address, "/metrics")
		return err == nil && code == 200
	}
	second := freeAddress(t)
	if err := s.Move(second); err != nil {
		t.Fatal(err)
	}
	if serves(first) || !serves(second) {
		t.Error("it did not move")
	}
	// The same port of all addresses, which the server itself is in the way of.
	_, port, _ := net.SplitHostPort(second)
	if err := s.Move(":" + port); err != nil {
		t.Fatal(err)
	}
	if !serves(second) || s.Address() != ":"+port {
		t.Error("it did not widen")
	}

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := s.Move(taken.Addr().String()); err == nil {
		t.Error("it moved to an address that is taken")
	}
	if !serves(second) || s.Address() != ":"+port {
		t.Error("after an address that is taken it is not where it was")
	}

	if err := s.Move(""); err != nil {
		t.Fatal(err)
	}
	if serves(second) {
		t.Error("it is not off")
	}
}

func TestWhatClientsMayCostIsBounded(t *testing.T) {
	_, address := start(t, healthy)
	t.Run("a long header is refused", func(t *testing.T) {
		conn := dial(t, address)
		// net/http reads 4096 bytes more than it is told.
		fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 3*maxHeader))
		answer, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
			t.Errorf("answer %.40q, want 431", answer)
		}
	})
	t.Run("more connections wait", func(t *testing.T) {
		var open []net.Conn
		for range maxConnections {
			open = append(open, dial(t, address))
		}
		waiting := dial(t, address)
		fmt.Fprint(waiting, "GET /metrics HTTP/1.0\r\n\r\n")
		if err := waiting.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := waiting.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Fatal("it was answered")
		}
		open[0].Close()
		if err := waiting.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(waiting); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 200 ") {
			t.Errorf("answer %.40q %v after one left", answer, err)
		}
	})
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}
