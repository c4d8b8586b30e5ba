package transport

import (
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/havip/havip/agent/vrrp"
)

// inboxSize is how many adverts wait for a router that does not take them. Of more, the
// latest are kept: they tell best whether the active is alive.
const inboxSize = 16

// Conn carries the advertisements of one virtual router. Its methods may be
// called from any goroutine.
type Conn struct {
	dialer *Dialer
	key    linkKey
	link   *link
	expect vrrp.Expect
	done   chan struct{} // closed by Close
	once   sync.Once

	// The rest belongs to link.mu.
	cfg    Config // its slices are replaced and never written to
	inbox  []Advert
	failed error
	drops  map[vrrp.DropReason]uint64
	before map[vrrp.DropReason]uint64 // the link's drops when the Conn was opened
}

func newConn(d *Dialer, key linkKey, l *link, cfg Config) *Conn {
	return &Conn{
		dialer: d,
		key:    key,
		link:   l,
		expect: vrrp.Expect{
			Version:        cfg.Version,
			VRID:           cfg.VRID,
			Interval:       cfg.Interval,
			LinkLocalFirst: cfg.linkLocalFirst(),
		},
		done:   make(chan struct{}),
		cfg:    cfg,
		drops:  make(map[vrrp.DropReason]uint64),
		before: l.dropped(true),
	}
}

// SetPeers changes whom the adverts go to and from whom they are taken.
func (c *Conn) SetPeers(peers []netip.Addr) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.cfg.Peers = slices.Clone(peers)
	if !c.closed() {
		c.link.relisten()
	}
}

// SetAddresses changes the VIPs that the adverts list.
func (c *Conn) SetAddresses(addresses []netip.Addr) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.cfg.Addresses = slices.Clone(addresses)
	if !c.closed() {
		c.link.relisten() // it may hear an owner by them
	}
}

// Close ends it.
func (c *Conn) Close() (err error) {
	c.once.Do(func() {
		close(c.done)
		err = c.dialer.release(c)
	})
	return err
}

func (c *Conn) closed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// closedError replaces the errors that a closed file gives.
func (c *Conn) closedError(err error) error {
	if c.closed() {
		return net.ErrClosed
	}
	return err
}
