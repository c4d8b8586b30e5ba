package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/havip/havip/provision/failover"
)

// lane is one line of a timeline: a name, and boxes on a strip of 1000 units. Fault
// is where on it the fault was made.
type lane struct {
	Name  string
	Fault float64
	Boxes []box
}

// box is a part of a strip. Class colours it; what it says is in its title.
type box struct {
	X, W         float64
	Class, Title string
}

// tick is a mark of time under the strips, in percent of their width.
type tick struct {
	At   float64
	Name string
}

const units = 1000

// window is the part of a round that is shown: from a second before the fault
// until everything that it did is over.
func window(r failover.Round) failover.Span {
	end := r.Record.Settled
	for _, p := range r.Paths {
		if !p.Control && p.Silence > 0 {
			end = max(end, p.Until)
		}
	}
	return failover.Span{From: r.Record.Injected - time.Second, To: min(max(end, r.Record.Injected+time.Second)+time.Second, r.Record.Ended)}
}

// scale is where a time is on a strip.
func scale(at time.Duration, w failover.Span) float64 {
	x := float64(at-w.From) / float64(w.Length()) * units
	return min(max(x, 0), units)
}

func boxOf(s, w failover.Span, class, title string) (box, bool) {
	if s.To < w.From || s.From > w.To {
		return box{}, false
	}
	x := scale(s.From, w)
	return box{X: x, W: max(scale(s.To, w)-x, 1), Class: class, Title: title}, true
}

func lanes(r failover.Round, w failover.Span) []lane {
	var all []lane
	fault := scale(r.Record.Injected, w)
	for _, p := range r.Record.Paths {
		name := p.Name + ": " + p.To + " from " + p.From
		if p.Control {
			name += " (control)"
		}
		all = append(all, lane{name, fault, beats(p, w)})
	}
	for _, m := range r.Record.Members {
		all = append(all, lane{m.Name, fault, member(m, w)})
	}
	return all
}

// beats are the questions, those of one kind that follow each other as one box.
func beats(p failover.Path, w failover.Span) []box {
	var boxes []box
	var run failover.Span
	count, class := 0, ""
	flush := func() {
		if count == 0 {
			return
		}
		title := fmt.Sprintf("%d answered", count)
		if class == "lost" {
			title = fmt.Sprintf("%d not answered, from %s", count, millis(run.From-w.From))
		}
		if b, ok := boxOf(run, w, class, title); ok {
			boxes = append(boxes, b)
		}
	}
	for _, b := range p.Beats {
		sent := time.Duration(b.Sent)
		if sent < w.From || sent > w.To {
			continue
		}
		c := "heard"
		if !b.Answered() {
			c = "lost"
		}
		if c != class {
			flush()
			run, count, class = failover.Span{From: sent}, 0, c
		}
		run.To, count = sent+p.Every, count+1
	}
	flush()
	return boxes
}

// member is what a member was: its states by its events, and over them when it
// held the VIP. What it was after it told nothing is not known until an event says so.
func member(m failover.Witnessed, w failover.Span) []box {
	var boxes []box
	add := func(s failover.Span, class, title string) {
		if b, ok := boxOf(s, w, class, title); ok {
			boxes = append(boxes, b)
		}
	}
	since, is := w.From, m.Was
	until := func(at time.Duration) {
		if is != "" && at > since {
			add(failover.Span{From: since, To: at}, "state "+string(is), string(is))
		}
	}
	blind := m.Blind
	for _, e := range append(slices.Clone(m.Events), failover.Stamped{At: w.To}) {
		for len(blind) > 0 && blind[0].From <= e.At {
			until(blind[0].From)
			since, is = blind[0].To, ""
			blind = blind[1:]
		}
		if e.Event.To != "" || e.At == w.To {
			until(e.At)
			since, is = e.At, e.Event.To
		}
	}
	for _, s := range m.Held {
		add(s, "held", "holds the VIP")
	}
	for _, s := range m.Blind {
		add(s, "blind", "told nothing")
	}
	return boxes
}

// room is what the name of a tick takes, in percent of a strip on a phone.
const room = 16

// ticks are the fault, when it was undone where that is shown, and some seconds between.
func ticks(r failover.Round, w failover.Span) []tick {
	at := func(t time.Duration) float64 { return scale(t, w) / units * 100 }
	all := []tick{{at(r.Record.Injected), "fault"}}
	undone := tick{at(r.Record.Undoing), "undone"}
	shown := r.Fault.Place != failover.ByAgent && undone.At < 100
	step := time.Second
	for w.Length()/step > 5 {
		step *= 2
	}
	for t := r.Record.Injected + step; t < w.To-step/4; t += step {
		if x := at(t); !shown || x < undone.At-room || x > undone.At+room {
			all = append(all, tick{x, "+" + (t - r.Record.Injected).String()})
		}
	}
	if shown {
		all = append(all, undone)
	}
	return all
}
