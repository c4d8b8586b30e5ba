package bench

import (
	"slices"
	"time"

	"github.com/havip/havip/test/field"
	"github.com/havip/havip/test/prober"
)

// before is for how long the address must answer before a fault.
const before = 50 * time.Millisecond

// roundTries is how often a round is made at most.
const roundTries = 10

// round lets a fault befall the owner at a phase (0 to 1) between two
// advertisements, which decides how much of the down interval is left: all
// contenders get the same phases. It does so when it is its turn.
//
// A round in which this machine stood still for longer than an interval before the address
// had moved tells nothing of the contender, and is made again, whoever's it is. So is one whose owner no longer was
// when the fault was to be made: the address moves by itself where the machine stands
// still for longer than the down interval.
func (p *pair) round(f fault, phase float64, turn chan struct{}) (r Round) {
	p.t.Helper()
	for try := range roundTries {
		p.settled()
		turn <- struct{}{}
		owner := p.settled() // it took a while
		struck := false
		var again Round
		again, struck = p.strike(f, owner, phase)
		<-turn
		if !struck {
			p.t.Logf("%s, %s: the address moved before the fault, the round is made again", p.contender.Name, f.Name)
			continue
		}
		f.mend(p, owner)
		r = again
		if r.Tries = try + 1; r.Pause <= p.settings.interval {
			return r
		}
		p.t.Logf("%s, %s: the machine stood still for %v, the round is made again", p.contender.Name, f.Name, r.Pause)
	}
	if r.Contender == "" {
		p.t.Fatalf("%s, %s: the address does not stay until the fault is made", p.contender.Name, f.Name)
	}
	return r
}

func (p *pair) strike(f fault, owner int, phase float64) (r Round, struck bool) {
	p.t.Helper()
	probe, end := p.probing()
	field.EventuallyOr(p.t, func() bool {
		return probe.Latest().By == p.nodes[owner].MAC.String() || !slices.Contains(p.watch.Holders(), p.nodes[owner].Name)
	}, func() string {
		return p.contender.Name + ": " + p.nodes[owner].Name + " answers, or has lost the address"
	})
	time.Sleep(before)

	sent, ok := p.taps[owner].next(2*time.Second + 5*p.settings.interval)
	if !ok {
		end()
		return Round{}, false
	}
	time.Sleep(time.Until(sent.Add(time.Duration(phase * float64(p.settings.interval)))))
	if holders := p.watch.Holders(); len(holders) != 1 || holders[0] != p.nodes[owner].Name {
		end()
		return Round{}, false
	}
	at := time.Now()
	last := p.taps[owner].latest()
	f.strike(p, owner)
	p.answers(probe, 1-owner)
	moved := time.Now()
	stillTwo := p.watchOn(f, at)
	whole := end()
	report, ended := whole.Since(at), time.Now()

	r = Round{
		Contender: p.contender.Name,
		Fault:     f.Name,
		Interval:  p.settings.interval,
		Probes:    report.Sent(),
		Unsent:    report.Unsent(),
		Lost:      report.Lost(),
		Silence:   report.Longest().Length(),
		Blind:     report.Longest().Blind,
		Pause:     whole.Pause(at, moved),
		TwoOwners: prober.Shared(p.watch.Holdings(), at, ended),
		StillTwo:  stillTwo,
		Watched:   ended.Sub(at),
	}
	if first := firstBy(report, p.nodes[1-owner].MAC.String()); !first.IsZero() {
		r.SinceAdvert = first.Sub(last)
	}
	return r, true
}

// watchOn goes on probing after the address has moved: a moment for what comes
// late, and where the old owner may keep the address, until it does not, or for
// longer than the longest lease. It tells whether two have it still.
func (p *pair) watchOn(f fault, struck time.Time) (stillTwo bool) {
	time.Sleep(max(before, 2*p.settings.interval))
	if !f.lasting {
		return false
	}
	limit := struck.Add(max(1500*time.Millisecond, 5*p.settings.interval))
	for len(p.watch.Holders()) > 1 {
		if time.Now().After(limit) {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

// firstBy is when a server answered for the first time.
func firstBy(r prober.Report, mac string) time.Time {
	for _, s := range r.Timeline() {
		if s.By == mac {
			return s.From
		}
	}
	return time.Time{}
}
