package track

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
)

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
// Without statuses any below 400 is healthy.
func probeHTTP(url string, statuses []int, insecure bool) Probe {
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: insecure},
		},
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
		healthy := resp.StatusCode < http.StatusBadRequest
		if len(statuses) > 0 {
			healthy = slices.Contains(statuses, resp.StatusCode)
		}
		if !healthy {
			return errors.New("status " + resp.Status)
		}
		return nil
	}
}
