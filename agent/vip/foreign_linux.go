package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ErrBearsOwnAddress says that a VIP was left on the NIC because the server's own
// address would have gone with it.
var ErrBearsOwnAddress = errors.New("the server's own address would go with it")

// foreign is a VIP on the NIC that is not as a set puts it there: it has another prefix
// length, or the kernel does not use it. Somebody else put it there, without a lease.
type foreign struct {
	prefix netip.Prefix
	// bearsOwn: the server's own IPv4 address is secondary to it. As a rule the kernel
	// removes those with their primary one.
	bearsOwn bool
}

// foreigners returns those on the NIC.
func (l link) foreigners(vips []netip.Prefix, own netip.Addr) (out []foreign) {
	for _, a := range l.addresses {
		at := slices.IndexFunc(vips, func(p netip.Prefix) bool { return p.Addr() == a.prefix.Addr() })
		if at < 0 || a.is(vips[at]) {
			continue
		}
		bearsOwn := a.prefix.Addr().Is4() && a.flags&unix.IFA_F_SECONDARY == 0 &&
			slices.ContainsFunc(l.addresses, func(b address) bool {
				return b.prefix.Addr() == own && b.flags&unix.IFA_F_SECONDARY != 0 && b.prefix.Masked() == a.prefix.Masked()
			})
		out = append(out, foreign{a.prefix, bearsOwn})
	}
	return out
}

// is tells whether it is the VIP as a set puts it there.
func (a address) is(vip netip.Prefix) bool {
	return a.prefix == vip && !a.tentative() && !a.duplicate()
}

// removeForeign takes off what Inspect has seen of others'.
func (s *Set) removeForeign() error {
	var going []netip.Prefix
	var left []foreign
	var errs []error
	for _, f := range s.foreign {
		if f.bearsOwn && !promotesSecondaries(s.nic.Index) {
			left = append(left, f)
			errs = append(errs, fmt.Errorf("address %s: %w: take it out of the network configuration, or set net.ipv4.conf.%s.promote_secondaries to 1",
				f.prefix, ErrBearsOwnAddress, s.nic.Name))
			continue
		}
		going = append(going, f.prefix)
	}
	err := s.table.execute(removal(s.nic.Index, going), unix.EADDRNOTAVAIL, unix.ENODEV)
	if err == nil {
		s.foreign = left
	}
	return errors.Join(append(errs, err)...)
}

// promotesSecondaries tells whether the kernel makes a secondary IPv4 address of the
// NIC the primary one when that is removed. The agent's sandbox has no /proc/sys, and
// netlink does not tell of the setting for all NICs: yes is certain, no is not.
func promotesSecondaries(index int) bool {
	const (
		inetConf = 1  // IFLA_INET_CONF of linux/if_link.h
		promote  = 20 // IPV4_DEVCONF_PROMOTE_SECONDARIES of linux/ip.h, which counts from 1
	)
	request := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = int32(index)
	request.AddData(header)
	messages, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil || len(messages) != 1 || len(messages[0]) < unix.SizeofIfInfomsg {
		return false
	}
	body := messages[0][unix.SizeofIfInfomsg:]
	for _, kind := range []uint16{unix.IFLA_AF_SPEC, unix.AF_INET, inetConf} {
		if body = attribute(body, kind); body == nil {
			return false
		}
	}
	const word = 4
	return len(body) >= promote*word && binary.NativeEndian.Uint32(body[(promote-1)*word:]) != 0
}

// attribute is the value of the first of this kind; nil: there is none.
func attribute(body []byte, kind uint16) []byte {
	const kinds = 1<<14 - 1 // NLA_TYPE_MASK of linux/netlink.h: the rest are flags
	all, err := nl.ParseRouteAttr(body)
	if err != nil {
		return nil
	}
	for _, a := range all {
		if a.Attr.Type&kinds == kind {
			return a.Value
		}
	}
	return nil
}
