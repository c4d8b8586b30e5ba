package failover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/server"
)

const (
	// lead is how long everything is watched before a fault, and tail after it:
	// what is lost then is the line's.
	lead = time.Second
	tail = 2 * time.Second
	// effectTime is how long a fault may take to have its effect. A server that is
	// shut down has a minute for it.
	effectTime = 2 * time.Minute
	// askTime bounds one question to an agent.
	askTime = 5 * time.Second
	// readyTime bounds how long witnesses take to be there.
	readyTime = 30 * time.Second
)

// observation is what watches a round.
type observation struct {
	watches []*watch
	end     context.CancelFunc
	tasks   sync.WaitGroup

	mu    sync.Mutex
	paths []Path
}

// round makes one fault, and judges. What it made is undone also when ctx ends
// or something fails; the error is then both.
func (t *Test) round(ctx context.Context, start time.Time, f Fault, number int) (Round, error) {
	members, err := t.agreed(ctx)
	if err != nil {
		return Round{}, err
	}
	active, next := t.roles(members)
	f = expect(f, active)
	since := func() time.Duration { return time.Since(start) }
	rec := Record{Fault: f, Number: number, Before: active.Name}

	o := t.observe(ctx, start, active)
	defer o.end()
	t.ready(ctx, o)
	rec.Began = since()
	if err := sleep(ctx, lead); err != nil {
		return Round{}, err
	}
	long := t.connect(ctx)

	rec.Injected = since()
	err = t.inject(ctx, f, active, next)
	impossible, not := notPossible(err)
	if err == nil {
		rec.After, err = t.effect(ctx, f, active)
		rec.Settled = since()
	}
	if err == nil {
		err = sleep(ctx, tail)
	}
	if err == nil {
		rec.Answers = t.answers(ctx, &rec)
	}
	rec.Session = long.end()
	// From here on it is undone, whatever happened; Ctrl-C does not stop that.
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), powerTime+effectTime)
	defer cancel()
	if undone := t.undo(back, f, active); undone != nil {
		return Round{}, errors.Join(err, &LeftError{What: leftBy(f, active, undone)})
	}
	if not {
		return Round{Number: number, Fault: f, Verdict: NotPossible, Why: []string{impossible}, Before: active.Name}, nil
	}
	if err != nil {
		return Round{}, err
	}
	rec.Undone = since()
	if _, err := t.agreed(ctx); err != nil {
		return Round{}, err
	}
	if err := sleep(ctx, tail); err != nil {
		return Round{}, err
	}
	rec.Ended = since()
	t.collect(o, &rec)
	for i := range rec.Members {
		rec.Members[i].Was = api.Backup // as they agreed
		if rec.Members[i].Name == active.Name {
			rec.Members[i].Was = api.Active
		}
	}
	return Judge(rec, t.Limits), nil
}

// notPossible tells whether the place does not allow a fault, and why: the server
// lacks what it needs, or the cloud's policy forbids it.
func notPossible(err error) (string, bool) {
	if lacks := (*server.NotPossibleError)(nil); errors.As(err, &lacks) {
		return lacks.Why, true
	}
	if errors.Is(err, openstack.ErrForbidden) {
		return err.Error(), true
	}
	return "", false
}

// LeftError is something that could not be put back.
type LeftError struct{ What string }

func (e *LeftError) Error() string { return e.What }

func leftBy(f Fault, m Member, err error) string {
	return fmt.Sprintf("%s of %s is not undone: %v", f.Name, m.Name, err)
}

// expect is the fault with what is to be expected of it on this server: where
// nothing restarts an agent that was killed, a backup takes over.
func expect(f Fault, active Member) Fault {
	if f.Name == AgentKill && active.Init != "systemd" {
		f.Expect = Moves
	}
	return f
}

// connect opens the long connection; nil: there is none.
func (t *Test) connect(ctx context.Context) *connection {
	if t.SessionPort == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c, err := openSession(ctx, netip.AddrPortFrom(t.Outside, t.SessionPort))
	if err != nil {
		return nil // reported as none
	}
	return c
}

// answers is who answers outside: a member's name where what it says is known.
func (t *Test) answers(ctx context.Context, rec *Record) string {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	word, err := t.Identify.Who(ctx, t.Outside)
	if err != nil {
		rec.Trouble = append(rec.Trouble, "ask who answers outside: "+err.Error())
		return ""
	}
	if name, ok := t.Known[word]; ok {
		return name
	}
	if len(t.Known) == 0 {
		rec.Says = word // it cannot be compared with anything
		return ""
	}
	return "an unknown server (" + word + ")"
}

