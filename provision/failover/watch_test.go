package failover

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

// said is what a witness told over one connection, from a time on.
func said(from time.Duration, start time.Time, lines ...heard) *session {
	return &session{clock: clock{start: start, known: true}, began: start.Add(from), lines: lines}
}

func TestAServerThatIsAwayBetweenTwoConnectionsTellsNothing(t *testing.T) {
	start := time.Now().Round(0)
	vip := netip.MustParseAddr("10.0.0.136")
	line := func(at time.Duration, l api.Testimony) heard { l.Time = start.Add(at); return heard{at, l} }
	holds := api.Testimony{Held: &api.Held{Address: vip, Held: true}}
	for name, tt := range map[string]struct {
		again time.Duration // when it tells again
		blind []Span
		held  []Span
	}{
		"for long":     {9 * time.Second, []Span{{3 * time.Second, 9 * time.Second}}, []Span{{time.Second, 3 * time.Second}, {9500 * ms, 10 * time.Second}}},
		"for a moment": {4 * time.Second, nil, []Span{{time.Second, 3 * time.Second}, {4500 * ms, 10 * time.Second}}},
	} {
		var after []heard
		for at := tt.again; at <= 10*time.Second; at += 500 * ms {
			l := api.Testimony{Echo: "1"}
			if at == tt.again+500*ms {
				l = holds
			}
			after = append(after, line(at, l))
		}
		w := &watch{name: "one", start: start, sessions: []*session{
			said(0, start, line(0, api.Testimony{}), line(time.Second, holds), line(2*time.Second, api.Testimony{Echo: "1"}), line(3*time.Second, api.Testimony{Echo: "2"})),
			said(tt.again, start, after...),
		}}
		m, _, _ := w.witnessed(Span{0, 10 * time.Second})
		if !slices.Equal(m.Blind, tt.blind) || !slices.Equal(m.Held, tt.held) {
			t.Errorf("%s: blind %v, held %v; want %v and %v", name, m.Blind, m.Held, tt.blind, tt.held)
		}
	}
}
