package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/provision/server"
	"github.com/havip/havip/provision/spec"
)

// Fleet is the group's servers as SSH reaches them: one connection each, made
// when it is first needed, made anew when it has ended, and kept until Close.
type Fleet struct {
	service *Service
	// hints say how to reach single servers, by name or ID, as the group file
	// has it.
	hints []spec.Server

	mu      sync.Mutex
	servers map[string]*link // by server ID
}

// link is the way to one server and the connection, once there is one.
type link struct {
	mu     sync.Mutex
	target remote.Target
	macs   []string // of the server's ports, as far as they are known
	conn   Connection
	proved Connection // the last that was seen to lead to the server
}

// connect gives the connection that there is, or makes one: also after the
// last try failed, since the server may have come up meanwhile.
func (l *link) connect(ctx context.Context, dial Dialer) (Connection, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && l.conn.Alive() {
		return l.conn, nil
	}
	_ = l.close() // one that has ended
	conn, err := dial(ctx, l.target)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	return conn, nil
}

func (l *link) close() error {
	if l.conn == nil {
		return nil
	}
	err := l.conn.Close()
	l.conn = nil
	return err
}

// NewFleet is an empty fleet.
func (s *Service) NewFleet() *Fleet {
	return &Fleet{service: s, servers: map[string]*link{}}
}

// Close ends every connection.
func (f *Fleet) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, l := range f.servers {
		l.mu.Lock()
		errs = append(errs, l.close())
		l.mu.Unlock()
	}
	f.servers = map[string]*link{}
	return errors.Join(errs...)
}

// Know makes the fleet learn how to reach every server in o. A way that has
// changed counts from the next connection on.
func (f *Fleet) Know(g spec.Group, o plan.Observed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, servers := range o.Servers {
		for _, sv := range servers {
			l, ok := f.servers[sv.ID]
			if !ok {
				l = &link{}
				f.servers[sv.ID] = l
			}
			l.mu.Lock()
			l.target, l.macs = f.target(sv, f.hint(sv), g.SSH, o), macsOf(sv.ID, o)
			l.mu.Unlock()
		}
	}
}

func (f *Fleet) hint(sv openstack.Server) spec.ServerSSH {
	for _, h := range f.hints {
		if h.Ref == sv.ID || h.Ref == sv.Name {
			return h.SSH
		}
	}
	return spec.ServerSSH{}
}

// target says how to reach a server: a name of the user's SSH configuration
// first; then, without jump hosts, a floating IP before a fixed address, and
// with them the other way round.
func (f *Fleet) target(sv openstack.Server, want spec.ServerSSH, way spec.SSH, o plan.Observed) remote.Target {
	t := remote.Target{ServerName: sv.Name, Port: want.Port, User: want.User}
	if want.Host != "" {
		t.Names = []string{want.Host}
	}
	if way.HostKeys == spec.Console {
		t.ConsoleKeys = func(ctx context.Context) ([]ssh.PublicKey, error) {
			text, err := f.service.Cloud.ConsoleOutput(ctx, sv.ID)
			if err != nil {
				return nil, err
			}
			return remote.ParseConsoleKeys(text), nil
		}
	}
	var fixed, floating []netip.Addr
	for _, a := range sv.Addresses {
		switch {
		case !a.Floating:
			fixed = append(fixed, a.IP)
		case !elsewhere(a.IP, sv.ID, o):
			floating = append(floating, a.IP)
		}
	}
	// Nova shows late where a floating IP is (its cache heals every minute or
	// so), so what Neutron says counts.
	for _, p := range o.Ports {
		for _, fip := range o.FloatingIPs {
			if p.DeviceID == sv.ID && fip.PortID == p.ID && !slices.Contains(floating, fip.Address) {
				floating = append(floating, fip.Address)
			}
		}
	}
	if _, err := netip.ParseAddr(want.Host); err == nil {
		t.Addresses = []string{want.Host}
		return t
	}
	order := slices.Concat(floating, fixed)
	if len(way.Jump) > 0 {
		order = slices.Concat(fixed, floating)
	}
	for _, a := range order {
		t.Addresses = append(t.Addresses, a.String())
	}
	return t
}

