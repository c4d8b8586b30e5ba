package bench

import (
	"context"
	"testing"
	"time"

	"github.com/havip/havip/test/field"
	"github.com/havip/havip/test/prober"
)

// pair is two nodes with a daemon each, and a client beside them.
type pair struct {
	t         testing.TB
	contender contender
	settings  settings
	nodes     [2]*field.Node
	client    *field.Node
	daemons   [2]daemon
	taps      [2]*tap
	watch     *prober.Watch
}

func newPair(t testing.TB, c contender, s settings) *pair {
	t.Helper()
	f := field.New(t)
	p := &pair{t: t, contender: c, settings: s, watch: prober.NewWatch(vip(0).Addr())}
	t.Cleanup(func() {
		if err := p.watch.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range p.nodes {
		n := f.Join(nodeAddress(i))
		must(t, n.Space.Do(func() error { return p.watch.Add(n.Name) }))
		p.nodes[i], p.taps[i] = n, newTap(t, n)
	}
	p.client = f.Join(nodeAddress(len(p.nodes)))
	p.daemons = c.start(t, c, p.nodes, s)
	return p
}

// settled waits until one node has the address and advertises, and the other is
// backup, and returns the number of the one.
func (p *pair) settled() int {
	p.t.Helper()
	owner := 0
	field.EventuallyOr(p.t, func() bool {
		holders := p.watch.Holders()
		if len(holders) != 1 {
			return false
		}
		if owner = 0; holders[0] == p.nodes[1].Name {
			owner = 1
		}
		return p.daemons[1-owner].backup() && time.Since(p.taps[owner].latest()) < p.settings.interval
	}, func() string { return p.contender.Name + ": one owner that advertises, and one backup" })
	return owner
}

// probing probes the address from the client until end is called.
func (p *pair) probing() (probe *prober.Prober, end func() prober.Report) {
	p.t.Helper()
	must(p.t, p.client.Space.Do(func() (err error) {
		probe, err = prober.Open(prober.Config{Target: vip(0).Addr(), Device: field.Device})
		return err
	}))
	ctx, stop := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	var report prober.Report
	go func() {
		var err error
		report, err = probe.Run(ctx)
		done <- err
	}()
	return probe, func() prober.Report {
		p.t.Helper()
		stop()
		must(p.t, <-done)
		return report
	}
}

// answers waits until the node answers.
func (p *pair) answers(probe *prober.Prober, node int) {
	p.t.Helper()
	field.EventuallyOr(p.t, func() bool { return probe.Latest().By == p.nodes[node].MAC.String() },
		func() string { return p.contender.Name + ": " + p.nodes[node].Name + " answers" })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
