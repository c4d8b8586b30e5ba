package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/havip/havip/provision/plan"
)

// Progress writes what happens while it happens: one line for the cloud and
// for each server as its part of the plan is over, and one for each step.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	now   func() time.Time
	width int // of the first column
	room  int // of the second
	parts map[string]*part
}

// part is what a plan does in one place.
type part struct {
	work    work
	open    int
	began   time.Time
	started bool
	failed  bool
}

// usualRoom is that of the longest usual text.
const usualRoom = 52

// NewProgress is a progress without a plan.
func NewProgress(w io.Writer, quiet bool, now func() time.Time) *Progress {
	return &Progress{w: w, quiet: quiet, now: now, width: len("rollback"), room: usualRoom, parts: map[string]*part{}}
}

// Expect tells which actions will come.
func (p *Progress) Expect(pl plan.Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range pl.Actions {
		at := place(a)
		pt := p.parts[at]
		if pt == nil {
			pt = &part{}
			p.parts[at] = pt
			p.width = max(p.width, len(at))
		}
		pt.open++
		pt.work.add(a)
		p.room = max(p.room, len(pt.work.String()))
	}
}

// place is where an action happens.
func place(a plan.Action) string {
	if a.Server == "" {
		return "cloud"
	}
	return a.Server
}

// Begin implements apply.Progress.
func (p *Progress) Begin(a plan.Action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pt := p.parts[place(a)]
	if pt != nil && !pt.started {
		pt.started, pt.began = true, p.now()
	}
}

// End implements apply.Progress.
func (p *Progress) End(a plan.Action, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pt := p.parts[place(a)]
	if pt == nil {
		return
	}
	pt.open--
	switch {
	case err != nil:
		pt.failed = true
		p.line(place(a), "FAILED: "+a.Kind+" "+a.Name, p.now().Sub(pt.began))
	case pt.open == 0 && !pt.failed:
		p.line(place(a), pt.work.String(), p.now().Sub(pt.began))
	}
}

// Step implements provision.Reporter.
func (p *Progress) Step(name, detail string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(name, detail, took)
}

// Warn implements provision.Reporter. Warnings come also when quiet.
func (p *Progress) Warn(message, hint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	PrintWarning(p.w, message, hint)
}

func (p *Progress) line(name, detail string, took time.Duration) {
	if !p.quiet {
		fmt.Fprintf(p.w, "  %-*s  %-*s  %7s\n", p.width, name, p.room, detail, Seconds(took))
	}
}

// Seconds is a duration as the progress shows it: "0.9s".
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// work is what is done in one place: the things and how many of each.
type work struct {
	things []string
	count  map[string]int
}

func (w *work) add(a plan.Action) {
	if w.count == nil {
		w.count = map[string]int{}
	}
	for _, thing := range things(a) {
		if w.count[thing] == 0 {
			w.things = append(w.things, thing)
		}
		w.count[thing]++
	}
}

// String is "port, group, 2 member ports".
func (w *work) String() string {
	var parts []string
	for _, thing := range w.things {
		if n := w.count[thing]; n > 1 {
			thing = fmt.Sprintf("%d %ss", n, thing)
		}
		parts = append(parts, thing)
	}
	return strings.Join(parts, ", ")
}

// things are what an action works on in the cloud, or the steps that it takes
// on a server.
func things(a plan.Action) []string {
	switch op := a.Op.(type) {
	case plan.JoinPort, plan.LeavePort:
		return []string{"member port"}
	case plan.StopAgent:
		return []string{"stop"}
	case plan.RemoveAgent:
		return []string{"stop", "remove"}
	case plan.ConvergeAgent:
		var steps []string
		changed := func(field string) bool {
			for _, c := range a.Changes {
				if c.Field == field {
					return true
				}
			}
			return false
		}
		if changed("binary") {
			steps = append(steps, "upload")
		}
		if op.New || changed("service file") {
			steps = append(steps, "install")
		}
		switch {
		case op.New || changed("running"):
			return append(steps, "start")
		case op.Restart:
			return append(steps, "restart")
		default:
			return append(steps, "reload")
		}
	default:
		return []string{a.Kind}
	}
}
