package transport

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

const (
	// advertsBuffer holds some hundred advertisements of each router, a stall of
	// seconds at 10 ms; the most there is of it bounds the memory.
	advertsBuffer    = 128 << 10
	maxAdvertsBuffer = 4 << 20
	// countedBuffer holds more than a hundred packets of a class that is only counted:
	// what comes to a NIC in a flood while the reader gathers.
	countedBuffer = 64 << 10
	// unresolved is what the kernel keeps for a neighbour whose MAC it does not know,
	// until it gives up after seconds (unres_qlen_bytes, arp(7)). It charges that to the
	// socket: with less for each peer, those that are dead would leave no room for the
	// adverts to the others.
	unresolved = 208 << 10
	// largest is more than the longest advert: IP header with options, VRRP
	// header, 255 IPv6 addresses.
	largest = 60 + 8 + 255*16
)

// link is the sockets of all routers of one family on one NIC. The kernel gives
// each raw socket of a protocol a copy of each of its packets: with sockets of its
// own for each router, every advertisement would cost as many copies as there are
// routers.
type link struct {
	family  family
	index   int // of the NIC
	sockets [classes]*socket
	adverts *inlet  // the socket of that class
	owner   *inlet  // IPv4: see owner_linux.go; nil for IPv6
	tether  *socket // see tether_linux.go

	incoming  sync.Mutex // held by whoever reads the sockets; taken before mu
	buffer    []byte     // belongs to incoming, as do the next three
	ancillary []byte
	counted   [classes]uint32 // the kernel's counters when they were last read
	rejected  time.Time       // when the packets of the other classes were last counted

	mu      sync.Mutex // guards the rest, and the mutable part of each Conn
	conns   []*Conn
	byVRID  map[byte][]*Conn
	members int                        // routers in multicast
	drops   map[vrrp.DropReason]uint64 // of packets that are of no single router
	// ownerKnown: the owner's socket hears.
	ownerKnown bool
}

// inlet is where adverts come in.
type inlet struct {
	socket   *socket
	empty    time.Time // when there was last seen to be none to read; belongs to incoming
	audience audience  // whom its filter is made for; belongs to mu
}

func openLink(f family, nic *net.Interface) (*link, error) {
	l := &link{
		family:    f,
		index:     nic.Index,
		buffer:    make([]byte, largest),
		ancillary: make([]byte, 256),
		drops:     make(map[vrrp.DropReason]uint64),
		byVRID:    make(map[byte][]*Conn),
	}
	// First: whatever befalls the NIC from now on is seen by it.
	tether, err := openTether(nic.Index)
	if err != nil {
		return nil, err
	}
	l.tether = tether
	for class := range l.sockets {
		s, err := openSocket(f, nic.Name, countedBuffer, class == int(adverts))
		if err != nil {
			_ = l.close()
			return nil, err
		}
		l.sockets[class] = s
	}
	l.adverts = &inlet{socket: l.sockets[adverts], empty: time.Now()}
	if f.domain() == unix.AF_INET {
		s, err := openOwnerSocket()
		if err != nil {
			_ = l.close()
			return nil, err
		}
		l.owner = &inlet{socket: s, empty: time.Now()}
	}
	for _, in := range l.inlets() {
		go l.read(in)
	}
	return l, nil
}

func (l *link) inlets() []*inlet {
	if l.owner == nil {
		return []*inlet{l.adverts}
	}
	return []*inlet{l.adverts, l.owner}
}

func (l *link) close() error {
	errs := []error{l.tether.close()}
	for _, s := range l.sockets {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	if l.owner != nil {
		errs = append(errs, l.owner.socket.close())
	}
	return errors.Join(errs...)
}

// attach adds a router. On an error the link is as it was.
func (l *link) attach(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.cfg.Multicast {
		if err := l.join(); err != nil {
			return err
		}
	}
	vrid := byte(c.cfg.VRID)
	l.conns, l.byVRID[vrid] = append(l.conns, c), append(l.byVRID[vrid], c)
	if err := l.listen(); err != nil {
		l.remove(c)
		return err
	}
	return nil
}

// detach removes a router and tells whether it was the last one.
func (l *link) detach(c *Conn) (last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(c)
	if len(l.conns) == 0 {
		return true
	}
	l.relisten()
	return false
}

func (l *link) remove(c *Conn) {
	vrid, same := byte(c.cfg.VRID), func(other *Conn) bool { return other == c }
	l.conns, l.byVRID[vrid] = slices.DeleteFunc(l.conns, same), slices.DeleteFunc(l.byVRID[vrid], same)
	if c.cfg.Multicast {
		l.leave()
	}
}

// join joins the group for the first router in multicast. The socket that hears
// the adverts does it for all classes: the others hear what it has joined.
func (l *link) join() error {
	if l.members == 0 {
		err := l.adverts.socket.control(func(fd int) error { return l.family.member(fd, l.index, true) })
		if err != nil {
			return err
		}
	}
	l.members++
	return nil
}

func (l *link) leave() {
	if l.members--; l.members == 0 {
		// It fails when the NIC is gone, and its groups with it.
		_ = l.adverts.socket.control(func(fd int) error { return l.family.member(fd, l.index, false) })
	}
}

// listen sets filters and buffers for the routers that there are.
func (l *link) listen() error {
	var a audience
	for _, c := range l.conns {
		a.add(c.cfg, l.family.group())
	}
	l.adverts.audience = a
	for i, s := range l.sockets {
		keep := uint32(keepHead)
		if class(i) == adverts {
			keep = keepAll
		}
		filter, err := a.classFilter(l.family.layout(), class(i), keep)
		if err != nil {
			return fmt.Errorf("assemble filter: %w", err)
		}
		if err := s.setFilter(filter); err != nil {
			return err
		}
	}
	if err := l.adverts.socket.setReceiveBuffer(min(len(l.conns)*advertsBuffer, maxAdvertsBuffer)); err != nil {
		return err
	}
	if err := l.adverts.socket.setSendBuffer((len(a.from) + 1) * unresolved); err != nil {
		return err
	}
	if l.ownerKnown || l.owner != nil && slices.ContainsFunc(l.conns, func(c *Conn) bool { return c.cfg.hasOwner() }) {
		return l.listenToOwner()
	}
	return nil
}

// relisten is listen where nobody could act on an error: when the kernel has no
// memory for a filter. Each router checks what it gets, but with a filter of
// before would not get a new peer's. Without one it sees all, at the price of
// its work in a flood.
func (l *link) relisten() {
	if l.listen() != nil {
		_ = l.adverts.socket.removeFilter()
	}
}
