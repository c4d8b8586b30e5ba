package field

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/test/lab/space"
)

// bridge is the name of the switch in its namespace.
const bridge = "br0"

// Field is a switch and the nodes on it.
type Field struct {
	t      testing.TB
	dir    string
	sw     *space.Space
	nodes  []*Node
	joined int // also those that are gone
	blocks []block
}

// New makes a field without nodes. Without the privilege it skips the test, or
// fails it when HAVIP_REQUIRE_NETNS=1.
func New(t testing.TB) *Field {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatal("needs root, for network namespaces (HAVIP_REQUIRE_NETNS=1)")
		}
		t.Skip("needs root, for network namespaces")
	}
	// Not t.TempDir, which only its owner can enter: the daemons are others.
	dir, err := os.MkdirTemp("", "havip-field-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	f := &Field{t: t, dir: dir, sw: newSpace(t)}
	// A switch has no addresses: it only passes frames on.
	must(t, f.sw.Set("ipv6/conf/default/disable_ipv6", "1"))
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridge
	snoop := false // multicast goes to every port, asked for or not
	must(t, f.sw.Links().LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snoop}))
	must(t, f.sw.Links().LinkSetUp(link(t, f.sw, bridge)))
	return f
}

// newSpace is a namespace that is let go of when the test ends.
func newSpace(t testing.TB) *space.Space {
	t.Helper()
	s, err := space.New()
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Join adds a node with these addresses (CIDR) on its NIC, and waits until the
// NIC carries.
func (f *Field) Join(addresses ...string) *Node {
	f.t.Helper()
	f.joined++
	name := fmt.Sprintf("n%d", f.joined)
	n := &Node{
		Name:  name,
		Space: newSpace(f.t),
		f:     f,
		dir:   filepath.Join(f.dir, name),
		port:  "port" + name[1:],
	}
	must(f.t, os.Mkdir(n.dir, 0o755))
	n.thread = newThread(f.t, n.Space)
	for key, value := range map[string]string{
		// Addresses are at once what they are; no router tells of others.
		"ipv6/conf/default/accept_dad": "0",
		"ipv6/conf/default/accept_ra":  "0",
		// A NIC tells its neighbours where it is, as a server's DHCP client does
		// at boot: they may remember another one with its addresses.
		"ipv4/conf/default/arp_notify":   "1",
		"ipv6/conf/default/ndisc_notify": "1",
	} {
		must(f.t, n.Space.Set(key, value))
	}
	n.lay(nil)
	n.MAC = link(f.t, n.Space, Device).Attrs().HardwareAddr
	for _, a := range addresses {
		prefix := netip.MustParsePrefix(a)
		n.Addresses = append(n.Addresses, prefix)
		n.Add(prefix)
	}
	n.up(Device)
	f.nodes = append(f.nodes, n)
	return n
}

// Owners are the nodes whose kernel has the address.
func (f *Field) Owners(a netip.Addr) []*Node {
	f.t.Helper()
	var owners []*Node
	for _, n := range f.nodes {
		if n.Has(a) {
			owners = append(owners, n)
		}
	}
	return owners
}

// Owner waits until one node has the address, and it alone.
func (f *Field) Owner(a netip.Addr) *Node {
	f.t.Helper()
	var owners []*Node
	Eventually(f.t, fmt.Sprintf("one node has %v", a), func() bool {
		owners = f.Owners(a)
		return len(owners) == 1
	})
	return owners[0]
}

// link is a device of a namespace.
func link(t testing.TB, s *space.Space, name string) netlink.Link {
	t.Helper()
	l, err := s.Links().LinkByName(name)
	must(t, err)
	return l
}

// isUp tells whether a device is on and carries.
func isUp(t testing.TB, s *space.Space, name string) bool {
	t.Helper()
	return link(t, s, name).Attrs().OperState == netlink.OperUp
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
