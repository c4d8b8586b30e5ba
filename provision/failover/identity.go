package failover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Identify says how to learn who answers for an address: "ssh:PORT" by its host
// key, "header:NAME=URL" by a header of its answer, "body:URL" by the answer's
// first line; empty: not at all.
type Identify string

// Check refuses what is none of these.
func (i Identify) Check() error {
	kind, rest, _ := strings.Cut(string(i), ":")
	switch kind {
	case "":
		return nil
	case "ssh":
		if n, err := strconv.ParseUint(rest, 10, 16); err == nil && n > 0 {
			return nil
		}
	case "header":
		if name, at, ok := strings.Cut(rest, "="); ok && name != "" && webURL(at) {
			return nil
		}
	case "body":
		if webURL(rest) {
			return nil
		}
	}
	return fmt.Errorf("%q: want ssh:PORT, header:NAME=URL or body:URL", i)
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// Who asks an address who it is. The word is a host key's fingerprint, or what the
// page says.
func (i Identify) Who(ctx context.Context, addr netip.Addr) (string, error) {
	kind, rest, _ := strings.Cut(string(i), ":")
	switch kind {
	case "ssh":
		return hostKey(ctx, net.JoinHostPort(addr.String(), rest))
	case "header":
		name, at, _ := strings.Cut(rest, "=")
		return fetch(ctx, at, addr, func(r *http.Response) (string, error) { return r.Header.Get(name), nil })
	case "body":
		return fetch(ctx, rest, addr, func(r *http.Response) (string, error) {
			line, err := io.ReadAll(io.LimitReader(r.Body, 200))
			first, _, _ := strings.Cut(string(line), "\n")
			return strings.TrimSpace(first), err
		})
	}
	return "", nil
}

// Known are the members' names by what they say of themselves. It is nil where one of them
// said nothing, or two say the same: what is heard outside then tells nobody.
func Known(members []Member, said map[string][]string) map[string]string {
	known := map[string]string{}
	for _, m := range members {
		if len(said[m.Name]) == 0 {
			return nil
		}
		for _, word := range said[m.Name] {
			if other, ok := known[word]; ok && other != m.Name {
				return nil
			}
			known[word] = m.Name
		}
	}
	return known
}

// errSeen ends a handshake when the host key was seen: nothing is sent to a
// server whose key has not been checked.
var errSeen = errors.New("the host key was seen")

func hostKey(ctx context.Context, address string) (string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if limit, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(limit) // a connection that is closed fails next anyway
	}
	var seen string
	_, _, _, err = ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		// One kind of key, so that a server is always known by the same.
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = ssh.FingerprintSHA256(key)
			return errSeen
		},
	})
	if seen == "" {
		return "", err
	}
	return seen, nil
}

func fetch(ctx context.Context, raw string, addr netip.Addr, read func(*http.Response) (string, error)) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, raw, nil)
	if err != nil {
		return "", err
	}
	port := req.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[req.URL.Scheme]
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, net.JoinHostPort(addr.String(), port))
		},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	return read(resp)
}

// connection is one long TCP connection: whether it lives through a failover.
type connection struct {
	conn  net.Conn
	ended chan struct{}
}

// openSession connects to a port. The kernel asks for a sign of life each second,
// so that a connection whose other end is gone ends.
func openSession(ctx context.Context, address netip.AddrPort) (*connection, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 5}}
	conn, err := d.DialContext(ctx, "tcp", address.String())
	if err != nil {
		return nil, err
	}
	s := &connection{conn: conn, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		_, _ = io.Copy(io.Discard, conn) // what it says, and how it ends, does not matter
	}()
	return s, nil
}

// end tells what became of the connection, and ends it.
func (s *connection) end() Session {
	if s == nil {
		return NoSession
	}
	select {
	case <-s.ended:
		return Broken
	default:
	}
	_ = s.conn.Close()
	<-s.ended
	return Kept
}
