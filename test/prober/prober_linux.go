package prober

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// Config is what is probed, and how.
type Config struct {
	Target netip.Addr
	Device string // where the answers arrive
	// Every is the length of a slot; zero is 1 ms.
	Every time.Duration
	// Patience is how late an answer may come and still count; zero is 100
	// slots. It is bounded because the client's kernel keeps packets while it
	// looks for a neighbour: an answer to one of them ends no silence.
	Patience time.Duration
}

// Prober probes one address.
type Prober struct {
	cfg    Config
	out    int      // raw ICMP socket
	in     *os.File // packet socket
	echo   echo
	latest atomic.Pointer[Answer]

	sent     []time.Time // by slot; belongs to send
	realtime bool
	answers  []arrived // belongs to receive
}

// arrived is an answer before it is known which probe it is for.
type arrived struct {
	Answer
	slot uint64
}

// Open makes a prober whose sockets are in the namespace of this thread.
func Open(cfg Config) (*Prober, error) {
	if cfg.Every == 0 {
		cfg.Every = time.Millisecond
	}
	if cfg.Patience == 0 {
		cfg.Patience = 100 * cfg.Every
	}
	p := &Prober{cfg: cfg, echo: newEcho(cfg.Target)}
	if err := p.open(); err != nil {
		return nil, fmt.Errorf("probe %s on %q: %w", cfg.Target, cfg.Device, err)
	}
	return p, nil
}

// Run probes until ctx ends, and then waits for the last answers. It is called
// once.
func (p *Prober) Run(ctx context.Context) (Report, error) {
	received := make(chan error, 1)
	go func() { received <- p.receive() }()
	sent := make(chan error, 1)
	go func() { sent <- onRealtimeThread(func(realtime bool) error { return p.send(ctx, realtime) }) }()
	errSend := <-sent
	errSet := p.in.SetReadDeadline(time.Now().Add(p.cfg.Patience))
	errReceive := <-received
	errClose := p.close()
	return p.report(), errors.Join(errSend, errSet, errReceive, errClose)
}

// Latest is the last answer that arrived; a zero one before the first.
func (p *Prober) Latest() Answer {
	if a := p.latest.Load(); a != nil {
		return *a
	}
	return Answer{}
}

// send keeps to the schedule. A slot that is over when its turn comes, or whose
// packet this machine cannot take, stays unsent.
func (p *Prober) send(ctx context.Context, realtime bool) error {
	p.realtime = realtime
	start, err := newStopwatch()
	if err != nil {
		return err
	}
	for slot := uint64(0); ctx.Err() == nil; slot++ {
		due := time.Duration(slot) * p.cfg.Every
		if err := start.sleepUntil(due); err != nil {
			return err
		}
		now := time.Now()
		if now.Sub(start.began.Add(due)) >= p.cfg.Every {
			p.sent = append(p.sent, time.Time{})
			continue
		}
		left, err := p.transmit(p.echo.request(slot))
		if err != nil {
			return fmt.Errorf("send probe: %w", err)
		}
		if !left {
			now = time.Time{}
		}
		p.sent = append(p.sent, now)
	}
	return nil
}

// report puts the answers to their probes.
func (p *Prober) report() Report {
	r := Report{Every: p.cfg.Every, Probes: make([]Probe, len(p.sent)), Realtime: p.realtime}
	for i, at := range p.sent {
		r.Probes[i].At = at
	}
	for _, a := range p.answers {
		if a.slot >= uint64(len(r.Probes)) {
			continue // not ours, or of a probe whose departure failed
		}
		probe := &r.Probes[a.slot]
		if !probe.At.IsZero() && a.At.Sub(probe.At) <= p.cfg.Patience {
			probe.Answers = append(probe.Answers, a.Answer)
		}
	}
	return r
}
