package vip_test

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vip/netnstest"
)

// on returns the prefixes with which the NIC has the address, and which are for ever.
func on(t *testing.T, a netip.Addr) (all, forEver []string) {
	t.Helper()
	list, err := netlink.AddrList(netnstest.Link(t, netnstest.Device), netlink.FAMILY_ALL)
	netnstest.Must(t, err)
	for _, l := range list {
		if ip, _ := netip.AddrFromSlice(l.IP); ip.Unmap() != a {
			continue
		}
		all = append(all, l.IPNet.String())
		if l.ValidLft == 0 || uint32(l.ValidLft) == ^uint32(0) {
			forEver = append(forEver, l.IPNet.String())
		}
	}
	return all, forEver
}

// Whoever gave a server the VIP before it had an agent wrote the subnet's length.
func TestAVIPWithAnotherPrefixLengthIsSeenAndRemovedOrReplaced(t *testing.T) {
	for _, tt := range []struct{ vip, foreign string }{
		{"10.99.0.100/32", "10.99.0.100/24"},
		{"10.99.0.100/24", "10.99.0.100/32"},
		{"10.99.0.100/32", "10.99.0.100/8"},
		{"fd00:99::100/128", "fd00:99::100/64"},
	} {
		t.Run(tt.vip+" as "+tt.foreign, func(t *testing.T) {
			inPair(t, func(*netnstest.Namespace) {
				prefix, foreign := netip.MustParsePrefix(tt.vip), netip.MustParsePrefix(tt.foreign)
				s := newSet(t, prefix, vip2)
				byAddress := config.Interface{Name: netnstest.Device, Address: own}
				see := func(held bool, foreign ...netip.Prefix) {
					t.Helper()
					state := inspect(t, s, byAddress)
					if !state.Usable || state.Held != held || state.Any != (held || len(foreign) > 0) || !slices.Equal(state.Foreign, foreign) {
						t.Errorf("got %+v; want held %t, foreign %v", state, held, foreign)
					}
				}
				netnstest.AddAddress(t, netnstest.Device, tt.foreign)
				see(false, foreign)
				netnstest.Must(t, s.Remove())
				if all, _ := on(t, prefix.Addr()); len(all) > 0 {
					t.Errorf("%v is there after Remove", all)
				}
				see(false)

				netnstest.AddAddress(t, netnstest.Device, tt.foreign)
				see(false, foreign)
				add(t, s, 5*time.Second)
				if all, forEver := on(t, prefix.Addr()); !slices.Equal(all, []string{tt.vip}) || len(forEver) > 0 {
					t.Errorf("after Add: %v, for ever %v; want %s with a lease", all, forEver, tt.vip)
				}
				see(true)

				if prefix.Addr().Is6() {
					return // the kernel has an IPv6 address once
				}
				netnstest.AddAddress(t, netnstest.Device, tt.foreign)
				see(true, foreign)
				add(t, s, 5*time.Second)
				if all, _ := on(t, prefix.Addr()); !slices.Equal(all, []string{tt.vip}) {
					t.Errorf("%v is there after the next Add, want %s alone", all, tt.vip)
				}
			})
		})
	}
}

// A static VIP is on the NIC before DHCP gives the server its own address, which then
// is secondary to it. The kernel removes it with the VIP, unless it is told to promote.
func TestAForeignVIPDoesNotTakeTheServersOwnAddressWithIt(t *testing.T) {
	const foreign = "10.99.0.100/24"
	for name, tt := range map[string]struct {
		promote string
		stays   bool
	}{
		"the kernel would remove the own address": {"0", true},
		"the kernel promotes the own address":     {"1", false},
	} {
		t.Run(name, func(t *testing.T) {
			inPair(t, func(*netnstest.Namespace) {
				for _, which := range []string{"all", netnstest.Device} {
					value := tt.promote
					if which == "all" {
						value = "0"
					}
					netnstest.Must(t, os.WriteFile("/proc/sys/net/ipv4/conf/"+which+"/promote_secondaries", []byte(value), 0o644))
				}
				netnstest.DelAddress(t, netnstest.Device, own.String()+"/24")
				netnstest.AddAddress(t, netnstest.Device, foreign)
				netnstest.AddAddress(t, netnstest.Device, own.String()+"/24")
				s := newSet(t, vip1)
				look := func() vip.State { return inspect(t, s, config.Interface{Name: netnstest.Device}) }
				want := []string{vip1.String()}
				if tt.stays {
					want = append(want, foreign)
				}

				look()
				add(t, s, 5*time.Second) // it serves beside ours where it stays
				all, _ := on(t, vip1.Addr())
				slices.Sort(all)
				slices.Sort(want)
				if !slices.Equal(all, want) {
					t.Errorf("after Add: %v, want %v", all, want)
				}
				look()
				err := s.Remove()
				if errors.Is(err, vip.ErrBearsOwnAddress) != tt.stays || (err != nil) != tt.stays {
					t.Errorf("Remove: %v", err)
				}
				if tt.stays && !strings.Contains(err.Error(), "net.ipv4.conf.eth0.promote_secondaries") {
					t.Errorf("%q names no remedy", err)
				}
				state := look()
				if !state.Usable || state.Held || state.Any != tt.stays {
					t.Errorf("after Remove: %+v; want the own address, and the VIP only where it must stay", state)
				}
			})
		})
	}
}
