package ui

import (
	"fmt"
	"io"
	"slices"
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
	parts map[string]*part
}

// part is what a plan does in one place.
type part struct {
	names   []string
	open    int
	began   time.Time
	failed  []string
	started bool
}

// NewProgress is a progress without a plan.
func NewProgress(w io.Writer, quiet bool, now func() time.Time) *Progress {
	return &Progress{w: w, quiet: quiet, now: now, width: len("rollback"), parts: map[string]*part{}}
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
		if !slices.Contains(pt.names, a.Kind) {
			pt.names = append(pt.names, a.Kind)
		}
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
	if err != nil {
		pt.failed = append(pt.failed, a.Kind+" "+a.Name)
	}
	switch {
	case len(pt.failed) > 0 && err != nil:
		p.line(place(a), "FAILED: "+a.Kind+" "+a.Name, p.now().Sub(pt.began))
	case pt.open == 0 && len(pt.failed) == 0:
		p.line(place(a), strings.Join(pt.names, ", "), p.now().Sub(pt.began))
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
	fmt.Fprintf(p.w, "warning: %s\n", message)
	if hint != "" {
		fmt.Fprintf(p.w, "hint: %s\n", hint)
	}
}

func (p *Progress) line(name, detail string, took time.Duration) {
	if p.quiet {
		return
	}
	fmt.Fprintf(p.w, "  %-*s  %-54s  %s\n", p.width, name, detail, Seconds(took))
}

// Seconds is a duration as the progress shows it: "0.9s".
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
