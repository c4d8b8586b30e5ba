package bench

import (
	"time"

	"github.com/havip/havip/test/prober"
)

// before is for how long the address must answer before a fault.
const before = 50 * time.Millisecond

// roundTries is how often a round is made at most.
const roundTries = 3

// round lets a fault befall the owner at a phase (0 to 1) between two
// advertisements, which decides how much of the down interval is left: all
// contenders get the same phases. It does so when it is its turn.
//
// A round in which no probe could be sent tells nothing, and is made again.
func (p *pair) round(f fault, phase float64, turn chan struct{}) (r Round) {
	p.t.Helper()
	for range roundTries {
		p.settled()
		turn <- struct{}{}
		owner := p.settled() // it took a while
		r = p.strike(f, owner, phase)
		<-turn
		f.mend(p, owner)
		if r.Probes > 0 {
			break
		}
		p.t.Logf("%s, %s: no probe could be sent in %v, the round is made again", p.contender.Name, f.Name, r.Watched)
	}
	return r
}

func (p *pair) strike(f fault, owner int, phase float64) Round {
	p.t.Helper()
	probe, end := p.probing()
	p.answers(probe, owner)
	time.Sleep(before)

	sent := p.taps[owner].next(p.t)
	time.Sleep(time.Until(sent.Add(time.Duration(phase * float64(p.settings.interval)))))
	struck := time.Now()
	last := p.taps[owner].latest()
	f.strike(p, owner)
	p.answers(probe, 1-owner)
	stillTwo := p.watchOn(f, struck)
	report := end().Since(struck)
	ended := time.Now()

	r := Round{
		Contender: p.contender.Name,
		Fault:     f.Name,
		Interval:  p.settings.interval,
		Probes:    report.Sent(),
		Unsent:    report.Unsent(),
		Lost:      report.Lost(),
		Silence:   report.Longest().Length(),
		Blind:     report.Longest().Blind,
		TwoOwners: prober.Shared(p.watch.Holdings(), struck, ended),
		StillTwo:  stillTwo,
		Watched:   ended.Sub(struck),
	}
	if at := firstBy(report, p.nodes[1-owner].MAC.String()); !at.IsZero() {
		r.SinceAdvert = at.Sub(last)
	}
	return r
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
