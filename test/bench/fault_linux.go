package bench

import "syscall"

// fault is what befalls the owner of the address, and how it comes back;
// docs/performance.md describes each.
type fault struct {
	Name   string
	strike func(p *pair, owner int)
	mend   func(p *pair, owner int)
	// lasting faults leave the address on the old owner's NIC: the round
	// measures for how long.
	lasting bool
	// asked is a move on request.
	asked bool
}

// The names of the faults.
const (
	gracefulStop = "graceful stop"
	switchover   = "switchover"
	killed       = "kill -9"
	frozen       = "SIGSTOP"
	linkCut      = "link cut"
)

func faults() []fault {
	return []fault{
		{
			Name:   gracefulStop,
			strike: func(p *pair, owner int) { p.daemons[owner].process().Signal(syscall.SIGTERM) },
			mend:   restart,
		},
		{
			Name:   switchover,
			strike: func(p *pair, owner int) { p.daemons[1-owner].takeOver() },
			mend:   func(*pair, int) {},
			asked:  true,
		},
		{
			Name:    killed,
			strike:  func(p *pair, owner int) { p.daemons[owner].process().Kill() },
			mend:    restart,
			lasting: true,
		},
		{
			Name:    frozen,
			strike:  func(p *pair, owner int) { p.signal(owner, syscall.SIGSTOP) },
			mend:    func(p *pair, owner int) { p.signal(owner, syscall.SIGCONT) },
			lasting: true,
		},
		{
			Name:   linkCut,
			strike: func(p *pair, owner int) { p.nodes[owner].Cut() },
			mend:   func(p *pair, owner int) { p.nodes[owner].Mend() },
		},
	}
}

// restart starts the daemon once the old one has ended.
func restart(p *pair, owner int) {
	p.daemons[owner].process().Stop()
	p.daemons[owner].restart()
}

func (p *pair) signal(node int, s syscall.Signal) {
	p.t.Helper()
	for _, pid := range p.daemons[node].process().Family() {
		must(p.t, syscall.Kill(pid, s))
	}
}
