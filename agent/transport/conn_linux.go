package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

const (
	// receiveBuffer holds some hundred adverts, a stall of seconds at 10 ms.
	receiveBuffer = 128 << 10
	// strangersBuffer holds a dozen packets.
	strangersBuffer = 8 << 10
	// largest is more than the longest advert: IP header with options, VRRP
	// header, 255 IPv6 addresses.
	largest = 60 + 8 + 255*16
)

// Conn carries the advertisements of one virtual router. Its methods may be
// called from any goroutine.
type Conn struct {
	family family
	source netip.Addr
	expect vrrp.Expect

	peersOnly *socket    // for adverts, out and in
	strangers *socket    // gets what does not come from a peer, to be counted
	incoming  sync.Mutex // held by the one goroutine in recvmsg
	buffer    []byte     // belongs to incoming, as do the next two
	ancillary []byte
	empty     time.Time // when the socket was last seen empty

	mu        sync.Mutex
	closed    bool
	peers     []netip.Addr
	addresses []netip.Addr
	drops     map[vrrp.DropReason]uint64
	counted   [2]uint32 // the kernel's counters when they were last read
}

// Open opens the sockets of a virtual router. The device must exist; it need not
// be up, nor hold the source address yet.
//
// A flood of protocol 112 from anywhere must neither fill the buffer that the
// peers' adverts need nor keep the agent busy. So packets of others are filtered
// away in the kernel; a second socket with a small buffer takes just them, and its
// overflow counter counts what is too much to be read.
func Open(cfg Config) (*Conn, error) {
	c, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open transport of vrid %d on %q: %w", cfg.VRID, cfg.Interface, err)
	}
	return c, nil
}

func open(cfg Config) (*Conn, error) {
	f, err := familyOf(cfg.Source)
	if err != nil {
		return nil, err
	}
	if len(cfg.Peers) == 0 {
		return nil, fmt.Errorf("no peers: multicast: %w", errors.ErrUnsupported)
	}
	c := &Conn{
		family:    f,
		source:    cfg.Source,
		expect:    vrrp.Expect{Version: cfg.Version, VRID: cfg.VRID, Interval: cfg.Interval},
		buffer:    make([]byte, largest),
		ancillary: make([]byte, 256),
		empty:     time.Now(),
		addresses: slices.Clone(cfg.Addresses),
		drops:     make(map[vrrp.DropReason]uint64),
	}
	if c.peersOnly, err = openSocket(f, cfg.Interface, receiveBuffer); err != nil {
		return nil, err
	}
	if c.strangers, err = openSocket(f, cfg.Interface, strangersBuffer); err != nil {
		_ = c.peersOnly.close()
		return nil, err
	}
	if err := c.setPeers(cfg.Peers); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// SetPeers changes whom the adverts go to and from whom they are taken.
func (c *Conn) SetPeers(peers []netip.Addr) {
	// It fails when the Conn is closed, or the kernel has no memory for a
	// filter: Receive checks the sender too, but would not see a new peer.
	// Without a filter it sees all, at the price of its work in a flood.
	if c.setPeers(peers) != nil {
		_ = c.peersOnly.removeFilter()
	}
}

func (c *Conn) setPeers(peers []netip.Addr) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peers = slices.Clone(peers)
	accept, err := c.family.filter(c.peers, keepAll, keepNone)
	if err != nil {
		return err
	}
	if err := c.peersOnly.setFilter(accept); err != nil {
		return err
	}
	others, err := c.family.filter(c.peers, keepNone, keepHeader)
	if err != nil {
		return err
	}
	return c.strangers.setFilter(others)
}

// SetAddresses changes the VIPs that the adverts list.
func (c *Conn) SetAddresses(addresses []netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addresses = slices.Clone(addresses)
}

// Close closes the sockets; a Receive that waits returns net.ErrClosed.
func (c *Conn) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	// A file's Close waits for those who use it, and they may wait for mu.
	c.mu.Unlock()
	if again {
		return nil
	}
	return errors.Join(c.peersOnly.close(), c.strangers.close())
}

// closedError replaces the errors that a closed file gives.
func (c *Conn) closedError(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || errors.Is(err, os.ErrClosed) {
		return net.ErrClosed
	}
	return err
}
