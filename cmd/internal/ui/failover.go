package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/havip/havip/provision/failover"
)

// FailoverView is what a failover test came to.
type FailoverView struct{ Report failover.Report }

// Human implements View.
func (v FailoverView) Human(w io.Writer) {
	rep := v.Report
	t := &table{header: []string{"round", "fault", "active", "then", "outside", "inside", "failback", "lost", "two owners", "verdict"}}
	for _, r := range rep.Rounds {
		if r.Verdict == failover.NotPossible {
			t.add("-", string(r.Fault.Name), "", "", "", "", "", "", "", "not possible here")
			continue
		}
		lost := 0
		for _, p := range r.Paths {
			if !p.Control {
				lost += p.Lost
			}
		}
		t.add(fmt.Sprint(r.Number), string(r.Fault.Name), r.Before, r.Then(),
			silence(r, failover.Outside), silence(r, failover.Inside), failback(r), fmt.Sprint(lost),
			Millis(r.TwoOwners), string(r.Verdict))
	}
	if len(rep.Rounds) > 0 {
		t.write(w, 0)
		fmt.Fprintln(w)
	}
	for _, r := range rep.Rounds {
		for _, why := range r.Why {
			fmt.Fprintf(w, " %-12s  %s: %s\n", r.Verdict, r.Fault.Name, why)
		}
	}
	if r, ok := rep.Slowest(); ok {
		fmt.Fprintf(w, " %-12s  %s  %s: %s\n", "slowest", r.Fault.Name, r.Silences(Millis), shares(r))
	}
	if rep.Broken != "" {
		fmt.Fprintf(w, " %-12s  %s\n", "broken off", rep.Broken)
	}
	restored := "yes"
	if len(rep.Left) > 0 {
		restored = "NO"
	}
	fmt.Fprintf(w, " %-12s  %s   %s   restored: %s\n", "limit", Millis(rep.Limits.Downtime), strings.ToUpper(string(rep.Verdict())), restored)
}

func silence(r failover.Round, path string) string {
	for _, p := range r.Paths {
		if p.Name == path && !p.Control {
			if p.Asked == 0 || p.Asked == p.Lost {
				return "no answer"
			}
			return Millis(p.Failover)
		}
	}
	return "-"
}

// failback is the longest silence when the fault was undone, of a fault that is.
func failback(r failover.Round) string {
	if r.Fault.Place == failover.ByAgent || len(r.Paths) == 0 {
		return "-"
	}
	return Millis(r.Failback())
}

// shares is "detection 900 ms, takeover 8 ms", or why there are none.
func shares(r failover.Round) string {
	switch {
	case len(r.Layers) > 0:
	case r.Before == "":
		return "the fault was not made"
	case r.Stayed():
		return "the VIP stayed"
	case r.After == "":
		return "nobody took over"
	default:
		return r.After + " did not tell when it took over"
	}
	var words []string
	for _, s := range r.Layers {
		words = append(words, fmt.Sprintf("%s %s", s.Layer, Millis(s.Took)))
	}
	return strings.Join(words, ", ")
}

