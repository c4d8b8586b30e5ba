package failover

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
)

const (
	// pingEvery is how often a witness is asked for its time, which is also the
	// sign that it lives.
	pingEvery = 200 * time.Millisecond
	// blindAfter is the silence of a witness from which on it counts as blind.
	blindAfter = 2 * time.Second
	// redial is the pause before a server that is away is called again.
	redial = 500 * time.Millisecond
	// deadAfter is the silence after which a connection is given up.
	deadAfter = 4 * time.Second
	// lastWords is how long a witness may take to end.
	lastWords = 10 * time.Second
)

// Asking is what a witness asks while it watches.
type Asking struct {
	Run    string
	Target string // "tcp:22@10.0.0.136"
}

// Stream runs a witness on a member's server until in ends, and copies what it
// tells to out.
type Stream func(ctx context.Context, in io.Reader, out io.Writer) error

// watch follows one member's witness through everything that happens to its
// server.
type watch struct {
	name   string
	start  time.Time
	stream Stream
	forget func() // the connection, which may be dead

	mu       sync.Mutex
	sessions []*session
	trouble  []string
}

// session is one connection to a witness.
type session struct {
	clock clock
	began time.Time // the witness's own start, on its clock
	lines []heard
	pings map[string]time.Time
}

// heard is a line with the time at which it came here.
type heard struct {
	at   time.Duration
	line api.Testimony
}

