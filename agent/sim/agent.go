package sim

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// stopLimit bounds the handover of an agent that is stopped, as the engine does.
const stopLimit = 2 * time.Second

// start starts the agent's process. An agent whose predecessor renewed the VIPs
// within two intervals goes on as active; else it takes them off. Without a link
// it waits for one.
func (m *member) start() {
	if !m.on || m.brain != nil {
		return
	}
	m.process++
	if m.waiting = !m.linkUp || m.frozen; m.waiting {
		return
	}
	resume := true
	for i := range m.vips {
		v := &m.vips[i]
		resume = resume && v.held && m.time().Sub(v.renewed) <= 2*m.cfg.Interval
	}
	if !resume {
		for i := range m.vips {
			m.drop(i)
		}
	}
	m.w.logf("%s  the agent starts, resuming: %t", m.name, resume)
	m.inForce = m.cfg
	m.brain = newBrain(m.cfg, m.spec.Routers, m.w.rng.Uint64())
	m.socket, m.rest, m.acts, m.todo = nil, nil, nil, nil
	m.sent, m.trap, m.stopped, m.stopBy = nil, nil, false, time.Time{}
	m.left, m.shown, m.started, m.gate, m.told = 0, "", m.time(), m.time(), true
	m.unheeded, m.unheard = false, netip.Addr{}
	if d := m.cfg.StartDelay; d > 0 && !resume {
		m.gate = m.gate.Add(d + down(m.cfg, m.cfg.Interval))
	}
	m.witness = [maxRouters]witness{}
	m.handle(0, vrrp.Health{OK: m.healthy})
	m.handle(0, vrrp.Start{Resume: resume})
	m.wake()
}

// crash ends the process at once; what the kernel has stays.
func (m *member) crash() {
	m.brain, m.waiting, m.going = nil, false, false
	m.want = [maxRouters]time.Duration{}
}

// exit is the orderly end: nothing stays.
func (m *member) exit() {
	for i := range m.vips {
		m.drop(i)
	}
	m.crash()
}

// leave asks the agent to stop.
func (m *member) leave() {
	m.going = m.brain != nil
	m.act(func() {
		m.stopBy = m.time().Add(stopLimit)
		m.handle(0, vrrp.Shutdown{})
	})
}

// resume lets a stopped process go on.
func (m *member) resume() {
	m.stopped = false
	m.wake()
}

// setLink changes the carrier; the agent is told.
func (m *member) setLink(up bool) {
	if m.linkUp == up {
		return
	}
	m.linkUp = up
	m.w.watch.disturbMember(m.index)
	if m.waiting {
		m.start()
		return
	}
	m.act(func() { m.each(vrrp.Link{Up: m.linkUp, Why: "no carrier"}) })
}

// setHealth changes what the checks say.
func (m *member) setHealth(ok bool) {
	m.healthy = ok
	m.act(func() { m.handle(0, vrrp.Health{OK: m.healthy}) })
}

// reload puts new settings in force.
func (m *member) reload(s Settings) {
	if s.Priority != 0 {
		m.cfg.Priority = s.Priority
	}
	if s.Interval != 0 {
		m.cfg.Interval = s.Interval
	}
	if s.Preempt != nil {
		m.cfg.Preempt = *s.Preempt
	}
	cfg := m.cfg
	m.w.watch.interval(cfg.Interval)
	m.act(func() {
		m.w.watch.reconfigured(m, cfg)
		for r := range m.vips {
			m.handle(r, vrrp.Reconfigured{Config: ofRouter(cfg, r)})
		}
	})
}

// each hands an event to every router.
func (m *member) each(ev vrrp.Event) {
	for r := range m.vips {
		m.handle(r, ev)
	}
}
