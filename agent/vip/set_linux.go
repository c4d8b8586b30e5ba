package vip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// ErrOwnAddressMissing says that a VIP was not added because the server's own
// address is not on the NIC.
var ErrOwnAddressMissing = errors.New("the server's own address is not on the interface")

// Config is the VIPs of one virtual router and where they belong.
type Config struct {
	NIC       NIC
	Source    netip.Addr     // the server's own address on the NIC
	Addresses []netip.Prefix // the VIPs
	Replies   bool           // announce IPv4 VIPs in the form of a reply too
}

// renewEvery is how often a lease is renewed at most. Each renewal is news for
// every program on the server that follows its addresses; one at each
// advertisement would be a hundred a second at an interval of 10 ms. The shortest
// lease, 1 s, loses nothing by it. Nor does an agent that asks after its restart
// whether the lease was renewed within two intervals: where 50 ms matter to that, it
// is too late anyhow.
const renewEvery = 50 * time.Millisecond

// Set is the VIPs of one virtual router on its NIC. The kernel's table is the
// truth, so that a set made by a restarted agent finds what the earlier one left.
// It is not safe for concurrent use.
type Set struct {
	nic       NIC
	source    netip.Addr
	all       []netip.Addr   // what is announced
	addrs     []netip.Prefix // what is put there and taken off: all but source
	foreign   []foreign      // as Inspect saw it
	replies   bool
	announcer *packet.Conn // opened by the first Announce
	table     table

	lease   time.Duration // of the last renewal
	renewal request       // for that lease
	renewed time.Time     // when that was; zero when the VIPs may not be there
}

// NewSet returns the set of the VIPs on the NIC. It touches nothing.
//
// A VIP that is the server's own address (its owner, RFC 9568 section 1.7) is
// announced and left alone otherwise: whoever gave it to the server keeps it.
func NewSet(cfg Config) *Set {
	s := &Set{nic: cfg.NIC, source: cfg.Source, replies: cfg.Replies}
	for _, p := range cfg.Addresses {
		s.all = append(s.all, p.Addr())
		if p.Addr() != cfg.Source {
			s.addrs = append(s.addrs, p)
		}
	}
	return s
}

// Add puts the VIPs on the NIC with a lease, or renews the lease of those that
// are there, and tells whether it has written one. The kernel counts whole seconds, so
// the lease is rounded up. Called again at once it does nothing, unless the set has been
// told or has seen that the VIPs are not there.
//
// What Inspect saw of them that is foreign is replaced: it has no lease, and the kernel
// has an IPv6 address once, with the prefix length that it came with. Where it cannot
// be removed, it serves beside ours.
//
// A VIP with a prefix that the server's own address is in is refused with
// ErrOwnAddressMissing while that is not there: added first it would become the
// primary address of the subnet, and its expiry would take the own one with it.
func (s *Set) Add(lease time.Duration) (written bool, err error) {
	now := time.Now()
	fresh := s.renewed.IsZero()
	if !fresh && lease == s.lease && now.Sub(s.renewed) < renewEvery {
		return false, nil
	}
	if fresh {
		if err := s.wantOwnAddress(); err != nil {
			return false, err
		}
		if err := s.removeForeign(); err != nil && !errors.Is(err, ErrBearsOwnAddress) {
			return false, fmt.Errorf("replace addresses on %q: %w", s.nic.Name, err)
		}
	}
	if fresh || lease != s.lease {
		seconds := max(1, (lease+time.Second-1)/time.Second)
		s.renewal = replacement(s.nic.Index, s.source, s.addrs, uint32(seconds))
	}
	s.renewed = time.Time{}
	if err := s.table.execute(s.renewal); err != nil {
		return false, fmt.Errorf("add addresses to %q: %w", s.nic.Name, err)
	}
	s.lease, s.renewed = lease, now
	return true, nil
}

// wantOwnAddress refuses to go on without the server's own address where a VIP
// needs it.
func (s *Set) wantOwnAddress() error {
	if !slices.ContainsFunc(s.addrs, func(p netip.Prefix) bool { return !p.IsSingleIP() && p.Contains(s.source) }) {
		return nil
	}
	all, err := readAddresses()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(a address) bool { return a.index == s.nic.Index && a.prefix.Addr() == s.source }) {
		return nil
	}
	return fmt.Errorf("add addresses to %q: %w (%s)", s.nic.Name, ErrOwnAddressMissing, s.source)
}

// Remove takes the VIPs off the NIC, and what Inspect saw of them that is foreign. One
// that is not there, or a NIC that is gone, is no error. One that cannot go without the
// server's own address stays, with ErrBearsOwnAddress.
func (s *Set) Remove() error {
	s.renewed = time.Time{}
	err := errors.Join(
		s.table.execute(removal(s.nic.Index, s.addrs), unix.EADDRNOTAVAIL, unix.ENODEV),
		s.removeForeign())
	if err != nil {
		return fmt.Errorf("remove addresses from %q: %w", s.nic.Name, err)
	}
	return nil
}

// Held tells whether all VIPs are on the NIC.
func (s *Set) Held() (bool, error) {
	all, err := readAddresses()
	if err != nil {
		return false, err
	}
	return s.saw(len(s.held(all)) == len(s.addrs)), nil
}

// Rebind moves the set to another NIC: the same one with a new index after it
// was plugged in again, as a rule. The VIPs on the old NIC are not touched.
func (s *Set) Rebind(nic NIC) {
	s.closeAnnouncer()
	s.nic, s.renewed = nic, time.Time{}
}

// Close closes the sockets that the set keeps open. The VIPs stay; a set can be
// used again after Close.
func (s *Set) Close() error {
	s.closeAnnouncer()
	s.table.close()
	return nil
}

// saw notes whether all is as Add left it; if not, the next one acts at once.
func (s *Set) saw(well bool) bool {
	if !well {
		s.renewed = time.Time{}
	}
	return well
}

// held returns those of the VIPs that are on the NIC.
func (s *Set) held(all []address) []address {
	var held []address
	for _, p := range s.addrs {
		at := slices.IndexFunc(all, func(a address) bool { return a.index == s.nic.Index && a.is(p) })
		if at >= 0 {
			held = append(held, all[at])
		}
	}
	return held
}