// run follows until ctx ends.
func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.once(ctx)
		if err != nil && ctx.Err() == nil {
			w.note(fmt.Sprintf("%s at %s: %v", w.name, time.Since(w.start).Round(time.Millisecond), err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
}

func (w *watch) note(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	const most = 20 // a server that stays away says the same again and again
	if len(w.trouble) < most {
		w.trouble = append(w.trouble, text)
	}
}

// once is one connection. When ctx ends the witness is told, so that its last
// lines are heard.
func (w *watch) once(ctx context.Context) error {
	s := &session{clock: clock{start: w.start}, pings: map[string]time.Time{}}
	w.mu.Lock()
	w.sessions = append(w.sessions, s)
	w.mu.Unlock()

	questions, in := io.Pipe()
	answers, out := io.Pipe()
	var tasks sync.WaitGroup
	over := make(chan struct{})
	tasks.Go(func() { w.listen(s, answers) })
	tasks.Go(func() { w.ping(ctx, s, in, over) })
	// Its own time to end, for the last lines.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, end) })()
	tasks.Go(func() { w.guard(s, over, end) })
	err := w.stream(life, questions, out)
	close(over)
	_ = questions.Close() // pipes: no error that says anything
	_ = out.Close()
	tasks.Wait()
	return err
}

// guard ends a connection on which nothing is heard any more: a server that lost
// its power does not say so, and is to be called again when it is back.
func (w *watch) guard(s *session, over <-chan struct{}, end func()) {
	for {
		select {
		case <-over:
			return
		case <-time.After(pingEvery):
		}
		w.mu.Lock()
		n := len(s.lines)
		dead := n > 0 && time.Since(w.start)-s.lines[n-1].at > deadAfter
		w.mu.Unlock()
		if dead {
			w.forget()
			end()
			return
		}
	}
}

// ping asks for the time until ctx or the connection ends, and then ends the
// witness.
func (w *watch) ping(ctx context.Context, s *session, in *io.PipeWriter, over <-chan struct{}) {
	defer in.Close()
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		word := strconv.Itoa(n)
		w.mu.Lock()
		s.pings[word] = time.Now()
		w.mu.Unlock()
		if _, err := io.WriteString(in, word+"\n"); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-over:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (w *watch) listen(s *session, answers io.Reader) {
	lines := bufio.NewScanner(answers)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		now := time.Now()
		var t api.Testimony
		if json.Unmarshal(lines.Bytes(), &t) != nil {
			continue // a message of the day, a warning of sudo
		}
		w.mu.Lock()
		if s.began.IsZero() {
			s.began = t.Time
		}
		if sent, ok := s.pings[t.Echo]; ok && t.Echo != "" {
			s.clock.learn(sent, now, t.Time)
			delete(s.pings, t.Echo)
		}
		s.lines = append(s.lines, heard{now.Sub(w.start), t})
		w.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, answers) // a line too long: the writer must not wait
}

// told tells whether a witness lives there now: it has told something lately.
func (w *watch) told(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sessions) == 0 {
		return false
	}
	lines := w.sessions[len(w.sessions)-1].lines
	return len(lines) > 0 && now.Sub(w.start)-lines[len(lines)-1].at < blindAfter
}

// answered is when what its server asks was answered last, since the start of the
// test; zero: never, as far as was told.
func (w *watch) answered(run string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range slices.Backward(w.sessions) {
		if !s.clock.known {
			continue
		}
		for _, h := range slices.Backward(s.lines) {
			if b := h.line.Beat; b != nil && b.Run == run && b.Answered() {
				return s.clock.at(s.began) + time.Duration(b.Heard)
			}
		}
	}
	return 0
}

// witnessed is what the member told between from and to; paths are the beats of
// what its server asked, by run.
func (w *watch) witnessed(within Span) (m Witnessed, beats map[string][]api.Beat, trouble []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.Name = w.name
	beats = map[string][]api.Beat{}
	holding := map[netip.Addr]time.Duration{}
	last := time.Duration(-1)
	// blind ends all holding at a time from which on nothing is known.
	blind := func(from time.Duration) {
		for _, since := range holding {
			m.Held = append(m.Held, Span{since, from})
		}
		clear(holding)
	}
	for _, s := range w.sessions {
		if !s.clock.known {
			continue
		}
		m.Told, m.ClockError = true, max(m.ClockError, s.clock.err)
		if last >= 0 {
			blind(last)
		}
		unwatched := max(0, last)
		known := map[netip.Addr]bool{} // of which this witness has told
		origin := s.clock.at(s.began)
		for _, h := range s.lines {
			if last >= 0 && h.at-last > blindAfter {
				m.Blind = append(m.Blind, Span{last, h.at})
				now := slices.Collect(maps.Keys(holding))
				blind(last)
				for _, a := range now { // until the witness says that it went
					holding[a] = h.at
				}
			}
			last = h.at
			switch l := h.line; {
			case l.Event != nil:
				m.Events = append(m.Events, Stamped{s.clock.at(l.Event.Time), *l.Event})
			case l.Held != nil && l.Held.Held:
				at := s.clock.at(l.Time)
				if !known[l.Held.Address] {
					m.Found = append(m.Found, Span{unwatched, at})
				}
				known[l.Held.Address], holding[l.Held.Address] = true, at
			case l.Held != nil:
				known[l.Held.Address] = true
				if since, ok := holding[l.Held.Address]; ok {
					m.Held = append(m.Held, Span{since, s.clock.at(l.Time)})
					delete(holding, l.Held.Address)
				}
			case l.Beat != nil:
				b := *l.Beat
				b.Sent += api.Duration(origin)
				if b.Heard > 0 {
					b.Heard += api.Duration(origin)
				}
				beats[b.Run] = append(beats[b.Run], b)
			case l.Trouble != "":
				trouble = append(trouble, w.name+": "+l.Trouble)
			}
		}
	}
	if last >= 0 && last < within.To-blindAfter {
		m.Blind = append(m.Blind, Span{last, within.To})
		blind(last)
	}
	blind(within.To)
	m.Held = within.those(m.Held)
	m.Blind = within.those(m.Blind)
	m.Events = slices.DeleteFunc(m.Events, func(e Stamped) bool { return e.At < within.From || e.At > within.To })
	slices.SortStableFunc(m.Events, func(a, b Stamped) int { return int(a.At - b.At) })
	return m, beats, append(slices.Clone(w.trouble), trouble...)
}

// those are the parts of spans that are within, in order; those that overlap,
// for a server may hold several VIPs, are one.
func (s Span) those(spans []Span) []Span {
	var in []Span
	slices.SortFunc(spans, func(a, b Span) int { return int(a.From - b.From) })
	for _, o := range spans {
		if o = o.cut(s); o.Length() == 0 {
			continue
		}
		if n := len(in) - 1; n >= 0 && o.From <= in[n].To {
			in[n].To = max(in[n].To, o.To)
			continue
		}
		in = append(in, o)
	}
	return in
}
