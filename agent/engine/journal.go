package engine

import (
	"sync"
	"time"

	"github.com/havip/havip/agent/api"
)

// journalSize is how many events are kept: some days of a quiet group, and in
// a storm enough to see how it began.
const journalSize = 1024

// Journal keeps the last events of an agent in one order. Writing never waits
// for a reader: one that is too slow sees a gap in Seq.
type Journal struct {
	start time.Time

	mu   sync.Mutex
	ring []api.Event // oldest first once full: ring[next:], ring[:next]
	next int
	seq  uint64
	more chan struct{} // closed and replaced by each event
}

// NewJournal makes an empty journal that counts its time from now.
func NewJournal() *Journal {
	return &Journal{start: time.Now(), more: make(chan struct{})}
}

// Append stamps an event and keeps it.
func (j *Journal) Append(ev api.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	j.seq++
	ev.Seq = j.seq
	ev.Time = now.Round(0)
	ev.Mono = api.Duration(now.Sub(j.start))
	if len(j.ring) < journalSize {
		j.ring = append(j.ring, ev)
	} else {
		j.ring[j.next] = ev
		j.next = (j.next + 1) % journalSize
	}
	close(j.more)
	j.more = make(chan struct{})
}

// Events returns the kept events whose Seq is greater than after, oldest
// first, and a channel that is closed when there are more.
func (j *Journal) Events(after uint64) ([]api.Event, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fresh := int(min(j.seq-min(after, j.seq), uint64(len(j.ring))))
	out := make([]api.Event, 0, fresh)
	for i := len(j.ring) - fresh; i < len(j.ring); i++ {
		out = append(out, j.ring[(j.next+i)%len(j.ring)])
	}
	return out, j.more
}
