package field

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/test/lab/space"
)

// Device is the name of each node's NIC.
const Device = "eth0"

// Node is a server as the network sees it: a namespace with a NIC.
type Node struct {
	Name      string
	Space     *space.Space
	MAC       net.HardwareAddr // of the NIC
	Addresses []netip.Prefix   // as Join was told

	f         *Field
	dir       string // files of its programs
	port      string // the switch's end of the cable
	thread    thread
	processes []*Process
	folders   int
}

// Addr is the node's own address of a family.
func (n *Node) Addr(family Family) netip.Addr {
	n.f.t.Helper()
	for _, p := range n.Addresses {
		if p.Addr().Is6() == (family == IPv6) {
			return p.Addr()
		}
	}
	n.f.t.Fatalf("%s has no %v address", n.Name, family)
	return netip.Addr{}
}

// LinkLocal waits for the address that IPv6 multicast is sent from.
func (n *Node) LinkLocal() (a netip.Addr) {
	n.f.t.Helper()
	Eventually(n.f.t, n.Name+" has a link-local address", func() bool {
		for _, p := range n.held() {
			if p.Is6() && p.IsLinkLocalUnicast() {
				a = p
				return true
			}
		}
		return false
	})
	return a
}

// held are the addresses that the kernel has, on all devices.
func (n *Node) held() []netip.Addr {
	n.f.t.Helper()
	list, err := n.Space.Links().AddrList(nil, netlink.FAMILY_ALL)
	must(n.f.t, err)
	var all []netip.Addr
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			all = append(all, ip.Unmap())
		}
	}
	return all
}

// Has asks the kernel, not a daemon.
func (n *Node) Has(a netip.Addr) bool {
	n.f.t.Helper()
	for _, held := range n.held() {
		if held == a {
			return true
		}
	}
	return false
}

// Add puts an address on the NIC, for ever.
func (n *Node) Add(p netip.Prefix) {
	n.f.t.Helper()
	must(n.f.t, n.Space.Links().AddrReplace(link(n.f.t, n.Space, Device), &netlink.Addr{IPNet: ipNet(p)}))
}

// Remove takes an address off the NIC.
func (n *Node) Remove(p netip.Prefix) {
	n.f.t.Helper()
	must(n.f.t, n.Space.Links().AddrDel(link(n.f.t, n.Space, Device), &netlink.Addr{IPNet: ipNet(p)}))
}

// Run runs a command to its end and returns what it says.
func (n *Node) Run(argv ...string) string {
	n.f.t.Helper()
	out, err := n.Try(argv...)
	if err != nil {
		n.f.t.Fatalf("%s: %s: %v: %s", n.Name, strings.Join(argv, " "), err, out)
	}
	return out
}

// Try is Run for a command that may fail.
func (n *Node) Try(argv ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.thread.do(cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// folder is a new one for a program's files. Its owner is the user that the
// program becomes.
func (n *Node) folder(program string, uid, gid int) string {
	n.f.t.Helper()
	n.folders++
	dir := filepath.Join(n.dir, fmt.Sprintf("%s-%d", program, n.folders))
	must(n.f.t, os.Mkdir(dir, 0o755))
	must(n.f.t, os.Chown(dir, uid, gid))
	return dir
}

// Family is a version of the Internet Protocol.
type Family int

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

func (f Family) String() string { return fmt.Sprintf("IPv%d", int(f)) }
