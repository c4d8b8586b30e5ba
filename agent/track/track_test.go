package track

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

func TestAVerdictNeedsResultsInARow(t *testing.T) {
	tests := []struct {
		name    string
		results string // + and -
		want    string // the verdict after each
	}{
		{"healthy at first", "+", "+"},
		{"two failures are not three", "--+--+", "++++++"},
		{"three failures", "---", "++-"},
		{"one success is not two", "---+-+", "++----"},
		{"two successes", "---++-", "++--++"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := counter{ok: true, fall: 3, rise: 2}
			var got strings.Builder
			for _, r := range tt.results {
				before := c.ok
				if changed := c.count(r == '+'); changed != (before != c.ok) {
					t.Errorf("count says changed=%t, the verdict went from %t to %t", changed, before, c.ok)
				}
				got.WriteByte(map[bool]byte{true: '+', false: '-'}[c.ok])
			}
			if got.String() != tt.want {
				t.Errorf("verdicts of %s are %s, want %s", tt.results, got.String(), tt.want)
			}
		})
	}
}

func TestATrackerReportsChangesAndKeepsWhatStaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		answers := map[string]error{"a": down}
		tracker := New(func(c config.Check) Probe {
			return func(context.Context) error { return answers[c.Name] }
		})
		defer tracker.Close()
		check := func(name string) config.Check {
			return config.Check{Name: name, Interval: api.Duration(time.Second), Timeout: api.Duration(time.Second), Fall: 3, Rise: 2}
		}
		began := time.Now()
		tracker.Set([]config.Check{check("a"), check("b")})
		if !tracker.Healthy() {
			t.Error("unhealthy before a check has failed often enough")
		}
		got := <-tracker.Changes()
		if diff := cmp.Diff(Change{Name: "a", Why: "connection refused"}, got); diff != "" {
			t.Errorf("change (-want +got):\n%s", diff)
		}
		if after := time.Since(began); after != 2*time.Second {
			t.Errorf("unhealthy after %v, want 2s: probes at 0, 1 and 2 s", after)
		}
		if tracker.Healthy() {
			t.Error("healthy while a check fails")
		}
		before := tracker.Checks()

		tracker.Set([]config.Check{check("c"), check("a")}) // b goes, c comes
		after := tracker.Checks()
		if diff := cmp.Diff([]string{"c", "a"}, []string{after[0].Name, after[1].Name}); diff != "" {
			t.Errorf("checks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before[0], after[1]); diff != "" {
			t.Errorf("the check that stayed lost its verdict (-want +got):\n%s", diff)
		}
		tracker.Set(nil)
		if !tracker.Healthy() {
			t.Error("unhealthy without checks")
		}
	})
}

func TestAProbeThatHangsFailsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := probeOnce(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, 300*time.Millisecond)
		if err == nil || err.Error() != "no answer within 300ms" {
			t.Errorf("error %v, want one that names the limit", err)
		}
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("took %v, want 300ms", took)
		}
	})
}

func TestProbes(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/broken", http.StatusFound) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	server := httptest.NewServer(mux)
	defer server.Close()
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
		fails string // part of the error; empty: healthy
	}{
		{"tcp port that listens", config.Check{TCP: server.Listener.Addr().String()}, ""},
		{"tcp port of this server", config.Check{TCP: ":" + port}, ""},
		{"tcp port that is closed", config.Check{TCP: closed}, "refused"},
		{"http 200", config.Check{HTTP: server.URL + "/ok"}, ""},
		{"http redirect, not followed", config.Check{HTTP: server.URL + "/moved"}, ""},
		{"http 503", config.Check{HTTP: server.URL + "/broken"}, "503"},
		{"http without server", config.Check{HTTP: "http://" + closed}, "refused"},
		{"a kind that is not known", config.Check{Name: "new"}, "no kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := probeOnce(t.Context(), NewProbe(tt.check), 30*time.Second)
			switch {
			case tt.fails == "" && err != nil:
				t.Errorf("unhealthy: %v", err)
			case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
				t.Errorf("error %v, want one with %q", err, tt.fails)
			}
		})
	}
}