// elsewhere tells whether Neutron shows a floating IP at no port of the server,
// but at the VIP's for instance. One whose port is on a network that was not
// looked at may be the server's.
func elsewhere(floating netip.Addr, serverID string, o plan.Observed) bool {
	i := slices.IndexFunc(o.FloatingIPs, func(f openstack.FloatingIP) bool { return f.Address == floating })
	if i < 0 {
		return false // another project's
	}
	at := o.FloatingIPs[i].PortID
	j := slices.IndexFunc(o.Ports, func(p openstack.Port) bool { return p.ID == at })
	return at == "" || j >= 0 && o.Ports[j].DeviceID != serverID
}

// connect is the connection to a server.
func (f *Fleet) connect(ctx context.Context, id string) (Connection, error) {
	l, err := f.link(id)
	if err != nil {
		return nil, err
	}
	return l.connect(ctx, f.service.Dial)
}

func (f *Fleet) link(id string) (*link, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.servers[id]
	if !ok {
		return nil, fmt.Errorf("server %s is not known", id)
	}
	return l, nil
}

// forget drops the connection to a server, which may be dead without having
// ended.
func (f *Fleet) forget(id string) {
	if l, err := f.link(id); err == nil {
		l.forget()
	}
}

func (l *link) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
}

// drop presumes the lock.
func (l *link) drop() {
	conn := l.conn
	l.conn = nil
	if conn != nil {
		go func() { _ = conn.Close() }() // which waits for an answer
	}
}

// lookTime is far more than a look at a server takes, also on a slow one.
const lookTime = time.Minute

var errSilent = fmt.Errorf("no answer within %s", lookTime)

// Inspect looks at one server; what stands in the way is part of the result.
func (f *Fleet) Inspect(ctx context.Context, sv openstack.Server, group string) plan.Host {
	if sv.Status != "ACTIVE" {
		h := plan.Host{Err: "the server is " + sv.Status, Hint: "wait until it is ACTIVE, or leave it out"}
		if action := sv.WakeUp(); action != "" {
			h.Hint = "openstack server " + action + " " + sv.Name
		}
		return h
	}
	l, err := f.link(sv.ID)
	if err != nil {
		return plan.Host{Err: err.Error()}
	}
	conn, err := l.connect(ctx, f.service.Dial)
	if err != nil {
		return plan.Host{Err: err.Error(), Hint: hintOf(err), Booting: remote.Booting(err)}
	}
	// Dialling bounds itself, and may wait for a person. What is run does not:
	// a mount that is gone makes it hang for good.
	ctx, cancel := context.WithTimeoutCause(ctx, lookTime, errSilent)
	defer cancel()
	h, err := server.Inspect(ctx, conn, group)
	if err == nil {
		err = l.prove(conn, macs(h.NICs))
	}
	if errors.Is(err, errSilent) {
		return plan.Host{Err: err.Error(), Hint: "log in to " + sv.Name + " and look what hangs there: sudo, the shell's profile, a mount"}
	}
	if err != nil {
		return plan.Host{Err: err.Error(), Hint: hintOf(err), Via: conn.Via()}
	}
	h.Address, h.Via, h.User = conn.Address(), conn.Via(), conn.User()
	return h
}

// Server implements apply.Servers.
func (f *Fleet) Server(ctx context.Context, id string) (apply.Server, error) {
	return f.server(ctx, id)
}

// server is a server to work on: the one that is meant, for certain.
func (f *Fleet) server(ctx context.Context, id string) (*server.Server, error) {
	l, err := f.link(id)
	if err != nil {
		return nil, err
	}
	conn, err := l.connect(ctx, f.service.Dial)
	if err != nil {
		return nil, err
	}
	if err := l.identify(ctx, conn); err != nil {
		return nil, err
	}
	return server.New(conn, f.service.Release), nil
}

// hintOf is the hint that an error carries, "" without one.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
