package openstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wireScript answers requests in turn and keeps their bodies.
type wireScript struct {
	steps  []step
	bodies []string
	at     []time.Time
}

type step struct {
	status int
	after  string // Retry-After
	err    error
}

func (s *wireScript) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		text, _ := io.ReadAll(r.Body)
		body = string(text)
	}
	s.bodies = append(s.bodies, body)
	s.at = append(s.at, time.Now())
	next := s.steps[min(len(s.at), len(s.steps))-1]
	if next.err != nil {
		return nil, next.err
	}
	header := http.Header{}
	if next.after != "" {
		header.Set("Retry-After", next.after)
	}
	return &http.Response{StatusCode: next.status, Header: header, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func TestRequestsAreRepeatedWhereThatIsSafe(t *testing.T) {
	reset := fmt.Errorf("read tcp: %w", syscall.ECONNRESET)
	cases := map[string]struct {
		method   string
		steps    []step
		attempts int
		status   int // 0: an error
	}{
		"a read after a busy gateway":           {"GET", []step{{status: 503}, {status: 502}, {status: 200}}, 3, 200},
		"a read after a broken connection":      {"GET", []step{{err: reset}, {err: io.ErrUnexpectedEOF}, {status: 200}}, 3, 200},
		"a read, but not for ever":              {"GET", []step{{status: 503}}, maxAttempts, 503},
		"a broken connection, but not for ever": {"GET", []step{{err: reset}}, maxAttempts, 0},
		"a read that was refused, not":          {"GET", []step{{status: 409}}, 1, 409},
		"a read that failed inside, not":        {"GET", []step{{status: 500}}, 1, 500},
		"a read that reached nobody, not":       {"GET", []step{{err: syscall.ECONNREFUSED}}, 1, 0},
		"a change that was too much at a time":  {"PUT", []step{{status: 429}, {status: 200}}, 2, 200},
		"a change after a busy gateway, not":    {"PUT", []step{{status: 503}}, 1, 503},
		"a change whose answer was lost, not":   {"POST", []step{{err: reset}}, 1, 0},
		"a deletion whose answer was lost, not": {"DELETE", []step{{err: io.EOF}}, 1, 0},
		"what is to wait longer than we do":     {"GET", []step{{status: 429, after: "31"}}, 1, 429},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := &wireScript{steps: tc.steps}
				req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://x/", strings.NewReader("body"))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := retrier{next: script}.RoundTrip(req)
				if (err != nil) != (tc.status == 0) {
					t.Fatalf("got %v, %v", resp, err)
				}
				if err == nil && resp.StatusCode != tc.status {
					t.Errorf("status is %d, want %d", resp.StatusCode, tc.status)
				}
				want := make([]string, tc.attempts)
				for i := range want {
					want[i] = "body"
				}
				if diff := cmp.Diff(want, script.bodies); diff != "" {
					t.Errorf("bodies of the attempts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestPausesGrowOrAreWhatTheServiceAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in9s := time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)
		script := &wireScript{steps: []step{{status: 429, after: "7"}, {status: 429, after: in9s}, {status: 429}, {status: 200}}}
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://x/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (retrier{next: script}).RoundTrip(req); err != nil {
			t.Fatal(err)
		}
		var gaps []time.Duration
		for i := 1; i < len(script.at); i++ {
			gaps = append(gaps, script.at[i].Sub(script.at[i-1]))
		}
		// The date counts from the start, 7 s of which are over. The last pause
		// is the third of the schedule: 2 s and up to a quarter of it.
		if gaps[0] != 7*time.Second || gaps[1] != 2*time.Second || gaps[2] < 2*time.Second || gaps[2] >= 2500*time.Millisecond {
			t.Errorf("pauses are %v", gaps)
		}
	})
}

func TestPauseEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		script := &wireScript{steps: []step{{status: 429, after: "20"}}}
		req, err := http.NewRequestWithContext(ctx, "GET", "http://x/", nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = retrier{next: script}.RoundTrip(req)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}
