package remote

import (
	"context"
	"fmt"
	"net"
)

// maxHops ends a ring of jump hosts.
const maxHops = 8

// route lists the hops to a host, outermost first and the host itself last.
// The first jump host may have a way of its own in the configuration; those
// after it are reached from their predecessor (ssh(1), -J). Jumps that are
// given count before the configuration's ProxyJump and ProxyCommand.
func (d *Dialer) route(ctx context.Context, q question, given []string, depth int) ([]settings, error) {
	if depth > maxHops {
		return nil, fmt.Errorf("find the way to %s: more than %d jump hosts; ProxyJump goes in a ring", q.host, maxHops)
	}
	s, err := d.conf.resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	jumps := s.proxyJump
	if len(given) > 0 {
		jumps, s.proxyCommand = given, ""
	}
	var way []settings
	for i, jump := range jumps {
		hop, err := d.conf.resolve(ctx, splitHop(jump))
		if err != nil {
			return nil, err
		}
		if hop.address() == s.address() {
			// "Host * / ProxyJump bastion" holds for the bastion as well: it
			// is its own jump host, and ssh then goes straight.
			return append(way, s), nil
		}
		if i == 0 {
			way, err = d.route(ctx, splitHop(jump), nil, depth+1)
			if err != nil {
				return nil, err
			}
			continue
		}
		hop.proxyCommand = ""
		way = append(way, hop)
	}
	return append(way, s), nil
}

// reach opens a byte stream to the last hop's SSH port.
func (d *Dialer) reach(ctx context.Context, hops []settings) (net.Conn, error) {
	last, before := hops[len(hops)-1], hops[:len(hops)-1]
	failed := &UnreachableError{Address: last.address()}
	var open func(ctx context.Context) (net.Conn, error)
	switch {
	case len(before) > 0:
		via, err := d.jump(ctx, before)
		if err != nil {
			return nil, err
		}
		failed.Via = before[len(before)-1].address()
		// A direct-tcpip channel: no command runs on the jump host (RFC 4254
		// section 7.2).
		open = func(ctx context.Context) (net.Conn, error) { return via.DialContext(ctx, "tcp", last.address()) }
	case last.proxyCommand != "":
		open = func(ctx context.Context) (net.Conn, error) {
			return dialCommand(ctx, d.keys.expand.tokens(last, last.proxyCommand))
		}
	default:
		open = func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", last.address())
		}
	}
	hopCtx, cancel := context.WithTimeout(ctx, d.opts.HopTimeout)
	defer cancel()
	conn, err := open(hopCtx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		failed.Err, failed.Timeout = err, hopCtx.Err() != nil
		return nil, failed
	}
	return conn, nil
}
