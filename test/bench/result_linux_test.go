package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms1 = time.Millisecond

func TestTheSpreadOfRounds(t *testing.T) {
	tests := []struct {
		name   string
		values []time.Duration
		want   spread
	}{
		{"none", nil, spread{}},
		{"one", []time.Duration{7}, spread{7, 7, 7}},
		{"an odd number", []time.Duration{9, 1, 5}, spread{1, 5, 9}},
		{"an even number: between the two in the middle", []time.Duration{8, 2, 4, 100}, spread{2, 6, 100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var rounds []Round
			for _, v := range tt.values {
				rounds = append(rounds, Round{Silence: v})
			}
			got := spreadOf(rounds, func(r Round) time.Duration { return r.Silence })
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(spread{})); diff != "" {
				t.Errorf("spread (-want +got):\n%s", diff)
			}
		})
	}
}

// good is a result that meets every goal.
func good() *Result {
	r := &Result{}
	for _, c := range contenders() {
		for _, f := range faults() {
			x := Round{Contender: c.Name, Fault: f.Name, Interval: time.Second, Probes: 1000, SinceAdvert: 3030 * ms1}
			if f.Name == linkCut {
				x.Silence = 2500 * ms1
			}
			x.StillTwo = f.lasting && c.Name != havip
			r.Rounds = append(r.Rounds, x)
		}
		for _, active := range []bool{true, false} {
			r.Costs = append(r.Costs, Usage{Contender: c.Name, Interval: time.Second, Routers: 1, Active: active, CPU: 1, PSS: 3000})
		}
	}
	return r
}

func TestGoals(t *testing.T) {
	tests := []struct {
		name  string
		bend  func(round *Round, cost *Usage) // those of the agent
		fault string
		want  []string // what is missed
	}{
		{"all met", func(*Round, *Usage) {}, linkCut, nil},
		{"a probe is lost", func(x *Round, _ *Usage) { x.Silence = ms1 }, switchover, []string{"switchover at 1s: 1.0 ms"}},
		{"a longer cut", func(x *Round, _ *Usage) { x.SinceAdvert += 3 * ms1 }, linkCut, []string{"at 1s: 3033 ms against 3030"}},
		{"a cut as long as probes can tell", func(x *Round, _ *Usage) { x.SinceAdvert += ms1 }, linkCut, nil},
		{"two owners for ever", func(x *Round, _ *Usage) { x.StillTwo = true }, frozen, []string{"SIGSTOP at 1s: 1 rounds"}},
		{"more processor", func(_ *Round, u *Usage) { u.CPU = 1.1 }, linkCut, []string{"1 routers at 1s (active)"}},
		{"twice the memory", func(_ *Round, u *Usage) { u.PSS *= 2 }, linkCut, nil},
		{"more memory", func(_ *Round, u *Usage) { u.PSS = 2*u.PSS + 1 }, linkCut, []string{"1 routers at 1s (active)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := good()
			for i := range r.Rounds {
				if x := &r.Rounds[i]; x.Contender == havip && x.Fault == tt.fault {
					tt.bend(x, &r.Costs[0])
				}
			}
			var missed []string
			for _, g := range r.judged() {
				missed = append(missed, g.missed...)
			}
			if diff := cmp.Diff(tt.want, missed); diff != "" {
				t.Errorf("missed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheTablesReplaceWhatIsBetweenTheMarks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "performance.md")
	must(t, os.WriteFile(file, []byte("before\n"+begin+"old\n"+end+"after\n"), 0o600))
	for range 2 { // the second time changes nothing
		must(t, replaceTables(file, "new\n"))
		got, err := os.ReadFile(file)
		must(t, err)
		if diff := cmp.Diff("before\n"+begin+"\nnew\n\n"+end+"after\n", string(got)); diff != "" {
			t.Errorf("document (-want +got):\n%s", diff)
		}
	}
	must(t, os.WriteFile(file, []byte("no marks"), 0o600))
	if err := replaceTables(file, "new"); err == nil || !strings.Contains(err.Error(), "marks") {
		t.Errorf("a document without marks: %v", err)
	}
	ours, err := os.ReadFile(filepath.Join("..", "..", "docs", "performance.md"))
	must(t, err)
	must(t, os.WriteFile(file, ours, 0o600))
	must(t, replaceTables(file, "new")) // ours has the marks
}

func TestTheShareThatTheHypervisorGaveToOthers(t *testing.T) {
	from := parseTicks("cpu  100 0 50 800 10 0 5 35 0 0")
	to := parseTicks("cpu  150 0 80 880 10 0 5 75 40 0")
	if from.all != 1000 || from.stolen != 35 {
		t.Errorf("%+v, want 35 of 1000", from)
	}
	if got := to.since(from); got != 0.2 { // 40 of 200; a guest's 40 are the user's as well
		t.Errorf("stolen %v, want 0.2", got)
	}
	if got := parseTicks("unreadable").since(ticks{}); got != 0 {
		t.Errorf("of nothing %v was stolen", got)
	}
}
