package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
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

// Set is the VIPs of one virtual router on its NIC. It keeps no record of what
// it did: the kernel's table is the truth, so that a set made by a restarted
// agent finds what the earlier one left. It is not safe for concurrent use.
type Set struct {
	nic       NIC
	source    netip.Addr
	all       []netip.Addr   // what is announced
	addrs     []netip.Prefix // what is put there and taken off: all but source
	replies   bool
	announcer *packet.Conn // opened by the first Announce
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
// are there. The kernel counts whole seconds, so the lease is rounded up.
//
// A VIP other than a /32 or /128 is refused with ErrOwnAddressMissing while the
// server's own address is not there: added first it would become the primary
// address of the subnet, and its expiry would take the own one with it.
func (s *Set) Add(lease time.Duration) error {
	if slices.ContainsFunc(s.addrs, func(p netip.Prefix) bool { return !p.IsSingleIP() }) {
		own, err := s.ownAddressPresent()
		if err != nil {
			return err
		}
		if !own {
			return fmt.Errorf("add addresses to %q: %w (%s)", s.nic.Name, ErrOwnAddressMissing, s.source)
		}
	}
	var errs []error
	for _, p := range s.addrs {
		if err := netlink.AddrReplace(s.link(), leased(p, lease)); err != nil {
			errs = append(errs, fmt.Errorf("add address %s to %q: %w", p, s.nic.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Remove takes the VIPs off the NIC. One that is not there, or a NIC that is
// gone, is no error.
func (s *Set) Remove() error {
	var errs []error
	for _, p := range s.addrs {
		err := netlink.AddrDel(s.link(), &netlink.Addr{IPNet: ipNet(p)})
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.ENODEV) {
			errs = append(errs, fmt.Errorf("remove address %s from %q: %w", p, s.nic.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Held tells whether all VIPs are on the NIC.
func (s *Set) Held() (bool, error) {
	all, err := readAddresses()
	if err != nil {
		return false, err
	}
	return len(s.held(all)) == len(s.addrs), nil
}

// Rebind moves the set to another NIC: the same one with a new index after it
// was plugged in again, as a rule. The VIPs on the old NIC are not touched.
func (s *Set) Rebind(nic NIC) {
	s.closeAnnouncer()
	s.nic = nic
}

// Close closes the socket that Announce keeps open. The VIPs stay; a set can be
// used again after Close.
func (s *Set) Close() error {
	s.closeAnnouncer()
	return nil
}

// held returns those of the VIPs that are on the NIC.
func (s *Set) held(all []address) []address {
	var held []address
	for _, p := range s.addrs {
		at := slices.IndexFunc(all, func(a address) bool { return a.index == s.nic.Index && a.prefix == p })
		if at >= 0 {
			held = append(held, all[at])
		}
	}
	return held
}

func (s *Set) ownAddressPresent() (bool, error) {
	all, err := readAddresses()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(a address) bool {
		return a.index == s.nic.Index && a.prefix.Addr() == s.source
	}), nil
}

func (s *Set) link() netlink.Link {
	return &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: s.nic.Index, Name: s.nic.Name}}
}

// leased is the address as it is written each time. The flags are always the
// full set: the kernel replaces those of an IPv6 address with the ones given,
// and a refresh without them would switch duplicate detection on and add a
// route. An IPv4 address of the NIC's subnet must not add a second route either.
//
// An IPv6 address is deprecated from the start (RFC 4862 section 5.5.4): it serves,
// but the kernel does not take it as the source of what the server itself sends. It
// would, being the newest, and the server's own connections would end with each
// failover.
func leased(p netip.Prefix, lease time.Duration) *netlink.Addr {
	seconds := max(1, int((lease+time.Second-1)/time.Second))
	preferred, flags := seconds, unix.IFA_F_NOPREFIXROUTE
	if p.Addr().Is6() {
		preferred, flags = 0, flags|unix.IFA_F_NODAD
	}
	return &netlink.Addr{
		IPNet:       ipNet(p),
		Scope:       unix.RT_SCOPE_UNIVERSE,
		Flags:       flags,
		ValidLft:    seconds,
		PreferedLft: preferred,
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{
		IP:   p.Addr().AsSlice(),
		Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
	}
}