// sleep waits, or ends with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// observe starts a witness on every server, and asks from here.
func (t *Test) observe(ctx context.Context, start time.Time, active Member) *observation {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o := &observation{}
	o.end = func() { cancel(); o.tasks.Wait() }
	vantage := t.vantage(active)
	for _, m := range t.Members {
		var asks []string
		if m.ServerID == vantage.ServerID {
			asks = []string{fmt.Sprintf("%s=%s@%s", Inside, t.Target, t.VIP)}
			o.paths = append(o.paths, Path{Name: Inside, From: m.Name, To: fmt.Sprintf("%s %s", t.VIP, t.Target), Every: t.Every})
		}
		w := &watch{name: m.Name, start: start, forget: func() { t.Guests.Forget(m.ServerID) }}
		w.stream = func(ctx context.Context, in io.Reader, out io.Writer) error {
			g, err := t.Guests.Guest(ctx, m.ServerID)
			if err != nil {
				return err
			}
			return g.Witness(ctx, t.Group, []netip.Addr{t.VIP}, t.Every, asks, in, out)
		}
		o.watches = append(o.watches, w)
		o.tasks.Go(func() { w.run(ctx) })
	}
	t.ask(ctx, o, start, Path{Name: Outside, From: "here", To: fmt.Sprintf("%s %s", t.Outside, t.Target), Every: t.Every}, t.Outside)
	if t.Control.IsValid() {
		t.ask(ctx, o, start, Path{Name: Outside, From: "here", To: fmt.Sprintf("%s %s", t.Control, t.Target), Every: t.Every, Control: true}, t.Control)
	}
	return o
}

// vantage is the member that asks inside: one that has no part in the failover,
// where there is one, else a backup. Over IPv6 it is none that could become
// active: on OVN its solicitation would claim the VIP.
func (t *Test) vantage(active Member) Member {
	var backups []Member
	for _, m := range t.Members {
		if m.ServerID != active.ServerID {
			backups = append(backups, m)
		}
	}
	if len(backups) == 0 || t.VIP.Is6() {
		return Member{}
	}
	return backups[len(backups)-1]
}

// ask asks an address from here while the round lasts.
func (t *Test) ask(ctx context.Context, o *observation, start time.Time, p Path, addr netip.Addr) {
	o.mu.Lock()
	n := len(o.paths)
	o.paths = append(o.paths, p)
	o.mu.Unlock()
	asker, err := t.Target.Open(addr)
	if err != nil {
		t.Progress.Warn(fmt.Sprintf("cannot ask %s: %v", addr, err), "choose another way: --probe")
		return
	}
	o.tasks.Go(func() {
		defer asker.Close()
		_ = pulse.Run(ctx, asker, t.Every, start, func(b api.Beat) { // the pace was checked
			o.mu.Lock()
			defer o.mu.Unlock()
			o.paths[n].Beats = append(o.paths[n].Beats, b)
		})
	})
}

// ready waits until all witnesses tell. One that does not is named in the round.
func (t *Test) ready(ctx context.Context, o *observation) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		if !slices.ContainsFunc(o.watches, func(w *watch) bool { return !w.told(time.Now()) }) {
			return
		}
		if sleep(ctx, pollEvery) != nil {
			return
		}
	}
}

// collect ends the observation and takes what it saw into the record.
func (t *Test) collect(o *observation, rec *Record) {
	o.end()
	whole := Span{rec.Began, rec.Ended}
	inside := map[string][]api.Beat{}
	for _, w := range o.watches {
		m, beats, trouble := w.witnessed(whole)
		rec.Members = append(rec.Members, m)
		rec.Trouble = append(rec.Trouble, trouble...)
		for run, b := range beats {
			inside[run] = append(inside[run], b...)
		}
	}
	for _, p := range o.paths {
		if p.Name == Inside {
			p.Beats = inside[Inside]
		}
		// A way that was closed before the fault, by a security group for instance,
		// tells nothing of the failover.
		if before := pulse.Sum(p.Beats, p.Every, rec.Began, rec.Injected); before.Answered == 0 && p.Name == Inside {
			rec.Trouble = append(rec.Trouble, fmt.Sprintf("inside is left out: %s did not answer from %s before the fault either", p.To, p.From))
			continue
		}
		rec.Paths = append(rec.Paths, p)
	}
}