// Millis is a duration as failover tests show it: "0.94 s" or "31 ms".
func Millis(d time.Duration) string {
	if d >= 100*time.Millisecond {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

type failoverObject struct {
	Header
	Group   string        `json:"group"`
	Verdict string        `json:"verdict"`
	Probe   string        `json:"probe"`
	EveryMS float64       `json:"every_ms"`
	Limits  limitsObject  `json:"limits"`
	Rounds  []roundObject `json:"rounds"`
	Broken  string        `json:"broken,omitempty"`
	Left    []string      `json:"left"`
	TookMS  int64         `json:"took_ms"`
}

type limitsObject struct {
	DowntimeMS  float64  `json:"downtime_ms"`
	Lost        *int     `json:"lost,omitempty"`
	TwoOwnersMS *float64 `json:"two_owners_ms,omitempty"`
}

type roundObject struct {
	Round       int           `json:"round"`
	Fault       string        `json:"fault"`
	Expect      string        `json:"expect"`
	Verdict     string        `json:"verdict"`
	Why         []string      `json:"why"`
	Before      string        `json:"before"`
	After       string        `json:"after,omitempty"`
	Paths       []pathObject  `json:"paths"`
	Layers      []layerObject `json:"layers"`
	TwoOwnersMS float64       `json:"two_owners_ms"`
	NoOwnerMS   float64       `json:"no_owner_ms"`
	FailbackMS  float64       `json:"failback_ms"`
	ClockErrMS  float64       `json:"clock_error_ms"`
	Answers     string        `json:"answers,omitempty"`
	Says        string        `json:"says,omitempty"`
	Session     string        `json:"session,omitempty"`
	Trouble     []string      `json:"trouble"`
}

type pathObject struct {
	Path        string  `json:"path"`
	From        string  `json:"from"`
	To          string  `json:"to"`
	Control     bool    `json:"control"`
	Asked       int     `json:"asked"`
	Lost        int     `json:"lost"`
	Skipped     int     `json:"skipped"`
	SilenceMS   float64 `json:"silence_ms"`
	FailoverMS  float64 `json:"failover_ms"`
	FailbackMS  float64 `json:"failback_ms"`
	SilentAtEnd bool    `json:"silent_at_end,omitempty"`
}

type layerObject struct {
	Layer  string  `json:"layer"`
	TookMS float64 `json:"took_ms"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Object implements View.
func (v FailoverView) Object() any {
	rep := v.Report
	o := failoverObject{
		Header: NewHeader("failover-test"), Group: rep.Group, Verdict: string(rep.Verdict()),
		Probe: string(rep.Target), EveryMS: millis(rep.Every),
		Limits: limitsObject{DowntimeMS: millis(rep.Limits.Downtime)},
		Rounds: []roundObject{}, Broken: rep.Broken, Left: list(rep.Left), TookMS: rep.Took.Milliseconds(),
	}
	if rep.Limits.Lost >= 0 {
		o.Limits.Lost = &rep.Limits.Lost
	}
	if rep.Limits.TwoOwners >= 0 {
		ms := millis(rep.Limits.TwoOwners)
		o.Limits.TwoOwnersMS = &ms
	}
	for _, r := range rep.Rounds {
		x := roundObject{
			Round: r.Number, Fault: string(r.Fault.Name), Expect: string(r.Fault.Expect), Verdict: string(r.Verdict),
			Why: list(r.Why), Before: r.Before, After: r.After, Paths: []pathObject{}, Layers: []layerObject{},
			TwoOwnersMS: millis(r.TwoOwners), NoOwnerMS: millis(r.NoOwner), FailbackMS: millis(r.Failback()),
			ClockErrMS: millis(r.ClockError), Answers: r.Answers, Says: r.Record.Says, Session: string(r.Session), Trouble: list(r.Trouble),
		}
		for _, p := range r.Paths {
			x.Paths = append(x.Paths, pathObject{
				p.Name, p.From, p.To, p.Control, p.Asked, p.Lost, p.Skipped,
				millis(p.Silence), millis(p.Failover), millis(p.Failback), p.Open > 0,
			})
		}
		for _, s := range r.Layers {
			x.Layers = append(x.Layers, layerObject{string(s.Layer), millis(s.Took)})
		}
		o.Rounds = append(o.Rounds, x)
	}
	return o
}

// RestoreView is what was put back.
type RestoreView struct {
	Group    string
	Restored []string
}

// Human implements View.
func (v RestoreView) Human(w io.Writer) {
	if len(v.Restored) == 0 {
		fmt.Fprintf(w, "%s  nothing was left to put back\n", v.Group)
		return
	}
	for _, r := range v.Restored {
		fmt.Fprintf(w, "%s  put back: %s\n", v.Group, r)
	}
}

type restoreObject struct {
	Header
	Group    string   `json:"group"`
	Restored []string `json:"restored"`
}

// Object implements View.
func (v RestoreView) Object() any {
	return restoreObject{NewHeader("failover-restore"), v.Group, list(v.Restored)}
}
