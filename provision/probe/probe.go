// Package probe asks an address whether it answers: by TCP, ICMP echo or HTTP.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/havip/havip/provision/spec"
)

// tryTime bounds one try, so that a lost packet does not use up the limit.
const tryTime = 2 * time.Second

// Until asks addr until it answers or ctx is over; the error is then that of
// the last try.
func Until(ctx context.Context, how spec.Verify, addr netip.Addr) error {
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		defer cancel()
		err := Once(ctx, how, addr)
		if err != nil {
			last = err
		}
		if errors.Is(err, syscall.ENETUNREACH) {
			return struct{}{}, backoff.Permanent(err) // no route comes by waiting
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(200*time.Millisecond)))
	if err != nil && last != nil {
		return last
	}
	return err
}

// Once asks addr one time.
func Once(ctx context.Context, how spec.Verify, addr netip.Addr) error {
	switch how.Kind {
	case spec.VerifyNone:
		return nil
	case spec.VerifyTCP:
		return tcp(ctx, net.JoinHostPort(addr.String(), strconv.Itoa(how.Port)))
	case spec.VerifyHTTP:
		return get(ctx, how.URL, addr)
	case spec.VerifyICMP:
		return ping(ctx, addr)
	default:
		return fmt.Errorf("unknown way to verify %q", how.Kind)
	}
}

func tcp(ctx context.Context, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

// get asks for the URL's path and host name, but connects to addr.
func get(ctx context.Context, raw string, addr netip.Addr) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	var d net.Dialer
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return d.DialContext(ctx, network, net.JoinHostPort(addr.String(), port))
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if u.Hostname() == "" {
		u.Host = net.JoinHostPort(addr.String(), port)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answered %s", addr, resp.Status)
	}
	return nil
}

// ping runs the system's ping: an ICMP socket of our own needs privileges that
// an operator's account rarely has.
func ping(ctx context.Context, addr netip.Addr) error {
	path, err := exec.LookPath("ping")
	if err != nil {
		return errors.New("there is no ping command here")
	}
	if err := exec.CommandContext(ctx, path, "-c", "1", addr.String()).Run(); err != nil {
		return fmt.Errorf("no answer to ping from %s", addr)
	}
	return nil
}

// Label is the way to ask as people read it: "tcp 22".
func Label(how spec.Verify) string {
	switch how.Kind {
	case spec.VerifyTCP:
		return fmt.Sprintf("tcp %d", how.Port)
	case spec.VerifyHTTP:
		return how.URL
	default:
		return string(how.Kind)
	}
}
