package remote

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/provision/spec"
)

// The default time for one hop: to connect, and again to shake hands.
const defaultHopTimeout = 10 * time.Second

// Options is how a Dialer reaches servers.
type Options struct {
	User     string        // "" leaves it to the SSH configuration, then the login name
	Jump     []string      // [user@]host[:port], outermost first
	Identity string        // private key file to show first
	Config   string        // ssh_config file; "" is the user's own
	HostKeys spec.HostKeys // "" is spec.KnownHosts
	// Prompt asks for a passphrase without showing it. Nil where nobody can be
	// asked.
	Prompt func(ctx context.Context, text string) (string, error)
	// HopTimeout bounds each hop; zero is 10 s. Time that a person or the
	// console takes does not count.
	HopTimeout time.Duration
}

// Dialer reaches servers. It keeps one connection to each jump host, which all
// servers behind it share. Its methods may be called from several goroutines.
type Dialer struct {
	opts    Options
	conf    resolver
	keys    *keyring
	trustMu sync.Mutex // one writer of known_hosts
	jumps   jumps
}

// New returns a Dialer. It must be closed.
func New(opts Options) *Dialer {
	expand := newExpander()
	var conf resolver = newSSHConfig(opts.Config, expand)
	if path, err := exec.LookPath("ssh"); err == nil {
		conf = openSSH{binary: path, config: opts.Config, expand: expand}
	}
	return newDialer(opts, conf, expand)
}

func newDialer(opts Options, conf resolver, expand expander) *Dialer {
	if opts.HopTimeout == 0 {
		opts.HopTimeout = defaultHopTimeout
	}
	if opts.HostKeys == "" {
		opts.HostKeys = spec.KnownHosts
	}
	return &Dialer{
		opts:  opts,
		conf:  conf,
		keys:  newKeyring(opts.Prompt, expand),
		jumps: jumps{entries: map[string]*jump{}},
	}
}

// Close ends the connections to jump hosts and to ssh-agents.
func (d *Dialer) Close() error {
	return errors.Join(d.jumps.close(), d.keys.close())
}

// Dial connects to a server: by the first of its names that the user's SSH
// configuration maps to a host, else by its addresses in turn.
func (d *Dialer) Dial(ctx context.Context, t Target) (*Conn, error) {
	routes, err := d.routes(ctx, t)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, route := range routes {
		client, err := d.connect(ctx, route, t.ConsoleKeys)
		if err == nil {
			return newConn(client, route), nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		failed = append(failed, err)
	}
	return nil, mostTelling(failed)
}

// mostTelling puts a refusal before those that got no answer: the private
// address of a server is often out of reach, and that says little.
func mostTelling(failed []error) error {
	for i, err := range failed {
		if _, ok := errors.AsType[*UnreachableError](err); !ok {
			failed[0], failed[i] = failed[i], failed[0]
			break
		}
	}
	if len(failed) == 1 {
		return failed[0]
	}
	return errors.Join(failed...)
}

// routes lists the ways to a target, each as its hops, outermost first.
func (d *Dialer) routes(ctx context.Context, t Target) ([][]settings, error) {
	ask := func(host string) question {
		q := question{host: host, user: firstOf(t.User, d.opts.User)}
		if t.Port != 0 {
			q.port = fmt.Sprint(t.Port)
		}
		return q
	}
	names := t.Names
	if isHostName(t.ServerName) {
		names = append(slices.Clone(names), t.ServerName)
	}
	for i, name := range names {
		s, err := d.conf.resolve(ctx, ask(name))
		if err != nil {
			if i >= len(t.Names) && len(t.Addresses) > 0 {
				break // nobody asked for this name
			}
			return nil, err
		}
		if s.mapped() {
			route, err := d.route(ctx, ask(name), d.opts.Jump, 0)
			return [][]settings{route}, err
		}
	}
	hosts := t.Addresses
	if len(hosts) == 0 && len(names) > 0 {
		hosts = names[:1] // the name may still stand in the DNS
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("reach server %q: it has no address, and its name is none that SSH takes", t.ServerName)
	}
	var routes [][]settings
	for _, host := range hosts {
		route, err := d.route(ctx, ask(host), d.opts.Jump, 0)
		if err != nil {
			return nil, err
		}
		routes = append(routes, route)
	}
	return routes, nil
}

// isHostName tells whether a server's name can be one of the SSH configuration.
// ssh would read others as user@host, as a URI or as an option, or refuse them.
func isHostName(name string) bool {
	const valid = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return name != "" && name[0] != '-' && strings.Trim(name, valid) == ""
}

// connect makes the connection to the last of the hops.
func (d *Dialer) connect(ctx context.Context, hops []settings, console consoleKeys) (*ssh.Client, error) {
	last := hops[len(hops)-1]
	conn, err := d.reach(ctx, hops)
	if err != nil {
		return nil, err
	}
	client, err := d.handshake(ctx, conn, last, console)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return client, nil
}

type consoleKeys func(ctx context.Context) ([]ssh.PublicKey, error)
