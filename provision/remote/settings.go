package remote

import (
	"context"
	"net"
	"strings"
)

// settings is what the user's SSH configuration says about one host.
type settings struct {
	alias    string // the name that was asked for
	hostName string
	user     string
	port     string

	proxyJump    []string // outermost first
	proxyCommand string

	identityFiles  []string
	certificates   []string
	identityAgent  string // "" is SSH_AUTH_SOCK, "none" is none
	identitiesOnly bool

	hostKeyAlias   string
	knownHosts     []string // the user's; the first one is written to
	globalHosts    []string
	hashKnownHosts bool
}

// address is where the host listens.
func (s settings) address() string { return net.JoinHostPort(s.hostName, s.port) }

// knownAs is the name under which its key stands in known_hosts. An alias
// stands there without port (ssh_config(5), HostKeyAlias).
func (s settings) knownAs() string {
	if s.hostKeyAlias != "" {
		return net.JoinHostPort(s.hostKeyAlias, "22")
	}
	return net.JoinHostPort(strings.ToLower(s.hostName), s.port)
}

// mapped tells whether the configuration leads the name to another host.
func (s settings) mapped() bool {
	return !strings.EqualFold(s.hostName, s.alias)
}

// question is a host to look up. A user or port given here counts before the
// configuration's.
type question struct {
	host, user, port string
}

// resolver answers what the configuration says.
type resolver interface {
	resolve(ctx context.Context, q question) (settings, error)
}

// splitHop takes [user@]host[:port] or ssh://[user@]host[:port] apart, with
// IPv6 addresses in brackets (ssh(1), -J).
func splitHop(hop string) question {
	hop = strings.TrimSuffix(strings.TrimPrefix(hop, "ssh://"), "/")
	var q question
	if i := strings.LastIndex(hop, "@"); i >= 0 {
		q.user, hop = hop[:i], hop[i+1:]
	}
	if host, port, err := net.SplitHostPort(hop); err == nil {
		q.host, q.port = host, port
	} else {
		q.host = strings.Trim(hop, "[]") // also a bare IPv6 address
	}
	return q
}
