package failover

import (
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
)

// layers splits the time from the fault to the first answer. Where the member did
// not tell of its announcement, the takeover's time is not known: it is left out, and
// part of the next layer's. So is that of a way that was not asked at the time.
func layers(rec Record) []Share {
	i := slices.IndexFunc(rec.Members, func(m Witnessed) bool { return m.Name == rec.After })
	if i < 0 {
		return nil
	}
	next := rec.Members[i]
	held, ok := next.takes(rec.Injected)
	if !ok {
		return nil
	}
	shares, at := []Share{{Detection, max(0, held-rec.Injected)}}, held
	if announced, ok := next.announces(rec.Injected, held, rec.Undoing); ok {
		at = max(held, announced)
		shares = append(shares, Share{Takeover, at - held})
	}
	for _, w := range []struct {
		path  string
		layer Layer
	}{{Inside, Neighbours}, {Outside, NAT}} {
		i := slices.IndexFunc(rec.Paths, func(p Path) bool { return p.Name == w.path && !p.Control })
		if i < 0 {
			continue
		}
		p, took := rec.Paths[i], time.Duration(0)
		s := failover(p, rec)
		if p.asksNot(rec, at, max(at, s.To)) {
			continue
		}
		if s.Length > p.Every && s.To > at {
			took = s.To - max(at, s.Asked)
			// Else it had answered, and the next layer's time is its own.
			if s.Asked <= at+p.Every {
				at = s.To
			}
		}
		shares = append(shares, Share{w.layer, took})
	}
	return shares
}

// takes is when a member got the VIP that it did not have, after a time. Where it was
// found to have it, that is not known.
func (w Witnessed) takes(after time.Duration) (time.Duration, bool) {
	for _, s := range w.Held {
		if s.From >= after-w.ClockError {
			if slices.ContainsFunc(w.Found, func(f Span) bool { return f.To == s.From }) {
				break
			}
			return max(s.From, after), true
		}
	}
	// The address was not seen to come: the transition tells as well.
	for _, e := range w.Events {
		if e.At >= after-w.ClockError && e.Event.To == api.Active {
			return max(e.At, after), true
		}
	}
	return 0, false
}

// announces is when a member announced the VIP that it got after the fault and held from
// a time on. The witness may have seen it come a moment later, and what is announced after
// the fault was undone, or when it was active no more, is another takeover's.
func (w Witnessed) announces(injected, held, undoing time.Duration) (time.Duration, bool) {
	for _, e := range w.Events {
		switch {
		case e.At >= undoing || e.At >= held && e.Event.From == api.Active:
			return 0, false
		case e.Event.Kind == "announce" && e.At >= injected-w.ClockError:
			return e.At, true
		}
	}
	return 0, false
}

func slowest(shares []Share) Layer {
	if len(shares) == 0 {
		return ""
	}
	return slices.MaxFunc(shares, func(a, b Share) int { return int(a.Took - b.Took) }).Layer
}
