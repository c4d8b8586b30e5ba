package metrics

import (
	"net"
	"time"
)

const (
	acceptEvery = 100 * time.Millisecond
	acceptBurst = 10 // that may come at once
)

// paced is a listener that takes connections at a bounded rate, for the agent answers
// at real-time priority: who asks without end must not take a core from the server.
// The others wait in the kernel.
type paced struct {
	net.Listener
	due time.Time
}

// Accept implements net.Listener. Only one goroutine may call it.
func (p *paced) Accept() (net.Conn, error) {
	time.Sleep(p.wait(time.Now()))
	return p.Listener.Accept()
}

// wait takes the next turn and returns how far off it is.
func (p *paced) wait(now time.Time) time.Duration {
	if rested := now.Add(-acceptBurst * acceptEvery); p.due.Before(rested) {
		p.due = rested
	}
	p.due = p.due.Add(acceptEvery)
	return max(0, p.due.Sub(now))
}
