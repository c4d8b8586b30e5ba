package track

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/havip/havip/agent/config"
)

// Probe asks once whether something is well; nil means that it is. It returns
// soon after ctx has ended.
type Probe func(ctx context.Context) error

// NewProbe returns the probe that a check's configuration asks for. The
// configuration has been validated: exactly one kind is set.
func NewProbe(cfg config.Check) Probe {
	switch {
	case cfg.TCP != "":
		return probeTCP(cfg.TCP)
	case cfg.HTTP != "":
		return probeHTTP(cfg.HTTP)
	}
	return func(context.Context) error {
		return fmt.Errorf("check %q has no kind that this agent knows", cfg.Name)
	}
}

// probeOnce gives a probe its time limit.
func probeOnce(ctx context.Context, probe Probe, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	err := probe(ctx)
	if err != nil && ctx.Err() != nil {
		// "context deadline exceeded" and "i/o timeout" say less.
		return context.Cause(ctx)
	}
	return err
}

// probeTCP connects and closes. An empty host is this server.
func probeTCP(address string) Probe {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return func(context.Context) error { return err }
	}
	if host == "" {
		host = "127.0.0.1"
	}
	address = net.JoinHostPort(host, port)
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// probeHTTP gets the URL. Each probe has a connection of its own: one that is
// kept alive would still be answered by a server that takes no new ones.
func probeHTTP(url string) Probe {
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		// A redirect is an answer below 400: where it leads is not checked.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return fmt.Errorf("close the answer of %q: %w", url, err)
		}
		if resp.StatusCode >= http.StatusBadRequest {
			return errors.New("status " + resp.Status)
		}
		return nil
	}
}
