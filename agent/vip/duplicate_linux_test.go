package vip_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vip/netnstest"
)

// The kernel asks for some hundreds of milliseconds before it sends from an IPv6
// address, and for ever after it has learned that another station has it.
func TestANICIsUsableWhenItsIPv6AddressIs(t *testing.T) {
	const twin = "fd00:99::7/64"
	for _, tt := range []struct {
		name string
		own  string
		want string // in the end; empty: usable
		no   string // at no time
	}{
		{"an address of its own", "fd00:99::8/64", "", "is a duplicate"},
		{"one that another station has", twin, "fd00:99::7 is a duplicate on the link of eth0", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inPair(t, func(other *netnstest.Namespace) {
				other.Do(t, func() { netnstest.AddAddress(t, netnstest.Device, twin) })
				source := netip.MustParsePrefix(tt.own).Addr()
				nic := find(t, config.Interface{Name: netnstest.Device})
				s := vip.NewSet(vip.Config{NIC: nic, Source: source, Addresses: []netip.Prefix{vip6}})
				withDetection(t, tt.own)

				byAddress := config.Interface{MAC: nic.MAC.String(), Address: source}
				var why []string
				netnstest.EventuallyOr(t, func() bool {
					state := inspect(t, s, byAddress)
					if state.SourceMissing == state.Usable {
						t.Fatalf("got %+v; want the address alone to be missing, or nothing", state)
					}
					if sends := canSendFrom(t, source); state.Usable && !sends {
						t.Fatal("said to be usable, and the kernel does not send from it")
					}
					why = append(why, state.Why)
					return state.Usable == (tt.want == "") && strings.Contains(state.Why, tt.want)
				}, func() string { return strings.Join(why, "\n") })
				if all := strings.Join(why, "\n"); tt.no != "" && strings.Contains(all, tt.no) {
					t.Errorf("told that it is %s:\n%s", tt.no, all)
				}
			})
		})
	}
}

// withDetection adds an address for ever as a server does, with duplicate address
// detection.
func withDetection(t *testing.T, cidr string) {
	t.Helper()
	a, err := netlink.ParseAddr(cidr)
	netnstest.Must(t, err)
	netnstest.Must(t, netlink.AddrAdd(netnstest.Link(t, netnstest.Device), a))
}

// canSendFrom tells whether the kernel lets a program use the address as a source.
func canSendFrom(t *testing.T, source netip.Addr) bool {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	netnstest.Must(t, err)
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet6{Addr: source.As16()}) == nil
}
