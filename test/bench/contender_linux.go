package bench

import (
	"testing"

	"github.com/havip/havip/test/field"
)

// contender is a daemon with settings of its own; docs/performance.md has them.
type contender struct {
	Name     string
	priority [2]int // of the first node and the second
	start    func(t testing.TB, c contender, nodes [2]*field.Node, s settings) [2]daemon
}

// daemon is one that runs on a node.
type daemon interface {
	// process is the one to be signalled.
	process() *field.Process
	// restart starts it again after its end.
	restart()
	// backup tells whether it says that it is backup since its last start.
	backup() bool
	// takeOver begins a switchover to this node, in the way that its
	// documentation has for it.
	takeOver()
}

// The names of the contenders.
const (
	havip = "havip"
	usual = "keepalived, usual"
	tuned = "keepalived, tuned"
)

func contenders() []contender {
	return []contender{
		{Name: havip, priority: [2]int{250, 249}, start: startAgent}, // as `havip create` sets them
		{Name: usual, priority: [2]int{100, 100}, start: startKeepalived},
		{Name: tuned, priority: [2]int{250, 249}, start: startTuned},
	}
}
