package pulse

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Target says what to ask: "tcp:22", "icmp" or "http://NAME/PATH".
type Target string

// Check refuses what is no target.
func (t Target) Check() error {
	if _, ok := t.port(); ok || t == "icmp" || t.web() {
		return nil
	}
	return fmt.Errorf("%q: want icmp, tcp:PORT or a URL", t)
}

// port is that of a TCP target.
func (t Target) port() (uint16, bool) {
	text, ok := strings.CutPrefix(string(t), "tcp:")
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), ok && err == nil && n > 0
}

func (t Target) web() bool {
	u, err := url.Parse(string(t))
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// Open makes the asker of a target at an address; Close it in the end.
func (t Target) Open(addr netip.Addr) (Opened, error) {
	port, isPort := t.port()
	switch {
	case t == "icmp":
		return openEcho(addr)
	case isPort:
		return tcp{netip.AddrPortFrom(addr, port).String()}, nil
	case t.web():
		return openHTTP(string(t), addr)
	}
	return nil, t.Check()
}

// Opened is an asker with what it holds open.
type Opened interface {
	Asker
	Close() error
}

// tcp connects and closes: the kernel answers, so that what the service does
// with a connection that says nothing does not matter.
type tcp struct{ address string }

func (a tcp) Ask(ctx context.Context) error {
	c, err := dial(ctx, a.address)
	if err != nil {
		return err
	}
	return c.Close()
}

func (tcp) Close() error { return nil }

// dial makes a connection that is reset when it is closed. Else its port would rest
// for a minute or more (RFC 9293 section 3.6.1), and a fast pace use up all that there
// are: what is silent then is this machine.
func dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if c, ok := c.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // else it is as it would be without
	}
	return c, nil
}

// web gets a page, by a connection of its own each time: one that is kept alive
// would go on with the server that took it.
type web struct {
	url    string
	client *http.Client
}

func openHTTP(raw string, addr netip.Addr) (Opened, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	at := net.JoinHostPort(addr.String(), port)
	return web{raw, &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, at) },
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (a web) Ask(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, nil)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	// Any answer shows that somebody is there; whether it is well is for the
	// group's checks.
	return resp.Body.Close()
}

func (a web) Close() error {
	a.client.CloseIdleConnections()
	return nil
}
