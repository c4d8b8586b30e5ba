package transport

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
)

// Dialer opens the Conns of the virtual routers of one network namespace. Those
// of one family on one NIC share their sockets. The zero value is ready.
type Dialer struct {
	mu    sync.Mutex
	links map[linkKey]*link
}

type linkKey struct {
	index  int // of the NIC: a NIC that was replaced under its name is another
	domain int
}

// Open opens the way of a virtual router to its peers. The NIC must exist; it
// need not be up, nor hold the source address yet.
func (d *Dialer) Open(cfg Config) (*Conn, error) {
	c, err := d.open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open transport of vrid %d on %q: %w", cfg.VRID, cfg.Interface, err)
	}
	return c, nil
}

// Open is Open of a Dialer that is used for nothing else.
func Open(cfg Config) (*Conn, error) { return new(Dialer).Open(cfg) }

func (d *Dialer) open(cfg Config) (*Conn, error) {
	f, err := familyOf(cfg.Source)
	if err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	nic, err := net.InterfaceByName(cfg.Interface)
	if err != nil {
		return nil, err
	}
	cfg.Peers, cfg.Addresses = slices.Clone(cfg.Peers), slices.Clone(cfg.Addresses)

	d.mu.Lock()
	defer d.mu.Unlock()
	key := linkKey{index: nic.Index, domain: f.domain()}
	l := d.links[key]
	isNew := l == nil || l.unplugged()
	if isNew {
		if l, err = openLink(f, nic); err != nil {
			return nil, err
		}
	}
	c := newConn(d, key, l, cfg)
	if err := l.attach(c); err != nil {
		if isNew {
			_ = l.close()
		}
		return nil, err
	}
	if isNew {
		if d.links == nil {
			d.links = make(map[linkKey]*link)
		}
		d.links[key] = l
	}
	return c, nil
}

// release ends a Conn's part in its link, and the link with its last Conn.
func (d *Dialer) release(c *Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !c.link.detach(c) {
		return nil
	}
	if d.links[c.key] == c.link { // and not one that was opened since its NIC came back
		delete(d.links, c.key)
	}
	return c.link.close()
}

// check refuses what cannot work.
func (c Config) check() error {
	switch {
	case !c.Multicast && len(c.Peers) == 0:
		return errors.New("no peers: name them, or use multicast")
	case c.VRID < 1 || c.VRID > 255:
		return errors.New("the vrid is not in 1 to 255")
	case c.Version == 2 && c.Source.Is6():
		return errors.New("version 2 is IPv4 only (RFC 3768)")
	case c.Multicast && c.Source.Is6() && !c.Source.IsLinkLocalUnicast():
		return fmt.Errorf("source %s is not link-local, as multicast over IPv6 demands (RFC 9568 section 5.1.2.1)", c.Source)
	case c.linkLocalFirst() && (len(c.Addresses) == 0 || !c.Addresses[0].IsLinkLocalUnicast()):
		return errors.New("the first address is not link-local, as multicast over IPv6 demands (RFC 9568 section 5.2.9)")
	}
	return nil
}

// linkLocalFirst tells whether the first address has to be link-local: in
// multicast over IPv6 (RFC 9568 section 5.2.9). In unicast a router may well have
// none; see vrrp.Packet.FirstIsLinkLocal.
func (c Config) linkLocalFirst() bool { return c.Multicast && c.Source.Is6() }
