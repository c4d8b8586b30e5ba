package sim

import "github.com/havip/havip/agent/vrrp"

// begin has a fault happen.
func (w *world) begin(f Fault) {
	m := w.members[f.Who]
	w.logf("--  %s", f.text(name))
	w.watch.disturbMember(f.Who)
	w.forget(f)
	switch f.Kind {
	case Stop:
		m.suspend(f.Mid, func() { m.stopped = m.brain != nil })
	case Freeze:
		m.suspend(f.Mid, func() { m.freeze(true) })
	case Suspend:
		m.suspend(f.Mid, func() { m.freeze(false) })
	case Crash:
		m.crash()
	case Off:
		m.crash()
		m.powerOff()
	case Leave:
		m.leave()
	case Unlink:
		m.setLink(false)
	case Mute:
		m.mute = true
	case Sick:
		m.setHealth(false)
	case Strip:
		m.strip()
	case TakeOver:
		m.act(func() { m.handle(0, vrrp.TakeOver{}) })
	case Reload:
		m.reload(f.Settings)
	default:
		w.wire.fault(f, true)
	}
}

// end undoes it. It may have been undone before.
func (w *world) end(f Fault) {
	m := w.members[f.Who]
	w.watch.disturbMember(f.Who)
	if f.Kind != TakeOver && f.Kind != Strip && f.Kind != Reload {
		w.logf("--  %s no more", f.text(name))
	}
	switch f.Kind {
	case Stop:
		m.trap = nil
		m.resume()
	case Freeze, Suspend:
		m.trap = nil
		m.thaw()
	case Crash, Leave:
		m.start()
	case Off:
		m.on = true
		m.start()
	case Unlink:
		m.setLink(true)
	case Mute:
		m.mute = false
	case Sick:
		m.setHealth(true)
	case Strip, TakeOver, Reload:
	default:
		w.wire.fault(f, false)
	}
}

// suspend stops the process or the server now or between two effects.
func (m *member) suspend(mid bool, do func()) {
	if mid {
		m.trap = do
		return
	}
	do()
}

// fault cuts or blocks, or mends.
func (w *wire) fault(f Fault, on bool) {
	for r := range maxRouters {
		if f.Only == 0 || f.Only == r+1 {
			w.faultOf(r, f, on)
		}
	}
}

func (w *wire) faultOf(router int, f Fault, on bool) {
	cut, blocked := &w.cut[router], &w.blocked[router]
	switch f.Kind {
	case Cut:
		cut[f.Who][f.Other], cut[f.Other][f.Who] = on, on
	case OneWay:
		cut[f.Who][f.Other] = on
	}
	for other := range w.w.members {
		switch f.Kind {
		case Isolate:
			cut[f.Who][other], cut[other][f.Who] = on, on
		case Block:
			blocked[f.Who][other], blocked[other][f.Who] = on, on
		case BlockFrom:
			blocked[f.Who][other] = on
		}
	}
}

// heal makes the wire whole and lets everything run that was stopped. Who died
// for good stays so, and who is sick for good too.
func (w *world) heal() {
	w.logf("--  the wire is whole")
	w.wire.clear()
	for _, m := range w.members {
		m.trap, m.mute = nil, false
		if m.stopped {
			m.resume()
		}
		m.thaw()
		m.setLink(true)
	}
}