// state is what a member's agent says; nil when it cannot be asked.
type state struct {
	Member
	status *api.Status
	err    error
}

func (s state) is(want api.State) bool {
	if s.status == nil || len(s.status.Routers) == 0 {
		return false
	}
	for _, r := range s.status.Routers {
		if r.State != want || r.Held != (want == api.Active) {
			return false
		}
	}
	return true
}

// states asks all agents but one's at once; "" asks all.
func (t *Test) states(ctx context.Context, but string) []state {
	all := make([]state, 0, len(t.Members))
	for _, m := range t.Members {
		if m.ServerID != but {
			all = append(all, state{Member: m})
		}
	}
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, askTime)
			defer cancel()
			g, err := t.Guests.Guest(ctx, all[i].ServerID)
			if err == nil {
				var st api.Status
				if st, err = g.Status(ctx, t.Group); err == nil {
					all[i].status = &st
				}
			}
			if all[i].err = err; errors.Is(err, context.DeadlineExceeded) {
				t.Guests.Forget(all[i].ServerID)
			}
		})
	}
	wg.Wait()
	return all
}

// fresh is what a member's agent sees wrong that it did not before the test.
func (t *Test) fresh(s state) []string {
	if s.status == nil {
		return nil
	}
	var wrong []string
	note := func(what string) {
		if what = s.Name + ": " + what; !t.tolerated[what] {
			wrong = append(wrong, what)
		}
	}
	for _, c := range s.status.Checks {
		if !c.OK {
			note("check " + c.Name + " fails")
		}
	}
	for _, r := range s.status.Routers {
		for _, p := range r.Problems {
			note(p.Code)
		}
	}
	return wrong
}

// tolerate takes what is wrong now for what was wrong before.
func (t *Test) tolerate(all []state) {
	t.tolerated = map[string]bool{}
	for _, s := range all {
		for _, what := range t.fresh(s) {
			t.tolerated[what] = true
		}
	}
}

// agreed waits until one member is active, all others are backup, and nothing is
// wrong that was not before the test.
func (t *Test) agreed(ctx context.Context) ([]state, error) {
	ctx, cancel := context.WithTimeout(ctx, effectTime)
	defer cancel()
	for {
		all := t.states(ctx, "")
		actives, well := 0, true
		for _, s := range all {
			switch {
			case s.is(api.Active):
				actives++
			case !s.is(api.Backup):
				well = false
			}
			well = well && len(t.fresh(s)) == 0
		}
		if well && actives == 1 {
			return all, nil
		}
		if sleep(ctx, pollEvery) != nil {
			return nil, fmt.Errorf("the agents do not agree again: %s", describe(all))
		}
	}
}

func describe(all []state) string {
	var words []string
	for _, s := range all {
		word := "silent"
		if s.status != nil && len(s.status.Routers) > 0 {
			word = string(s.status.Routers[0].State)
		}
		words = append(words, s.Name+" "+word)
	}
	return strings.Join(words, ", ")
}

// roles are the active member and the backup that would take over.
func (t *Test) roles(all []state) (active, next Member) {
	best := -1
	for _, s := range all {
		if s.is(api.Active) {
			active = s.Member
		} else if p := s.status.Routers[0].Priority; p > best {
			best, next = p, s.Member
		}
	}
	return active, next
}

// effect waits until the fault has had its effect and names the member that is
// active then: another one, or the same. A VIP that ought to stay is watched for
// as long as a backup would need twice.
func (t *Test) effect(ctx context.Context, f Fault, active Member) (string, error) {
	if f.Expect == Stays {
		if err := sleep(ctx, 8*t.Interval+tail); err != nil {
			return "", err
		}
	}
	limit, cancel := context.WithTimeout(ctx, effectTime)
	defer cancel()
	but := active.ServerID
	if f.Expect == Stays || f.Place == ByAgent {
		but = ""
	}
	for {
		for _, s := range t.states(limit, but) {
			if s.is(api.Active) && (f.Expect == Stays || s.ServerID != active.ServerID) {
				return s.Name, nil
			}
		}
		if sleep(limit, pollEvery) != nil {
			return "", context.Cause(ctx) // nil: the round is judged, and fails
		}
	}
}
