package failover

import (
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
)

// owners is how long at least two servers held the VIP, and the longest time in
// which none did, within a span. A server that told nothing is taken to hold what
// it last held only until its silence began.
func owners(members []Witnessed, within Span) (two, none time.Duration) {
	type edge struct {
		at    time.Duration
		delta int
	}
	var edges []edge
	known := false
	for _, m := range members {
		for _, s := range m.Held {
			if s = s.cut(within); s.Length() > 0 {
				edges = append(edges, edge{s.From, 1}, edge{s.To, -1})
			}
			known = true
		}
	}
	if !known {
		return 0, 0
	}
	slices.SortStableFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return b.delta - a.delta // one that hands over at this instant leaves no gap
	})
	holding, last := 0, within.From
	for _, e := range append(edges, edge{within.To, 0}) {
		switch length := e.at - last; {
		case holding >= 2:
			two += length
		case holding == 0:
			none = max(none, length)
		}
		holding, last = holding+e.delta, e.at
	}
	return two, none
}

// haveHad are the members with all the time in which they may have had the VIP: one that
// was found to hold it got it while it was not watched. Not so the one that lost it by the
// fault, whose server may have been off then.
func (rec Record) haveHad() []Witnessed {
	members := slices.Clone(rec.Members)
	for i, m := range members {
		if m.Name != rec.Before {
			members[i].Held = slices.Concat(m.Held, m.Found)
		}
	}
	return members
}

// handedOver tells whether another than the active member had the VIP when it was asked
// who answers, since it preempted or for whatever reason: the active one had it no more.
// Where both have it and neither lets go, the one that answers is not the one that ought to.
func (rec Record) handedOver(to string) bool {
	const atOnce = 100 * time.Millisecond // two that hand over may both hold it for a moment
	held := false
	for _, m := range rec.Members {
		when := Span{rec.Asked.From - m.ClockError, rec.Asked.To + m.ClockError}
		switch m.Name {
		case to:
			held = slices.ContainsFunc(m.Held, func(s Span) bool { return s.From <= when.To && s.To >= when.From })
		case rec.After:
			when.To += atOnce
			if !m.Told || slices.ContainsFunc(rec.mayHold(m), func(s Span) bool { return s.From <= when.From && s.To >= when.To }) {
				return false
			}
		}
	}
	return held
}

// mayHold is when a server held the VIP in the round, as far as is known: one that fell
// silent may still hold what it held then, unless the fault stopped the whole server.
func (rec Record) mayHold(w Witnessed) []Span {
	may := slices.Clone(w.Held)
	for _, b := range w.Blind {
		stopped := w.Name == rec.Before && rec.Fault.stopsServer() && b.From < rec.Undoing
		if !stopped && slices.ContainsFunc(w.Held, func(s Span) bool { return s.From <= b.From && s.To >= b.From }) {
			may = append(may, b)
		}
	}
	return Span{rec.Began, rec.Ended}.those(may)
}

// movedBefore tells whether the active member was none any more when the fault was
// made, and since how long: the fault then hit a backup, and nothing is learned.
func movedBefore(rec Record) (early time.Duration, moved bool) {
	i := slices.IndexFunc(rec.Members, func(m Witnessed) bool { return m.Name == rec.Before })
	if i < 0 {
		return 0, false
	}
	m := rec.Members[i]
	for _, e := range m.Events {
		if e.At < rec.Began || e.At >= rec.Injected-m.ClockError {
			continue
		}
		switch {
		case e.Event.From == api.Active && e.Event.To != api.Active:
			early, moved = rec.Injected-e.At, true
		case e.Event.To == api.Active:
			moved = false
		}
	}
	return early, moved
}

// meanwhile is another member that became active after the fault, before it was
// seen who is; "" when none did.
func meanwhile(rec Record) string {
	for _, m := range rec.Members {
		for _, e := range m.Events {
			if m.Name != rec.Before && e.Event.To == api.Active && e.At >= rec.Injected-m.ClockError && e.At <= rec.Undone {
				return m.Name
			}
		}
	}
	return ""
}
