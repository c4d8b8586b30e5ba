package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/havip/havip/provision/failover"
)

//go:embed page.html
var page string

// HTML writes one page that needs nothing else: no script, no font, no request.
func HTML(w io.Writer, rep failover.Report) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, viewOf(rep))
}

// pageView is the page's content as words.
type pageView struct {
	Group, VIP, Outside, Probe, Every, Limit string
	Began, Took                              string
	Verdict, Class, Sum                      string
	Broken                                   string
	Left                                     []string
	Rounds                                   []roundView
}

type roundView struct {
	ID, Title, Does, Verdict, Class string
	Number, Fault                   string // in the table of all; no number where it was not possible
	Why, Trouble                    []string
	Outside, Inside, Failback       string // the silences
	Facts                           []factView
	Lanes                           []lane
	Ticks                           []tick
	Events                          []eventView
	Shown                           bool // it has a timeline
}

// factView is a fact; one that is Wide has a line for itself.
type factView struct {
	Name, Value string
	Wide        bool
}

type eventView struct {
	At, Who, What string
	at            time.Duration
}

func viewOf(rep failover.Report) pageView {
	v := pageView{
		Group: rep.Group, VIP: rep.VIP.String(), Outside: rep.Outside.String(), Probe: string(rep.Target),
		Every: rep.Every.String(), Limit: millis(rep.Limits.Downtime),
		Began: rep.Began.Format("2006-01-02 15:04:05 MST"), Took: rep.Took.Round(time.Second).String(),
		Verdict: string(rep.Verdict()), Class: class(rep.Verdict()), Broken: rep.Broken, Left: rep.Left,
	}
	for i, r := range rep.Rounds {
		v.Rounds = append(v.Rounds, roundOf(i, r))
	}
	v.Sum = sum(rep.Rounds)
	return v
}

// sum is "34 passed, 1 failed".
func sum(rounds []failover.Round) string {
	var words []string
	for _, v := range []failover.Verdict{failover.Passed, failover.Failed, failover.Inconclusive, failover.NotPossible} {
		n := 0
		for _, r := range rounds {
			if r.Verdict == v {
				n++
			}
		}
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(words, ", ")
}

// silence is the longest on a way, in words.
func silence(r failover.Round, way string) string {
	for _, p := range r.Paths {
		switch {
		case p.Name != way || p.Control:
		case p.Lost == p.Asked:
			return "no answer"
		default:
			return millis(p.Failover)
		}
	}
	return ""
}

func class(v failover.Verdict) string {
	switch v {
	case failover.Passed:
		return "good"
	case failover.Failed:
		return "bad"
	}
	return "open"
}

func roundOf(i int, r failover.Round) roundView {
	v := roundView{
		ID: fmt.Sprintf("r%d", i+1), Does: r.Fault.Does, Verdict: string(r.Verdict), Class: class(r.Verdict),
		Why: r.Why, Trouble: r.Trouble, Title: string(r.Fault.Name), Fault: string(r.Fault.Name),
	}
	if r.Verdict == failover.NotPossible {
		return v
	}
	v.Number = strconv.Itoa(r.Number)
	v.Title = fmt.Sprintf("Round %d: %s", r.Number, r.Fault.Name)
	if r.Record.Ended == 0 {
		return v // the fault was not made
	}
	what := r.Before + " → " + r.Then()
	if r.Stayed() {
		what = r.Before + ", and it stayed"
	}
	v.Outside, v.Inside = silence(r, failover.Outside), silence(r, failover.Inside)
	if r.Fault.Place != failover.ByAgent { // else nothing is undone
		v.Failback = millis(r.Failback())
	}
	fact := func(name, value string) { v.Facts = append(v.Facts, factView{Name: name, Value: value}) }
	v.Facts = append(v.Facts, factView{"active", what, true})
	for _, p := range r.Paths {
		name := p.Name
		if p.Control {
			name += ", control"
		}
		v.Facts = append(v.Facts, factView{name, fmt.Sprintf("silent for %s; %d of %d lost", p.Silences(r.Fault, millis), p.Lost, p.Asked), true})
	}
	for _, s := range r.Layers {
		fact(string(s.Layer), millis(s.Took))
	}
	if r.Answers != "" {
		fact("outside answers", r.Answers)
	}
	if r.Record.Says != "" {
		fact("outside says", r.Record.Says)
	}
	if r.Session != failover.NoSession {
		fact("a long TCP session", string(r.Session))
	}
	fact("two owners", millis(r.TwoOwners))
	fact("clocks within", millis(r.ClockError))
	v.Shown = true
	w := window(r)
	v.Lanes, v.Ticks = lanes(r, w), ticks(r, w)
	for _, m := range r.Record.Members {
		for _, e := range m.Events {
			text := e.Event.Kind
			if e.Event.To != "" {
				text = fmt.Sprintf("%s → %s: %s", e.Event.From, e.Event.To, e.Event.Reason)
			}
			if e.Event.Detail != "" {
				text += " (" + e.Event.Detail + ")"
			}
			v.Events = append(v.Events, eventView{relative(e.At - r.Record.Injected), m.Name, text, e.At})
		}
	}
	slices.SortStableFunc(v.Events, func(a, b eventView) int { return int(a.at - b.at) })
	return v
}

func millis(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

func relative(d time.Duration) string { return fmt.Sprintf("%+.3f s", d.Seconds()) }
