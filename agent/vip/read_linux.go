package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// readLinks reads all NICs and their addresses.
func readLinks() ([]link, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	addresses, err := readAddresses()
	if err != nil {
		return nil, err
	}
	links := make([]link, 0, len(interfaces))
	for _, i := range interfaces {
		l := link{
			NIC:     NIC{Index: i.Index, Name: i.Name, MAC: i.HardwareAddr},
			up:      i.Flags&net.FlagUp != 0,
			running: i.Flags&net.FlagRunning != 0,
		}
		for _, a := range addresses {
			if a.index == i.Index {
				l.addresses = append(l.addresses, a)
			}
		}
		links = append(links, l)
	}
	return links, nil
}

// readAddresses reads the addresses of all NICs. netlink.AddrList does the
// same but keeps the time stamp of the last refresh for itself.
func readAddresses() ([]address, error) {
	// A dump during which the kernel's table changed is torn and read again;
	// each try takes microseconds, so the bound is never met in practice.
	const tries = 10
	var err error
	for range tries {
		request := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
		request.AddData(nl.NewIfAddrmsg(unix.AF_UNSPEC))
		var messages [][]byte
		messages, err = request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWADDR)
		if errors.Is(err, nl.ErrDumpInterrupted) {
			continue
		}
		if err != nil {
			break
		}
		addresses := make([]address, 0, len(messages))
		for _, m := range messages {
			if a, ok := parseAddress(m); ok {
				addresses = append(addresses, a)
			}
		}
		return addresses, nil
	}
	return nil, fmt.Errorf("list addresses: %w", err)
}

// parseAddress reads the body of an RTM_NEWADDR or RTM_DELADDR message:
// struct ifaddrmsg and attributes (rtnetlink(7)).
func parseAddress(m []byte) (address, bool) {
	if len(m) < unix.SizeofIfAddrmsg {
		return address{}, false
	}
	header := nl.DeserializeIfAddrmsg(m)
	attributes, err := nl.ParseRouteAttr(m[unix.SizeofIfAddrmsg:])
	if err != nil {
		return address{}, false
	}
	a := address{index: int(header.Index), flags: uint32(header.Flags)}
	var local, remote netip.Addr
	for _, attribute := range attributes {
		switch v := attribute.Value; attribute.Attr.Type {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(v)
		case unix.IFA_ADDRESS: // the other end of a point-to-point link, else the local address
			remote, _ = netip.AddrFromSlice(v)
		case unix.IFA_FLAGS:
			if len(v) >= 4 {
				a.flags = binary.NativeEndian.Uint32(v)
			}
		case unix.IFA_CACHEINFO: // u32 preferred, valid, cstamp, tstamp
			if len(v) >= unix.SizeofIfaCacheinfo {
				a.stamp = binary.NativeEndian.Uint32(v[12:])
			}
		}
	}
	if !local.IsValid() { // IPv6 has IFA_LOCAL on point-to-point links only
		local = remote
	}
	a.prefix = netip.PrefixFrom(local, int(header.Prefixlen))
	return a, a.prefix.IsValid()
}

// tentative tells whether the kernel does not use the address yet. It does use an
// optimistic one (RFC 4429) before it knows that nobody else has it.
func (a address) tentative() bool {
	return a.flags&unix.IFA_F_TENTATIVE != 0 && a.flags&unix.IFA_F_OPTIMISTIC == 0
}

// duplicate tells whether the kernel found that another station has the address, and
// so never uses it.
func (a address) duplicate() bool { return a.flags&unix.IFA_F_DADFAILED != 0 }
