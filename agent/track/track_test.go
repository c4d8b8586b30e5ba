package track

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

func TestAChangedCheckStartsFromTheVerdictThatItHad(t *testing.T) {
	web := config.Check{Name: "web", TCP: ":80", Interval: api.Duration(time.Second), Timeout: api.Duration(time.Second), Fall: 3, Rise: 2}
	with := func(change func(*config.Check)) config.Check {
		c := web
		change(&c)
		return c
	}
	other := with(func(c *config.Check) { c.Name, c.TCP = "other", ":81" })
	tests := []struct {
		name    string
		set     []config.Check
		failing []string // right after it was set
	}{
		{"another interval", []config.Check{with(func(c *config.Check) { c.Interval *= 2 })}, []string{"web"}},
		{"it asks something else", []config.Check{other, with(func(c *config.Check) { c.TCP = ":8080" })}, []string{"web"}},
		{"another name", []config.Check{with(func(c *config.Check) { c.Name = "site" })}, []string{"site"}},
		{"another check that asks the same", []config.Check{web, with(func(c *config.Check) { c.Name = "site" })}, []string{"web"}},
		{"another name for another question", []config.Check{other}, nil},
		{"it is gone", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refused := errors.New("connection refused")
				var answer atomic.Pointer[error]
				answer.Store(&refused)
				tracker := New(func(config.Check) Probe {
					return func(context.Context) error { return *answer.Load() }
				})
				defer tracker.Close()
				failing := func() (names []string) {
					for _, c := range tracker.Checks() {
						if !c.OK {
							names = append(names, c.Name)
						}
					}
					return names
				}
				tracker.Set([]config.Check{web})
				<-tracker.Changes()
				before := tracker.Checks()[0]
				time.Sleep(500 * time.Millisecond)

				answer.Store(new(error)) // all is well from now on
				tracker.Set(tt.set)
				if diff := cmp.Diff(tt.failing, failing()); diff != "" {
					t.Fatalf("failing (-want +got):\n%s", diff)
				}
				for _, name := range tt.failing {
					if diff := cmp.Diff(Change{Name: name, OK: true}, <-tracker.Changes()); diff != "" {
						t.Errorf("change (-want +got):\n%s", diff)
					}
				}
				if took := time.Since(before.Since); len(tt.failing) > 0 && took < 1500*time.Millisecond {
					t.Errorf("healthy %v after it failed, want two successes", took)
				}
				if !tracker.Healthy() {
					t.Error("still unhealthy")
				}
			})
		})
	}
}

func TestFewCommandsRunAtATimeAndNoneFailsForHavingWaited(t *testing.T) {
	for kind, tt := range map[string]struct {
		check config.Check
		most  int
	}{
		"exec": {config.Check{Exec: []string{"/usr/bin/true"}}, commandsAtOnce},
		"tcp":  {config.Check{TCP: ":22"}, 3 * commandsAtOnce},
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var running, most, ran int
				tracker := New(func(config.Check) Probe {
					return func(ctx context.Context) error {
						mu.Lock()
						running++
						most = max(most, running)
						mu.Unlock()
						time.Sleep(900 * time.Millisecond)
						mu.Lock()
						running--
						ran++
						mu.Unlock()
						return ctx.Err()
					}
				})
				defer tracker.Close()
				checks := make([]config.Check, 3*commandsAtOnce)
				for i := range checks {
					checks[i] = tt.check
					checks[i].Name = strconv.Itoa(i)
					checks[i].Interval, checks[i].Timeout = api.Duration(time.Minute), api.Duration(time.Second)
					checks[i].Fall, checks[i].Rise = 1, 1
				}
				tracker.Set(checks)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if ran != len(checks) || most != tt.most {
					t.Errorf("%d of %d ran, %d at a time; want %d at a time", ran, len(checks), most, tt.most)
				}
				if !tracker.Healthy() {
					t.Errorf("one failed: %+v", tracker.Checks())
				}
			})
		})
	}
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
