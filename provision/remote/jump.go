package remote

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// jumps are the connections to jump hosts, by the way to them.
type jumps struct {
	mu      sync.Mutex
	entries map[string]*jump
	closed  bool
}

// jump is one of them. Who holds turn may look at client and replace it; it is
// a channel so that waiting for it can be given up.
type jump struct {
	turn   chan struct{}
	client *ssh.Client
	gone   chan struct{} // closed when client has ended
}

// jump returns the connection to the last of hops, made by the first who asks.
func (d *Dialer) jump(ctx context.Context, hops []settings) (*ssh.Client, error) {
	var key strings.Builder
	for _, h := range hops {
		key.WriteString(h.user + "@" + h.address() + " " + h.proxyCommand + "\n")
	}
	d.jumps.mu.Lock()
	j := d.jumps.entries[key.String()]
	if j == nil {
		j = &jump{turn: make(chan struct{}, 1)}
		d.jumps.entries[key.String()] = j
	}
	d.jumps.mu.Unlock()

	select {
	case j.turn <- struct{}{}:
		defer func() { <-j.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if j.client != nil {
		select {
		case <-j.gone:
		default:
			return j.client, nil
		}
	}
	// A jump host has no console that we could read: under every policy its
	// key must be known, or become so by accept-new.
	client, err := d.connect(ctx, hops, nil)
	if err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	go func() {
		keepAlive(client)
		close(gone)
	}()
	d.jumps.mu.Lock()
	defer d.jumps.mu.Unlock()
	if d.jumps.closed {
		client.Close()
		return nil, net.ErrClosed
	}
	j.client, j.gone = client, gone
	return client, nil
}

func (js *jumps) close() error {
	js.mu.Lock()
	js.closed = true
	all := js.entries
	js.entries = map[string]*jump{}
	js.mu.Unlock()
	var errs []error
	for _, j := range all {
		j.turn <- struct{}{}
		if j.client != nil {
			errs = append(errs, unlessEnded(j.client.Close()))
			<-j.gone
		}
		<-j.turn
	}
	return errors.Join(errs...)
}
