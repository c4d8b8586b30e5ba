package engine

import "sync"

// mailbox is the routers that adverts have come for. The wires' readers fill it and
// the loop empties it: of adverts that come together, as those of all routers of an
// active do, the loop hears once.
type mailbox struct {
	some chan struct{} // has one when routers may be waiting

	mu      sync.Mutex
	waiting []*router
	taken   []*router // what empty returned last: its memory is used again
}

func newMailbox() *mailbox { return &mailbox{some: make(chan struct{}, 1)} }

// put never waits.
func (m *mailbox) put(r *router) {
	m.mu.Lock()
	m.waiting = append(m.waiting, r)
	m.mu.Unlock()
	select {
	case m.some <- struct{}{}:
	default: // the loop has not looked since the last time
	}
}

// empty returns the routers that were put there since the last call. What it returns
// is good until the next one.
func (m *mailbox) empty() []*router {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting, m.taken = m.taken[:0], m.waiting
	return m.taken
}
