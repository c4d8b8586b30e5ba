package engine

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
)

// forget is how long something that was seen counts as a problem that is there:
// twice the time after which an active announces again.
const forget = time.Minute

// sighting is something wrong that was seen. Its zero value is nothing.
type sighting struct {
	since, last time.Time
	peer        netip.Addr
	detail      string
}

// see notes it.
func (s *sighting) see(now time.Time, peer netip.Addr, detail string) {
	if !s.current(now) {
		s.since = now
	}
	s.last, s.peer, s.detail = now, peer, detail
}

func (s *sighting) current(now time.Time) bool { return !s.last.IsZero() && now.Sub(s.last) < forget }

func (s *sighting) problem(code string) api.Problem {
	return api.Problem{Code: code, Detail: s.detail, Since: s.since.Round(0), Peer: s.peer}
}

// fault is an error that lasts until what failed succeeds. It is kept beyond that, for
// its news.
type fault struct {
	text  string // empty: it is over
	since time.Time
	news  news
}

// news is what the journal has of something that may come and go, or change to and fro,
// at each advertisement: that must not push the history out.
type news struct {
	seen, told time.Time
	detail     string // as told
}

// fresh notes that it was seen and tells whether that is an event: it was not seen for
// long, or is other than was told, which counts once in that time.
func (n *news) fresh(now time.Time, detail string) bool {
	known := now.Sub(n.seen) < forget
	n.seen = now
	if known && (detail == n.detail || now.Sub(n.told) < forget) {
		return false
	}
	n.told, n.detail = now, detail
	return true
}

// problems are what is wrong now, the cause first.
func (r *router) problems(now time.Time) []api.Problem {
	var out []api.Problem
	if p, blocked := r.blocked(now); blocked {
		out = append(out, p)
	}
	if r.conflict.current(now) {
		out = append(out, r.conflict.problem(api.ProblemAddressConflict))
	}
	// A rival advertises at each interval, until it has yielded.
	if r.state == api.Active && now.Sub(r.rival.last) < 4*time.Duration(r.cfg.Interval) {
		out = append(out, r.rival.problem(api.ProblemRival))
	}
	for _, peer := range slices.SortedFunc(maps.Keys(r.peers), netip.Addr.Compare) {
		if m := r.peers[peer].mismatch; m.current(now) {
			out = append(out, m.problem(api.ProblemMismatch))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(r.faults)) {
		if f := r.faults[what]; f.text != "" {
			out = append(out, api.Problem{Code: api.ProblemFault, Detail: what + ": " + f.text, Since: f.since.Round(0)})
		}
	}
	return out
}

func (r *router) blocked(now time.Time) (api.Problem, bool) {
	if r.e.group == nil {
		return api.Problem{}, false
	}
	b, ok := r.machine().Blocked(now)
	if !ok {
		return api.Problem{}, false
	}
	detail := fmt.Sprintf("%s announces the VIP, but its advertisements do not arrive: is protocol 112 blocked?", b.Peer)
	if b.Deaf {
		detail = fmt.Sprintf("%s takes no notice of our advertisements: is protocol 112 to it blocked?", b.Peer)
	}
	return api.Problem{Code: api.ProblemAdvertsBlocked, Detail: detail, Since: b.Since.Round(0), Peer: b.Peer}, true
}

// reportBlocked puts it into the journal when advertisements have come to be
// blocked, or are no longer.
func (r *router) reportBlocked() {
	p, blocked := r.blocked(time.Now())
	if blocked == r.wasBlocked {
		return
	}
	if r.wasBlocked = blocked; !blocked {
		p.Detail = "no sign of it any more"
	}
	r.event("blocked", p.Detail)
}
