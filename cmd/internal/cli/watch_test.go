package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/cmd/internal/ui"
)

// script is a watcher that sees what it was told, and then ends the watch.
type script struct {
	rounds []round
	times  []time.Time
	end    context.CancelFunc
}

type round struct {
	r   *seen
	err error
}

func (s *script) look(ctx context.Context) (*seen, error) {
	s.times = append(s.times, time.Now())
	if len(s.rounds) == 0 {
		s.end()
		return nil, ctx.Err()
	}
	next := s.rounds[0]
	s.rounds = s.rounds[1:]
	return next.r, next.err
}

func (s *script) Close() error { return nil }

func good() *seen { return &seen{ui.ListView{}, true} }

func TestAWatchGoesOnUntilCtrlC(t *testing.T) {
	failed := errors.New("list ports: no answer")
	cases := map[string]struct {
		rounds    []round
		format    ui.Format
		out, errs []string // counted: one of each
		err       error
		looks     int
	}{
		"round after round": {
			rounds: []round{{good(), nil}, {good(), nil}}, format: ui.Table,
			out: []string{"no groups", "no groups"}, looks: 3,
		},
		"the first round fails": {
			rounds: []round{{nil, failed}, {good(), nil}}, format: ui.Table, err: failed, looks: 1,
		},
		"a later round fails and does not end it": {
			rounds: []round{{good(), nil}, {nil, failed}, {good(), nil}}, format: ui.Table,
			out: []string{"no groups", "error: list ports: no answer", "no groups"}, looks: 4,
		},
		"in JSON a failed round is an object": {
			rounds: []round{{good(), nil}, {nil, failed}}, format: ui.JSON,
			out: []string{`{"version":1,"kind":"list"`, `{"version":1,"kind":"error"`}, looks: 3,
		},
		"what could be seen is shown, and what not is said": {
			rounds: []round{{good(), failed}}, format: ui.Table,
			out: []string{"no groups"}, errs: []string{"error: list ports: no answer"}, looks: 2,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var out, errs bytes.Buffer
				a := newApp(ui.Streams{Out: &out, Err: &errs}, "dev")
				a.format = c.format
				w := &script{rounds: c.rounds, end: cancel}
				if err := a.watch(ctx, w, 2*time.Second); !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				inOrder(t, out.String(), c.out)
				inOrder(t, errs.String(), c.errs)
				if len(w.times) != c.looks {
					t.Errorf("it looked %d times, want %d", len(w.times), c.looks)
				}
				for i := 1; i < len(w.times); i++ {
					if d := w.times[i].Sub(w.times[i-1]); d != 2*time.Second {
						t.Errorf("round %d came after %v", i, d)
					}
				}
			})
		})
	}
}

// inOrder wants each part once, one behind the other.
func inOrder(t *testing.T, text string, parts []string) {
	t.Helper()
	rest := text
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
		rest = after
	}
	if len(parts) == 0 && text != "" {
		t.Errorf("unexpected: %q", text)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestAWatchThatNobodyReadsEnds(t *testing.T) {
	a := newApp(ui.Streams{Out: closedPipe{}, Err: &bytes.Buffer{}}, "dev")
	a.format = ui.Table
	w := &script{rounds: []round{{good(), nil}, {good(), nil}}}
	if err := a.watch(t.Context(), w, time.Hour); err != nil || len(w.times) != 1 {
		t.Errorf("got %v after %d rounds", err, len(w.times))
	}
}

func TestAResultThatNobodyReadsIsNoFailure(t *testing.T) {
	clean(t)
	newCloud(t)
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"list"}, ui.Streams{Out: closedPipe{}, Err: &errs}, "dev"); code != 0 || errs.Len() > 0 {
		t.Errorf("code %d: %s", code, errs.String())
	}
}

func TestOneRoundTellsHowItIsByItsExitCode(t *testing.T) {
	failed := errors.New("failed")
	cases := map[string]struct {
		r     *seen
		err   error
		code  int
		shown bool
	}{
		"healthy":                   {r: good(), code: ui.ExitDone, shown: true},
		"degraded":                  {r: &seen{ui.ListView{}, false}, code: ui.ExitDiffers, shown: true},
		"nothing could be seen":     {err: failed, code: ui.ExitFailed},
		"only a part could be seen": {r: good(), err: failed, code: ui.ExitFailed, shown: true},
		"degraded, and only a part": {r: &seen{ui.ListView{}, false}, err: failed, code: ui.ExitFailed, shown: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			a := newApp(ui.Streams{Out: &out}, "dev")
			a.format = ui.JSON
			code := ui.Code(a.round(c.r, c.err))
			if code != c.code || (out.Len() > 0) != c.shown {
				t.Errorf("code %d, want %d; shown: %q", code, c.code, out.String())
			}
		})
	}
}
